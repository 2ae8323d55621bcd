#!/usr/bin/python3
"""Each own header compiles by itself, and has the guard its path asks for.

usage: headers.py SOURCE_DIR BUILD_DIR

Takes the flags of a translation unit of the same room from compile_commands.json.
"""
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys


def flags_by_room(build):
    """Compiler and flags of one translation unit of each room, without its input and output."""
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


def check(header, root, flags):
    name = header.relative_to(root).as_posix()
    guard = "UNIPRESENCE_" + name.replace("/", "_").replace(".", "_").upper() + "_"
    if f"#ifndef {guard}\n#define {guard}\n" not in header.read_text():
        return f"{name}: its guard is not {guard}"
    folder = header.parent
    while str(folder) not in flags and folder != root:
        folder = folder.parent
    if str(folder) not in flags:
        # A room of headers only: any translation unit's flags that know the source folder will do.
        folder = next(iter(flags))
    command, directory = flags[str(folder)]
    run = subprocess.run(command + ["-fsyntax-only", "-x", "c++", "-Wno-pragma-once-outside-header",
                                    "-Wno-unused", str(header)],
                         cwd=directory, capture_output=True, text=True)
    return f"{name} does not stand alone:\n{run.stderr}" if run.returncode else None


def main():
    root, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    flags = flags_by_room(build)
    headers = [h for room in ("aggregator", "server", "clients", "tests")
               for h in sorted((root / room).rglob("*.h"))]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        errors = [e for e in pool.map(lambda h: check(h, root, flags), headers) if e]
    for error in errors:
        print(error)
    if errors:
        sys.exit(f"{len(errors)} of {len(headers)} headers are wrong")
    print(f"{len(headers)} headers stand alone")


if __name__ == "__main__":
    main()
