#!/usr/bin/python3
"""The quickstart with programs that are built already: live changes are seen, and it ends cleanly.

usage: quickstart_test.py SOURCE_DIR BUILD_DIR
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SOURCE, BUILD = (pathlib.Path(folder).resolve() for folder in sys.argv[1:3])
STATES = "AVAILABLE|IN_USE|BUSY|RINGING|RINGING_IN_USE|ON_HOLD"
USERS = ("alice", "bob", "carol", "dave", "eve")
LIVE = "everybody's presence, live"
NEVER_SECONDS = 60


def living(group):
    """The processes of a process group that have not ended."""
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            name, fields = status.read_text().rsplit(") ", 1)
        except OSError:
            continue  # ended in between
        state, _, own_group = fields.split()[:3]
        if int(own_group) == group and state != "Z":
            found.append(name)
    return found


class Quickstart:
    """One run in a process group of its own, as a terminal starts it."""

    def __init__(self, data, *options):
        self.lines = []
        self.process = subprocess.Popen(
            ["bash", "deploy/quickstart.sh", "--no-build", "--any-ports", "--build-dir", str(BUILD),
             "--data", str(data), *options],
            cwd=SOURCE, start_new_session=True, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._reader = threading.Thread(target=self._read)
        self._enough = threading.Condition()
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._enough:
                self.lines.append(line.rstrip("\n"))
                self._enough.notify_all()

    def changes(self):
        """(user, state) of the lines that the watch printed."""
        text = "\n".join(self.lines)
        watched = text.split(LIVE, 1)[-1].split("\n") if LIVE in text else []
        found = []
        for line in watched:
            user = re.search(rf"\b({'|'.join(USERS)})\b", line)
            states = re.findall(rf"\b({STATES})\b", line)
            if user and states:
                found.append((user[1], states[0]))
        return found

    def wait_for_changes(self, count):
        with self._enough:
            return self._enough.wait_for(lambda: len(self.changes()) >= count, NEVER_SECONDS)

    def interrupt(self):
        """Ctrl-C: the whole group gets the signal."""
        os.killpg(self.process.pid, signal.SIGINT)

    def wait(self):
        self.process.wait(timeout=NEVER_SECONDS)
        self._reader.join()
        return self.process.returncode

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._reader.join()
        self.process.stdout.close()

    def text(self):
        return "\n".join(self.lines)


class QuickstartTest(unittest.TestCase):
    def start(self, data, *options):
        run = Quickstart(data, *options)
        self.addCleanup(run.end)
        return run

    def test_shows_live_changes_twice_in_a_row(self):
        with tempfile.TemporaryDirectory(prefix="unipresence-quickstart-") as data:
            for _ in range(2):
                run = self.start(data, "--seconds", "12")
                self.assertEqual(run.wait(), 0, run.text())
                changes = run.changes()
                # Five people are shown once to begin with.
                self.assertGreater(len(changes), len(USERS) + 3, run.text())
                self.assertGreater(len({state for _, state in changes}), 1, run.text())
                self.assertEqual(living(run.process.pid), [])

    def test_ctrl_c_ends_all_of_it(self):
        with tempfile.TemporaryDirectory(prefix="unipresence-quickstart-") as data:
            run = self.start(data)
            self.assertTrue(run.wait_for_changes(len(USERS)), run.text())
            run.interrupt()
            self.assertEqual(run.wait(), 0, run.text())
            self.assertIn("== stopping", run.text())
            self.assertEqual(living(run.process.pid), [])

    def test_a_call_can_be_placed_and_transferred(self):
        with tempfile.TemporaryDirectory(prefix="unipresence-quickstart-") as data:
            run = self.start(data)
            self.assertTrue(run.wait_for_changes(len(USERS)), run.text())
            server = re.search(r"UNIPRESENCE_SERVER=(\S+)", run.text())[1]

            def client(*arguments):
                return subprocess.run(
                    [BUILD / "unipresence", "--server", server, "--session-file", f"{data}/alice.session",
                     *arguments, "-o", "json"], capture_output=True, text=True, check=False)

            placed = client("call", "1001")
            self.assertEqual(placed.returncode, 0, placed.stderr)
            self.assertEqual(json.loads(placed.stdout)["other_party"]["number"], "1001")
            nowhere = client("call", "4711")
            self.assertIn("DESTINATION_FORBIDDEN", nowhere.stderr)
            # People answer and hang up as they like: any call of alice's deskphone will do.
            end = time.monotonic() + NEVER_SECONDS
            while True:
                self.assertLess(time.monotonic(), end, run.text())
                calls = [json.loads(line) for line in client("calls").stdout.splitlines()]
                talking = [c["id"] for c in calls if c["state"] == "ANSWERED" and c["kind"] == "DESKPHONE"]
                if talking and client("transfer", talking[0], "1003").returncode == 0:
                    break
                if not talking and not calls:
                    client("call", "1001")
                time.sleep(0.1)
            run.interrupt()
            self.assertEqual(run.wait(), 0, run.text())

    def test_says_what_is_missing(self):
        result = subprocess.run(["bash", "deploy/quickstart.sh", "--no-build", "--build-dir", "/nowhere"],
                                cwd=SOURCE, capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("no /nowhere/unipresence-pbxsim; run without --no-build", result.stderr)


class ConfigureTest(unittest.TestCase):
    """What a stand-in for cmake is asked for; what the tests need may not be installed."""

    def options(self, cache):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            cmake = folder / "cmake"
            cmake.write_text('#!/bin/sh\necho "$@" >> "$0.asked"\n')
            cmake.chmod(0o755)
            if cache is not None:
                (folder / "CMakeCache.txt").write_text(cache)
            subprocess.run(
                ["bash", "deploy/quickstart.sh", "--no-install", "--build-dir", str(folder)], cwd=SOURCE,
                env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}, check=False,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return (folder / "cmake.asked").read_text().split("\n")[0]

    def test_the_tests_stay_out_until_somebody_wants_them(self):
        self.assertIn("-DUNIPRESENCE_TESTS=OFF", self.options(None))
        self.assertIn("-DUNIPRESENCE_TESTS=OFF", self.options("UNIPRESENCE_TESTS:BOOL=OFF\n"))
        self.assertNotIn("UNIPRESENCE_TESTS", self.options("UNIPRESENCE_TESTS:BOOL=ON\n"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
