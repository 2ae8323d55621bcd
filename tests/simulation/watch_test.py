#!/usr/bin/python3
"""The demonstration, watched: a reader that is idle is shown every change, one that sleeps now and
then is told nothing that does not join what it was shown before.

usage: watch_test.py BUILD_DIR [SECONDS]
"""
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

BUILD = pathlib.Path(sys.argv[1]).resolve()
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 10
SLEEP_SECONDS = 5
SETTLE_SECONDS = 60
DEMO = pathlib.Path(__file__).resolve().parents[2] / "deploy/demo"
FREE_PORTS = ("--grpc.listen", "127.0.0.1:0", "--zeromq.publish", "tcp://127.0.0.1:*",
              "--zeromq.snapshot", "tcp://127.0.0.1:*", "--metrics.listen", "127.0.0.1:0")


class Program:
    """A program that prints one line of JSON once it listens."""

    def __init__(self, data, name, *arguments):
        self._log = open(data / f"{name}.log", "w", encoding="utf-8")  # noqa: SIM115
        self._process = subprocess.Popen([str(BUILD / name), *map(str, arguments)], text=True,
                                         stdout=subprocess.PIPE, stderr=self._log)
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(f"{name} ended: " + (data / f"{name}.log").read_text())
        self.addresses = json.loads(line)

    def stop(self):
        self._process.terminate()
        code = self._process.wait(timeout=SETTLE_SECONDS)
        self._process.stdout.close()
        self._log.close()
        return code


class Watch:
    """`unipresence watch -o json`; its lines are read at the pace of `pause`."""

    def __init__(self, command, pause):
        self.process = subprocess.Popen([*command, "watch", "-o", "json"], text=True, stdout=subprocess.PIPE)
        self.lines = []
        self._pause = pause
        self._stopped = False
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line))
            if not self._stopped:
                self._pause()

    def current(self):
        return any(line["event"] == "CURRENT" for line in self.lines)

    def last_sequence(self):
        return max((line["sequence"] or 0 for line in list(self.lines) if "sequence" in line), default=0)

    def stop(self):
        self._stopped = True
        self.process.terminate()
        self.process.wait(timeout=SETTLE_SECONDS)
        self._thread.join()
        self.process.stdout.close()


def wrong_rows(lines):
    """Rows whose state before, or count of changes, does not join what was shown before them."""
    shown, wrong = {}, []
    for line in lines:
        if line["event"] == "RESET":
            shown.clear()
        if line["event"] not in ("UPDATE", "REMOVED"):
            continue
        before = shown.get(line["user"])
        if before and not line["refresh"]:
            state, revision = before
            if line["previous_state"] != state or line["revision"] != revision + max(1, line["merged_changes"]):
                wrong.append((before, line))
        shown[line["user"]] = (line.get("state"), line["revision"])
    return wrong


def until(condition, what):
    deadline = time.monotonic() + SETTLE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {SETTLE_SECONDS} s: {what}")
        time.sleep(0.05)


class WatchTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="unipresence-watch-")
        self.addCleanup(folder.cleanup)
        data = pathlib.Path(folder.name)
        shutil.copy(DEMO / "users.yaml", data)
        sim = Program(data, "unipresence-pbxsim", "--listen", "127.0.0.1:0", "--pbx-name", "demo",
                      "--users-file", data / "users.yaml", "--demo")
        self.addCleanup(sim.stop)
        text = (DEMO / "unipresenced.yaml").read_text()
        port = sim.addresses["ami"].rsplit(":", 1)[1]
        (data / "unipresenced.yaml").write_text(text.replace("port: 5039", f"port: {port}"))
        server = Program(data, "unipresenced", "--config", data / "unipresenced.yaml",
                         "--store.path", data / "unipresence.db", *FREE_PORTS)
        self.addCleanup(server.stop)
        self.metrics = server.addresses["metrics"]
        self.client = [str(BUILD / "unipresence"), "--server", server.addresses["grpc"],
                       "--session-file", str(data / "session")]
        (data / "password").write_text("demo-alice\n")
        holder = subprocess.Popen([*self.client, "--timeout", str(SETTLE_SECONDS), "login", "alice",
                                   "--password-file", str(data / "password"), "--hold"],
                                  stdout=subprocess.DEVNULL)
        self.addCleanup(lambda: (holder.terminate(), holder.wait()))
        until((data / "session").exists, "logged in")

    def counter(self, name):
        with urllib.request.urlopen(f"http://{self.metrics}/metrics") as page:
            return int(float(re.search(rf"^{name} (\S+)$", page.read().decode(), re.MULTILINE)[1]))

    def watch(self, pause):
        watch = Watch(self.client, pause)
        self.addCleanup(watch.stop)
        until(watch.current, "current")
        return watch

    def test_every_change_is_shown_and_joins_what_was_shown_before(self):
        numbers = random.Random(1)
        sleepy = self.watch(lambda: time.sleep(SLEEP_SECONDS) if numbers.random() < 0.1 else None)
        idle = self.watch(lambda: None)
        time.sleep(SECONDS)
        # The PBX goes on: some moment comes at which all was shown.
        until(lambda: idle.last_sequence() == self.counter("unipresence_publish_updates_total"), "all is shown")
        missed = self.counter("unipresence_watch_coalesced_total")
        after_current = idle.lines[[line["event"] for line in idle.lines].index("CURRENT") + 1:]
        changes = [line for line in after_current if line["event"] in ("UPDATE", "REMOVED")]
        merged = sum(max(1, line["merged_changes"]) - 1 for line in idle.lines + sleepy.lines if "sequence" in line)
        first = min((line["sequence"] for line in changes), default=0)
        published = idle.last_sequence() - first + 1
        print(f"{SECONDS:g} s: {published} changes published, {len(changes)} shown to the idle reader, "
              f"{missed} merged; {len(sleepy.lines)} lines shown to the one that sleeps")
        self.assertEqual([line["sequence"] for line in changes], list(range(first, first + published)))
        self.assertEqual([line for line in changes if line["merged_changes"] or line["refresh"]], [])
        self.assertEqual([line for line in changes if line["cause"] is None], [])
        self.assertEqual(wrong_rows(idle.lines), [])
        self.assertEqual(wrong_rows(sleepy.lines), [])
        self.assertLessEqual(merged, missed)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
