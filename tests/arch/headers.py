#!/usr/bin/python3
"""Each own header compiles by itself, and has the guard its path asks for.

usage: headers.py SOURCE_DIR BUILD_DIR

A header that its own source file includes first is proven by the build. The others are compiled here,
with the flags of a translation unit of the same room from compile_commands.json; what passed is
remembered in BUILD_DIR/arch until a file that it includes changes.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

import verdict

INCLUDE = re.compile(r'^#include ["<]([^">]+)[">]', re.M)


def flags_by_room(build):
    """Compiler, flags and folder of one translation unit of each room, without input and output."""
    flags = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        arguments = shlex.split(entry["command"])
        if "ccache" in arguments[0]:
            arguments = arguments[1:]
        kept, skip = [], False
        for argument in arguments:
            if skip or argument in ("-c", "-MD") or argument == entry["file"]:
                skip = False
            elif argument in ("-o", "-MT", "-MF"):
                skip = True
            else:
                kept.append(argument)
        flags.setdefault(os.path.dirname(entry["file"]), (kept, entry["directory"]))
    return flags


def flags_for(header, root, flags):
    folder = header.parent
    while str(folder) not in flags and folder != root:
        folder = folder.parent
    # A room of headers only: the flags of any translation unit know the source folder.
    return flags[str(folder)] if str(folder) in flags else next(iter(flags.values()))


def has_guard(header, root):
    guard = "UNIPRESENCE_" + re.sub(r"[/.]", "_", header.relative_to(root).as_posix()).upper() + "_"
    return f"#ifndef {guard}\n#define {guard}\n" in header.read_text()


def proven_by_source(header, root):
    source = header.with_suffix(".cc")
    if not source.exists():
        return False
    first = INCLUDE.search(source.read_text())
    return first is not None and first[1] == header.relative_to(root).as_posix()


def state_of(files):
    """Changes when one of the files does."""
    return [[file, os.stat(file).st_mtime_ns] for file in files]


def remembered(stamp):
    try:
        return all(os.stat(file).st_mtime_ns == time for file, time in json.loads(stamp.read_text()))
    except (OSError, ValueError):
        return False


def compile_alone(header, root, flags, memory):
    command, directory = flags_for(header, root, flags)
    command = command + ["-fsyntax-only", "-x", "c++", "-Wno-pragma-once-outside-header", "-Wno-unused"]
    stamp = memory / hashlib.sha256(f"{header} {command}".encode()).hexdigest()
    if remembered(stamp):
        return None
    depends = stamp.with_suffix(".d")
    run = subprocess.run([*command, "-MMD", "-MF", str(depends), "-MT", "header", str(header)],
                         cwd=directory, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return f"{header.relative_to(root)} does not stand alone:\n{run.stderr}"
    included = depends.read_text().replace("\\\n", " ").split(":", 1)[1].split()
    stamp.write_text(json.dumps(state_of([os.path.join(directory, file) for file in included])))
    return None


def main():
    root, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    memory = build / "arch"
    memory.mkdir(exist_ok=True)
    flags = flags_by_room(build)
    headers = [h for room in ("aggregator", "server", "clients", "tests")
               for h in sorted((root / room).rglob("*.h"))]
    errors = [f"{h.relative_to(root)}: its guard does not follow from its path"
              for h in headers if not has_guard(h, root)]
    alone = [h for h in headers if not proven_by_source(h, root)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        errors += filter(None, pool.map(lambda h: compile_alone(h, root, flags, memory), alone))
    verdict.give(errors, "headers are wrong",
                 f"{len(headers)} headers: {len(headers) - len(alone)} proven by their sources, {len(alone)} alone")


if __name__ == "__main__":
    main()
