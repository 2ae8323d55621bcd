#!/usr/bin/python3
"""Product code stays readable: files up to 400 lines, functions up to 60, or a reason in REASONS; folders of
aggregator/ and server/, those within a room too, with up to 20 sources (a header and its .cc count once).

usage: sizes.py SOURCE_DIR
"""
import ast
import pathlib
import sys

import verdict

FILE_LINES = 400
FUNCTION_LINES = 60
FOLDER_SOURCES = 20
ROOMS = ("aggregator", "server", "clients", "deploy")

# File, or "file:first line of a function" -> why it is longer.
REASONS = {
    "aggregator/pbx/channel_tracker.cc": "one handler for each event about a channel, and nothing else",
}


NO_FUNCTION = ("namespace", "class", "struct", "enum", "template", "using", "typedef", "static_assert")


def cpp_functions(lines):
    """(first line, length) of what begins at the margin and ends with a lone brace there."""
    begin, opened = None, False
    for number, line in enumerate(lines, 1):
        if begin is None and line[:1].isalpha() and not line.startswith(NO_FUNCTION):
            begin, opened = number, False
        if begin is None:
            continue
        opened = opened or "{" in line
        if line.rstrip() == "}":
            yield begin, number - begin + 1
        if line.startswith("}") or (not opened and line.rstrip().endswith(";")):
            begin = None


def python_functions(lines):
    for node in ast.walk(ast.parse("".join(lines))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def check(file, name, errors):
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    if len(lines) > FILE_LINES and name not in REASONS:
        errors.append(f"{name}: {len(lines)} lines; split it, or say why in {pathlib.Path(__file__).name}")
    if file.suffix == ".sh":
        return
    functions = python_functions(lines) if file.suffix == ".py" else cpp_functions(lines)
    for line, length in functions:
        if length > FUNCTION_LINES and f"{name}:{lines[line - 1].strip()}" not in REASONS:
            errors.append(f"{name}:{line}: a function of {length} lines: {lines[line - 1].strip()}")


def check_folders(root, errors):
    for parent in ("aggregator", "server"):
        for folder in sorted(path for path in (root / parent).rglob("*") if path.is_dir()):
            sources = {file.stem for file in folder.iterdir() if file.suffix in (".cc", ".h")}
            if len(sources) > FOLDER_SOURCES:
                errors.append(f"{folder.relative_to(root).as_posix()}: {len(sources)} sources; make two rooms of it")


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    errors, count = [], 0
    for room in ROOMS:
        for file in sorted((root / room).rglob("*")):
            if file.suffix in (".cc", ".h", ".py", ".sh"):
                count += 1
                check(file, file.relative_to(root).as_posix(), errors)
    check_folders(root, errors)
    verdict.give(errors, "files, functions or folders are too large",
                 f"{count} files and their functions are short enough")


if __name__ == "__main__":
    main()
