#!/usr/bin/python3
"""unipresenced beside the simulated PBX through storms and every trouble with the link: whatever
happens, the presences end up as the PBX says, nobody stays stale, and users are stale in between.

usage: trouble_test.py BUILD_DIR
"""
import json
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = pathlib.Path(sys.argv[1]).resolve()
USERS = 60
SETTLE_SECONDS = 60
CONFIGURATION = """
pbx: [{{name: sim, host: 127.0.0.1, port: {port}, username: unipresence, secret: unipresence}}]
grpc: {{listen: "127.0.0.1:0"}}
zeromq: {{publish: "tcp://127.0.0.1:*", snapshot: "tcp://127.0.0.1:*"}}
metrics: {{listen: "127.0.0.1:0"}}
store: {{path: {data}/unipresence.db}}
users_file: {data}/users.yaml
"""


def connect(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=SETTLE_SECONDS)


def until(condition, what, seconds=SETTLE_SECONDS):
    """Polls until the condition holds; returns what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


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


class Pbx:
    """The control port of unipresence-pbxsim, and its AMI for asking what it reports."""

    def __init__(self, addresses):
        self._addresses = addresses
        self._socket = connect(addresses["control"])
        self._lines = self._socket.makefile("r", encoding="utf-8")

    def close(self):
        self._lines.close()
        self._socket.close()

    def start(self, command, **fields):
        self._socket.sendall((json.dumps({"command": command, **fields}) + "\n").encode())

    def reply(self):
        reply = json.loads(self._lines.readline())
        if not reply["ok"]:
            raise AssertionError(reply)
        return reply

    def run(self, command, **fields):
        self.start(command, **fields)
        return self.reply()

    def go_on(self):
        """Ends the wait of the command that was started last."""
        other = Pbx(self._addresses)
        other.run("go_on")
        other.close()

    def hang_up_all(self):
        while channels := self.run("status")["channels"]:
            self.run("hangup", channel=channels[0]["id"])

    def device_states(self):
        """{"PJSIP/user0": "NOT_INUSE", ...}"""
        with connect(self._addresses["ami"]) as ami:
            ami.sendall(b"Action: Login\r\nUsername: unipresence\r\nSecret: unipresence\r\nEvents: off\r\n\r\n"
                        b"Action: DeviceStateList\r\n\r\n")
            text = b""
            while b"ListItems: " not in text:
                piece = ami.recv(65536)
                if not piece:
                    raise AssertionError("the AMI connection of the test ended")
                text += piece
        states, device = {}, None
        for line in text.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            if name == "Device":
                device = value
            elif name == "State" and device.startswith("PJSIP/"):
                states[device] = value
        return states


class TroubleTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="unipresence-trouble-")
        self.addCleanup(folder.cleanup)
        data = pathlib.Path(folder.name)
        sim = Program(data, "unipresence-pbxsim", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0",
                      "--users", USERS, "--users-file-out", data / "users.yaml", "--pbx-name", "sim")
        self.addCleanup(lambda: self.assertEqual(sim.stop(), 0))
        self.pbx = Pbx(sim.addresses)
        self.addCleanup(self.pbx.close)
        configuration = data / "unipresenced.yaml"
        configuration.write_text(CONFIGURATION.format(port=sim.addresses["ami"].rsplit(":", 1)[1], data=data))
        server = Program(data, "unipresenced", "--config", configuration)
        self.addCleanup(lambda: self.assertEqual(server.stop(), 0))
        (data / "password").write_text("password-0\n")
        self.client = [str(BUILD / "unipresence"), "--server", server.addresses["grpc"],
                       "--session-file", str(data / "session")]
        holder = subprocess.Popen([*self.client, "login", "user0", "--password-file", str(data / "password"),
                                   "--hold"], stdout=subprocess.DEVNULL)
        self.addCleanup(lambda: (holder.terminate(), holder.wait()))
        until(lambda: (data / "session").exists() and self.presences(), "logged in")
        # Calls ring where the server says: also those of the user who is logged in on the deskphone.
        subprocess.run([*self.client, "select", "deskphone"], check=True, stdout=subprocess.DEVNULL)
        self.settled()

    def presences(self):
        result = subprocess.run([*self.client, "list", "-o", "json"], capture_output=True, text=True, check=False)
        return [json.loads(line) for line in result.stdout.splitlines()]

    def wrong(self):
        """What of the presences is not as the PBX says; empty once all is well."""
        truth = self.pbx.device_states()
        presences = self.presences()
        if len(presences) != USERS:
            return [f"{len(presences)} presences"]
        return [(one["user"], line["device"], line["state"], truth.get(line["device"]), one["stale"])
                for one in presences for line in one["lines"]
                if one["stale"] or line["state"] != truth.get(line["device"], "UNAVAILABLE")]

    def settled(self):
        self.pbx.hang_up_all()
        until(lambda: not self.wrong(), lambda: f"as the PBX says; wrong: {self.wrong()[:3]}")

    def some_calls(self, numbers, count=20):
        for _ in range(count):
            caller, callee = numbers.sample(range(USERS), 2)
            self.pbx.run("dial", device=f"user{caller}", number=str(1000 + callee))
            if numbers.random() < 0.7:
                self.pbx.run("answer", device=f"user{callee}")
            if numbers.random() < 0.3:
                self.pbx.run("hangup", device=f"user{caller}")

    def test_storms(self):
        for seed in range(3):
            self.pbx.run("storm", events=20_000 + seed, seed=seed)
            self.settled()

    def test_links_cut_anywhere(self):
        numbers = random.Random(1)
        for _ in range(15):
            self.pbx.run("cut", after=numbers.randrange(1, 20_000))
            self.some_calls(numbers)
            if numbers.random() < 0.5:
                self.settled()
        self.settled()

    def test_restarts_and_kills(self):
        numbers = random.Random(2)
        for command in ("restart", "kill", "restart", "kill"):
            self.some_calls(numbers)
            self.pbx.start(command, **({"stopping_ms": 300} if command == "restart" else {}),
                           down_ms=3_600_000, booting_ms=200)
            until(lambda: any(one["stale"] for one in self.presences()), "stale while the PBX is away")
            self.pbx.go_on()
            self.pbx.reply()
            self.settled()

    def test_ports_that_refuse_or_say_nothing(self):
        self.pbx.start("refuse_connections", ms=800)
        self.pbx.start("cut", after=0)
        self.pbx.reply()
        self.pbx.reply()
        self.settled()
        self.pbx.run("accept", how="and_closing")
        self.pbx.run("cut", after=0)
        accepted = self.pbx.run("status")["accepted"]
        until(lambda: self.pbx.run("status")["accepted"] > accepted + 2, "it tries again")
        self.pbx.run("accept", how="normally")
        self.settled()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
