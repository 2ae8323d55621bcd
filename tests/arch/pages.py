#!/usr/bin/python3
"""What comments and pages name is there: the specification lives in this repository.

usage: pages.py SOURCE_DIR

Of comments (C++, protos, Python, shell, CMake, configuration): every page and every own source file that
they name. Of pages: the same, in links and in `code`. A name is looked for in the folder of who names it, in
the folders above that, and by the end of its path anywhere (the page of a folder is not looked for
elsewhere). Every room has its page.
"""
import fnmatch
import os
import pathlib
import re
import sys

SKIPPED = re.compile(r"build.*|\.git|\.cache|__pycache__|traces|recorded|corpus")
SLASHES = (".h", ".cc", ".proto")
HASHES = (".py", ".sh", ".yaml", ".yml", ".service", "CMakeLists.txt", "run")
SEMICOLONS = (".conf",)
COMMENT = {"//": re.compile(r"(?:^|\s)//+(.*)$"), "#": re.compile(r"(?:^|\s)#(.*)$"),
           ";": re.compile(r"(?:^|\s);(.*)$")}
DOCSTRING = re.compile(r'"""(.*?)"""', re.S)
CODE = re.compile(r"`([^`\n]+)`|\]\(([^)\s]+)\)")
NAME = re.compile(r"(?<![\w/.:<*-])((?:[\w.*-]+/)*[\w*-]+\.(?:md|h|cc|py|sh|proto))\b(?![\w/(*-])")
ROOMS = ("aggregator", "server", "clients")
# Files of other programs, and of nobody: examples, and what is generated or installed elsewhere.
FOREIGN = ("include/asterisk/*", "sysexits.h", "*.pb.h", "*PART.py")
# Rooms that have no page yet.
OWED = {"aggregator/pipeline", "server/config", "server/service", "server/storage"}


def comments(path, text):
    """(line number, text) of each comment of the file."""
    name = path.name
    marker = ("//" if name.endswith(SLASHES) else "#" if name.endswith(HASHES)
              else ";" if name.endswith(SEMICOLONS) else None)
    if marker is None:
        return
    for number, line in enumerate(text.splitlines(), 1):
        if match := COMMENT[marker].search(line):
            yield number, match[1]
    if name.endswith(".py"):
        for match in DOCSTRING.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, match[1]


def page_texts(text):
    for number, line in enumerate(text.splitlines(), 1):
        for match in CODE.finditer(line):
            yield number, match[1] or match[2]


class Tree:
    def __init__(self, root):
        self.files = set()
        for folder, folders, names in os.walk(root):
            here = pathlib.Path(folder).relative_to(root)
            folders[:] = [f for f in folders if f in (".ci",) or not f.startswith((".", "build", "__"))]
            self.files.update((here / name).as_posix() for name in names)
        self.ends = {}
        for file in self.files:
            parts = file.split("/")
            for begin in range(len(parts)):
                self.ends.setdefault("/".join(parts[begin:]), file)

    def holds(self, name, folder, here_only):
        if "*" in name:
            return any(fnmatch.fnmatch(file, name) or fnmatch.fnmatch(file, "*/" + name)
                       for file in self.files)
        for place in [folder] if here_only else [folder, *folder.parents]:
            if os.path.normpath(place / name) in self.files:
                return True
        # A README.md is meant by its folder: one anywhere would always be found.
        return not here_only and name != "README.md" and name in self.ends


def check(root, name, tree, errors):
    path = root / name
    if path.suffix == ".md":
        texts = page_texts(path.read_text(encoding="utf-8"))
    else:
        try:
            texts = comments(path, path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            return
    folder = pathlib.PurePosixPath(name).parent
    for number, text in texts:
        for match in NAME.finditer(text):
            if any(fnmatch.fnmatch(match[1], foreign) for foreign in FOREIGN):
                continue
            here_only = text[match.end():].startswith(" in this folder")
            if not tree.holds(match[1], folder, here_only):
                errors.append(f"{name}:{number}: names {match[1]}, which is not there")


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    tree, errors = Tree(root), []
    files = [file for file in sorted(tree.files)
             if not any(SKIPPED.fullmatch(part) for part in file.split("/")[:-1])]
    for file in files:
        check(root, file, tree, errors)
    for room in sorted(room for parent in ROOMS for room in (root / parent).iterdir()):
        name = room.relative_to(root).as_posix()
        if (room / "CMakeLists.txt").exists() and not (room / "README.md").exists() and name not in OWED:
            errors.append(f"{name}/: has no README.md: what it is for, what it promises, its rules, why")
    for error in errors:
        print(error)
    if errors:
        sys.exit(f"{len(errors)} names lead nowhere, or rooms have no page")
    print(f"what the comments and pages of {len(files)} files name is there")


if __name__ == "__main__":
    main()
