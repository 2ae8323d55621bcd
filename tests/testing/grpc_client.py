"""A gRPC client for tests in Python: stubs generated from proto/, users who log in and command."""
import importlib
import pathlib
import shutil
import subprocess
import sys
import tempfile

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[2]
_FOLDER = tempfile.TemporaryDirectory(prefix="unipresence-stubs-")


def load(module):
    """A generated module such as `presence_pb2`; all are generated at the first call."""
    out = pathlib.Path(_FOLDER.name)
    if not any(out.iterdir()):
        protos = sorted((ROOT / "proto/unipresence/v1").glob("*.proto"))
        subprocess.run(
            ["protoc", f"-I{ROOT / 'proto'}", f"--python_out={out}", f"--grpc_out={out}",
             f"--plugin=protoc-gen-grpc={shutil.which('grpc_python_plugin')}", *map(str, protos)],
            check=True)
        sys.path.insert(0, str(out))
    return importlib.import_module(f"unipresence.v1.{module}")


class Client:
    """A channel to one server; each user's token is kept."""

    def __init__(self, address):
        self.channel = None
        self._tokens = {}
        self.connect(address)

    def connect(self, address):
        """A new channel; the tokens stay good, for sessions outlive the server."""
        self.close()
        self.channel = grpc.insecure_channel(address)

    def close(self):
        if self.channel:
            self.channel.close()

    def stub(self, service):
        """The stub of a service by the stem of its file: `device_selection`."""
        name = "".join(part.capitalize() for part in service.split("_")) + "ServiceStub"
        return getattr(load(f"{service}_pb2_grpc"), name)(self.channel)

    def identity(self, user):
        """The metadata of a call by a user who is logged in."""
        return [("authorization", f"Bearer {self._tokens[user]}")]

    def log_in(self, user, password, timeout=20):
        request = load("session_pb2").CreateSessionRequest(username=user, password=password)
        self._tokens[user] = self.stub("session").CreateSession(request, timeout=timeout).token

    def select(self, caller, device, user="", timeout=10):
        """SelectDevice of DESKPHONE or WEBRTC; a future of the selection."""
        kind = load("presence_pb2").LineKind.Value(f"LINE_KIND_{device}")
        request = load("device_selection_pb2").SelectDeviceRequest(user=user, device=kind)
        return self.stub("device_selection").SelectDevice.future(
            request, metadata=self.identity(caller), timeout=timeout)

    def keep_alive(self, user):
        """KeepSessionAlive: one sign of life."""
        request = load("session_pb2").KeepSessionAliveRequest()
        self.stub("session").KeepSessionAlive(request, metadata=self.identity(user), timeout=10)

    def selected(self, user):
        """DESKPHONE or WEBRTC, as the user has selected it."""
        request = load("device_selection_pb2").GetDeviceSelectionRequest()
        answer = self.stub("device_selection").GetDeviceSelection(
            request, metadata=self.identity(user), timeout=10)
        return load("presence_pb2").LineKind.Name(answer.selected_device).removeprefix("LINE_KIND_")
