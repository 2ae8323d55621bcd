#!/usr/bin/python3
"""Engine::Apply fetches ahead what its changes need: the object code has the prefetch instructions.

usage: prefetch.py OBJECT...

A compiler may drop them and nothing but the speed among millions of users would tell. Looks into the
objects of the engine, after optimisation, for the function and its prefetches.
"""
import re
import subprocess
import sys

FUNCTION = re.compile(r"^[0-9a-f]+ <unipresence::Engine::Apply\(.*DeviceChange const.*\)>:$")
PREFETCH = re.compile(r"\t(prefetch\w*|prfm)\b")
# The line; the user and his newest steps; the step to write and each other device.
WANTED = 5


def main():
    objects = [path for argument in sys.argv[1:] for path in argument.split(";") if path.endswith("engine.cc.o")]
    if len(objects) != 1:
        sys.exit(f"one object of engine.cc is looked at, not {objects}")
    code = subprocess.run(["objdump", "-d", "-C", "--no-show-raw-insn", objects[0]],
                          capture_output=True, text=True, check=True).stdout
    inside, found, seen = False, 0, False
    for line in code.splitlines():
        if line.endswith(">:"):
            inside = bool(FUNCTION.match(line))
            seen |= inside
        elif inside and PREFETCH.search(line):
            found += 1
    if not seen:
        sys.exit("no Engine::Apply of device changes in the object")
    if found < WANTED:
        sys.exit(f"Engine::Apply has {found} prefetch instructions, of {WANTED} or more")
    print(f"Engine::Apply has {found} prefetch instructions")


if __name__ == "__main__":
    main()
