#!/usr/bin/python3
"""clang-tidy (.clang-tidy has its checks) over the sources of the product that were changed last.

usage: tidy.py SOURCE_DIR BUILD_DIR [--files N]

A whole pass takes an hour on two cores, so the newest N changed sources are read (default 12), by the history
of git; of a header its .cc. What is built with others in one (clients/cli/flags) is left out. BUILD_DIR is
one that clang built: it has compile_commands.json and what is generated of the .proto files.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

import verdict

FOLDERS = ("aggregator", "server", "clients")


def changed(root):
    """Sources by their newest change: what is not committed yet, then commit by commit."""
    def git(*arguments):
        return subprocess.run(["git", "-C", str(root), *arguments, "--", *FOLDERS],
                              check=True, capture_output=True, text=True).stdout.splitlines()
    return git("diff", "--name-only", "HEAD") + git("log", "--no-merges", "--format=", "--name-only", "-n", "100")


def to_read(root, names, known, count):
    files = []
    for name in names:
        file = (root / name).with_suffix(".cc") if name.endswith(".h") else root / name
        if file in known and file not in files:
            files.append(file)
    return files[:count]


def tidy(file, build):
    done = subprocess.run(["clang-tidy", "-p", str(build), "--quiet", str(file)],
                          capture_output=True, text=True, check=False)
    if not done.returncode:
        return []
    return done.stdout.splitlines() or [f"{file}: clang-tidy failed: {done.stderr.strip()}"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("build", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--files", type=int, default=12)
    given = parser.parse_args()
    commands = json.loads((given.build / "compile_commands.json").read_text(encoding="utf-8"))
    known = {pathlib.Path(command["directory"], command["file"]).resolve() for command in commands}
    try:
        names = changed(given.source)
    except (OSError, subprocess.CalledProcessError):
        print(f"{given.source} has no history of git that says what was changed: nothing was read")
        return
    files = to_read(given.source, names, known, given.files)
    if not files:
        sys.exit(f"none of what was changed last is in {given.build}/compile_commands.json")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        errors = [line for lines in pool.map(lambda file: tidy(file, given.build), files) for line in lines]
    # A header is read once for each source that includes it.
    verdict.give(list(dict.fromkeys(errors)), "lines of complaints by clang-tidy",
                 f"clang-tidy: nothing to say of the {len(files)} sources changed last")


if __name__ == "__main__":
    sys.exit(main())
