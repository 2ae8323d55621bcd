#!/usr/bin/python3
"""kill -9 of the server while selections are written: every acknowledged one is there afterwards.

usage: server_kill_test.py BUILD_DIR [ROUNDS]

Four users select devices as fast as they are answered; the server is killed at a random moment and
started again, ROUNDS times (default 200). What was acknowledged last, or the one that was under way and
not acknowledged yet, must be selected then. Sessions outlive the server too: nobody logs in again.
"""
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "testing"))
import grpc_client  # noqa: E402  (the module beside this folder)

USERS = 4
DEVICES = ["DESKPHONE", "WEBRTC"]


def write_configuration(folder):
    users = "".join(
        f"- {{id: u{i}, exten: '{100 + i}', context: default, line_type: unique_account, username: u{i},"
        f" password: secret-{i}, lines: [{{kind: deskphone, pbx: main, device: PJSIP/u{i}}},"
        f" {{kind: webrtc, pbx: main, device: PJSIP/u{i}_w}}]}}\n" for i in range(USERS))
    (folder / "users.yaml").write_text(users)
    config = folder / "config.yaml"
    config.write_text(
        "pbx: [{name: main, host: 127.0.0.1, port: 1, username: x, secret: x}]\n"  # nobody is there
        f"grpc: {{listen: 'unix:{folder}/grpc.sock'}}\n"
        "zeromq: {publish: 'tcp://127.0.0.1:*', snapshot: 'tcp://127.0.0.1:*'}\n"
        "metrics: {listen: '127.0.0.1:0'}\n"
        f"store: {{path: {folder}/store.db}}\n"
        "sessions: {time_to_live_s: 3600}\n"
        "users_file: users.yaml\n")
    return config


class Server:
    def __init__(self, build, config):
        self.log = open(config.parent / "server.log", "ab")
        self.process = subprocess.Popen([str(build / "unipresenced"), "--config", str(config)],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()  # printed once it listens
        if not line:
            raise SystemExit("the server did not start:\n" + (config.parent / "server.log").read_text())
        self.address = json.loads(line)["grpc"]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Selector(threading.Thread):
    """Selects one device after the other for one user until the server is gone."""

    def __init__(self, client, user):
        super().__init__()
        self.client, self.user = client, user
        self.acknowledged = None
        self.under_way = None
        self.count = 0

    def run(self):
        try:
            for i in range(1_000_000):
                self.under_way = DEVICES[i % 2]
                self.client.select(self.user, self.under_way).result()
                self.acknowledged = self.under_way
                self.count += 1
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                raise


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    random.seed(7)
    with tempfile.TemporaryDirectory() as name:
        config = write_configuration(pathlib.Path(name))
        server = Server(build, config)
        client = grpc_client.Client(server.address)
        users = [f"u{i}" for i in range(USERS)]
        for i, user in enumerate(users):
            client.log_in(user, f"secret-{i}")
        acknowledged = dict.fromkeys(users)
        total = 0
        for round_number in range(rounds):
            selectors = [Selector(client, user) for user in users]
            for selector in selectors:
                selector.start()
            time.sleep(random.uniform(0.005, 0.08))  # when to strike, not what to wait for
            server.kill()
            for selector in selectors:
                selector.join()
            server = Server(build, config)
            client.connect(server.address)
            for selector in selectors:
                user = selector.user
                acknowledged[user] = selector.acknowledged or acknowledged[user]
                found = client.selected(user)
                allowed = {acknowledged[user], selector.under_way} - {None}
                if found not in allowed:
                    raise SystemExit(f"round {round_number}: user {user} has selected {found}, "
                                     f"acknowledged was {acknowledged[user]}")
                acknowledged[user] = found
                total += selector.count
        server.kill()
        print(f"{rounds} kills, {total} acknowledged selections, none lost")


if __name__ == "__main__":
    main()
