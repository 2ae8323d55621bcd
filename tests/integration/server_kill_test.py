#!/usr/bin/python3
"""kill -9 of the server while selections are written: every acknowledged one is there afterwards.

usage: server_kill_test.py BUILD_DIR SOURCE_DIR [ROUNDS]

Four users select devices as fast as they are answered; the server is killed at a random moment and
started again, ROUNDS times (default 200). What was acknowledged last, or the one that was under way and
not acknowledged yet, must be selected then. Sessions outlive the server too: nobody logs in again.
"""
import importlib
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import grpc

USERS = 4


def generate_stubs(source, out):
    protos = sorted((source / "proto/unipresence/v1").glob("*.proto"))
    subprocess.run(
        ["protoc", f"-I{source / 'proto'}", f"--python_out={out}", f"--grpc_out={out}",
         f"--plugin=protoc-gen-grpc={shutil.which('grpc_python_plugin')}", *map(str, protos)],
        check=True)
    sys.path.insert(0, str(out))


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

    def __init__(self, stub, messages, user, token, presence):
        super().__init__()
        self.stub, self.messages, self.user, self.token, self.presence = (
            stub, messages, user, token, presence)
        self.acknowledged = None
        self.under_way = None
        self.count = 0

    def run(self):
        kinds = [self.presence.LINE_KIND_DESKPHONE, self.presence.LINE_KIND_WEBRTC]
        try:
            for i in range(1_000_000):
                self.under_way = kinds[i % 2]
                self.stub.SelectDevice(
                    self.messages.SelectDeviceRequest(user=self.user, device=self.under_way),
                    metadata=[("authorization", f"Bearer {self.token}")], timeout=10)
                self.acknowledged = self.under_way
                self.count += 1
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                raise


def main():
    build, source = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 200
    random.seed(7)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "stubs").mkdir()
        generate_stubs(source, folder / "stubs")
        load = lambda module: importlib.import_module(f"unipresence.v1.{module}")
        presence = load("presence_pb2")
        selection, selection_grpc = load("device_selection_pb2"), load("device_selection_pb2_grpc")
        session, session_grpc = load("session_pb2"), load("session_pb2_grpc")
        config = write_configuration(folder)

        server = Server(build, config)
        channel = grpc.insecure_channel(server.address)
        tokens = [session_grpc.SessionServiceStub(channel).CreateSession(
            session.CreateSessionRequest(username=f"u{i}", password=f"secret-{i}"), timeout=20).token
                  for i in range(USERS)]
        acknowledged = {i: None for i in range(USERS)}
        total = 0
        for round_number in range(rounds):
            stub = selection_grpc.DeviceSelectionServiceStub(channel)
            selectors = [Selector(stub, selection, f"u{i}", tokens[i], presence) for i in range(USERS)]
            for selector in selectors:
                selector.start()
            time.sleep(random.uniform(0.005, 0.08))  # when to strike, not what to wait for
            server.kill()
            for selector in selectors:
                selector.join()
            channel.close()
            server = Server(build, config)
            channel = grpc.insecure_channel(server.address)
            stub = selection_grpc.DeviceSelectionServiceStub(channel)
            for i, selector in enumerate(selectors):
                acknowledged[i] = selector.acknowledged or acknowledged[i]
                found = stub.GetDeviceSelection(
                    selection.GetDeviceSelectionRequest(user=f"u{i}"),
                    metadata=[("authorization", f"Bearer {tokens[i]}")], timeout=10).selected_device
                allowed = {acknowledged[i], selector.under_way} - {None}
                if found not in allowed:
                    raise SystemExit(f"round {round_number}: user u{i} has selected {found}, "
                                     f"acknowledged was {acknowledged[i]}")
                acknowledged[i] = found
                total += selector.count
        server.kill()
        print(f"{rounds} kills, {total} acknowledged selections, none lost")


if __name__ == "__main__":
    main()
