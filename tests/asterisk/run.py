#!/usr/bin/python3
"""Runs the real-Asterisk tests: fetches what is missing, then N test processes side by side.

Further arguments go to pytest, for example:
  run.py -k web_received            one scenario, both versions, all modes
  run.py --asterisk 22 test_presence.py
Where an Asterisk cannot be had the tests are skipped, loudly; UNIPRESENCE_REQUIRE_ASTERISK=1 makes
that a failure.  UNIPRESENCE_BUILD_DIR names the build folder (default: build/).
"""
import argparse
import pathlib
import subprocess
import sys
import time

import fetch_asterisk

HERE = pathlib.Path(__file__).resolve().parent
NO_TESTS = 5  # pytest's exit code when a shard is empty


def fetch(versions):
    for version in versions:
        try:
            fetch_asterisk.fetch(version)
        except (fetch_asterisk.CannotFetch, OSError, subprocess.SubprocessError) as error:
            print(f"ASTERISK {version} CANNOT BE FETCHED: {error}", file=sys.stderr)


def run(commands):
    """Runs the commands side by side, prints what they said; returns whether one failed."""
    running = [subprocess.Popen(command, cwd=HERE, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
               for command in commands]
    failed = False
    for process in running:
        output, _ = process.communicate()
        print(output, end="")
        failed |= process.returncode not in (0, NO_TESTS)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-j", "--jobs", type=int, default=6, help="test processes, which mostly wait (default 6)")
    parser.add_argument("--fetch-only", action="store_true", help="fetch, never fail, run nothing")
    parser.add_argument("--asterisk", action="append", choices=sorted(fetch_asterisk.VERSIONS))
    arguments, others = parser.parse_known_args()
    versions = arguments.asterisk or list(fetch_asterisk.VERSIONS)
    fetch(versions)
    if arguments.fetch_only:
        return 0
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(HERE), *others]
    words += [word for version in versions for word in ("--asterisk", version)]
    files = [] if any(one.startswith("test_") for one in others) else sorted(HERE.glob("test_*.py"))
    alone = [str(file) for file in files if file.name == "test_latency.py"]  # its figures are about time
    together = [str(file) for file in files if str(file) not in alone]
    began = time.monotonic()
    shards = [[*words, *together, "--shard", f"{index + 1}/{arguments.jobs}"] for index in range(arguments.jobs)]
    failed = run(shards) | (run([[*words, *alone]]) if alone else False)
    print(f"{'FAILED' if failed else 'passed'} in {time.monotonic() - began:.0f} s, {arguments.jobs} processes")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
