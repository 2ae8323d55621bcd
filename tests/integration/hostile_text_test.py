"""Texts in any bytes, from every source, through the whole server: each string of each response is valid.

usage: UNIPRESENCE_BUILD_DIR=build /usr/bin/python3 -m pytest tests/integration/hostile_text_test.py

A PBX that says hostile things, a store with hostile rows, configuration files of others in Latin-1, and
clients that send control characters. A client in Python parses as Protobuf demands: a string that is not
UTF-8 fails the response it is in.
"""
import json
import os
import pathlib
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import unicodedata

import grpc
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "testing"))
import grpc_client  # noqa: E402  (the module beside this folder)

BUILD = pathlib.Path(os.environ.get("UNIPRESENCE_BUILD_DIR", "build")).resolve()
PASSWORD = "correct horse"
HOSTILE = {
    "Latin-1": b"Soci\xe9t\xe9",
    "CP1251": "Пётр".encode("cp1251"),
    "cut": "Société".encode()[:-1],
    "cut in four": "\U0001f600".encode()[:3],
    "overlong": b"a\xc0\x80b\xe0\x80\x80",
    "surrogate": b"\xed\xa0\x80",
    "beyond": b"\xf5\x80\x80\x80\xff\xfe",
    "continuation": b"\x80\xbfa",
    "controls": b"\x00\x1b[2J\x7f\x07",
    "C1": "\u0085\u009b31m".encode(),
    "bidi": "\u202eabc\u2066\u2028\u2029".encode(),
    "no character": "\ufffe\uffff".encode(),
    "long": b"\xe9" * 5_000,
    "long UTF-8": ("a" + "é" * 2_500).encode(),
    "empty": b"",
}
ALL = b"".join(HOSTILE[name] for name in HOSTILE if not name.startswith("long"))


def wrong(text, multiline=False):
    """The characters of a string that a client must not get."""
    allowed = "\n\t" if multiline else ""
    return [hex(ord(c)) for c in text if c not in allowed and (
        unicodedata.category(c) in ("Cc", "Cs") or 0x2028 <= ord(c) <= 0x202E or 0x2066 <= ord(c) <= 0x2069
        or ord(c) & 0xFFFE == 0xFFFE)]


def strings(message, path=""):
    """Each string of a message with its path, nested ones and those of maps too."""
    for field, value in message.ListFields():
        place = f"{path}.{field.name}"
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        if is_map:
            for key, item in value.items():
                for part in (key, item):
                    if isinstance(part, str):
                        yield place, part
                    elif hasattr(part, "ListFields"):
                        yield from strings(part, place)
            continue
        for item in value if field.label == field.LABEL_REPEATED else [value]:
            if field.type == field.TYPE_STRING:
                yield place, item
            elif field.type == field.TYPE_MESSAGE:
                yield from strings(item, place)


def check(message):
    for path, text in strings(message):
        multiline = path.endswith(".diff")
        assert not wrong(text, multiline), (type(message).__name__ + path, text[:100], wrong(text, multiline))
    return message


class HostilePbx:
    """An AMI server: it lets in, answers every list as empty, and says what it is told to say."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connection = None
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connection = connection
            connection.sendall(b"Asterisk Call Manager/9.0 " + HOSTILE["Latin-1"] + b"\x1b\r\n")
            try:
                self.answer(connection)
            except OSError:
                pass

    def answer(self, connection):
        pending = b""
        while piece := connection.recv(65536):
            pending += piece
            while b"\r\n\r\n" in pending:
                action, pending = pending.split(b"\r\n\r\n", 1)
                headers = dict(line.split(b": ", 1) for line in action.split(b"\r\n") if b": " in line)
                self.reply(connection, headers[b"Action"], headers.get(b"ActionID", b""))

    def reply(self, connection, action, action_id):
        def say(*lines):
            connection.sendall(b"\r\n".join([*lines, b"ActionID: " + action_id, b"", b""]))
        if action == b"Login":
            say(b"Response: Success", b"Message: " + ALL)
            connection.sendall(b"Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n")
        elif action == b"Challenge":
            say(b"Response: Success", b"Challenge: 4711")
        elif action == b"CoreSettings":
            say(b"Response: Success", b"AsteriskVersion: 22 " + ALL)
        elif action in (b"Ping", b"Setvar", b"DBPut", b"DBDel"):
            say(b"Response: Success", b"Message: " + ALL)
        else:
            say(b"Response: Error", b"Message: " + ALL)

    def event(self, name, **headers):
        lines = [b"Event: " + name.encode(), b"Privilege: call,all"]
        lines += [key.encode() + b": " + (value if isinstance(value, bytes) else value.encode())
                  for key, value in headers.items()]
        self.connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n")

    def call(self, text, number):
        """A call to alice by somebody who is called `text`, in name, number and ids."""
        uid = text[:100] + b"-%d.1" % number
        common = {"Channel": b"PJSIP/alice-%08x" % number, "Uniqueid": uid, "Linkedid": text[:100] + b"-0.1"}
        party = {"CallerIDNum": "1001", "ConnectedLineNum": text, "ConnectedLineName": text}
        self.event("Newchannel", ChannelState="0", Exten=text, **common, **party)
        self.event("NewConnectedLine", ChannelState="0", **common, **party)
        self.event("Newstate", ChannelState="5", **common, **party)
        return uid, common["Channel"]

    def noise(self, text):
        """Events with texts where the server matches names."""
        self.event("DeviceStateChange", Device=b"PJSIP/" + text, State="INUSE")
        self.event("ContactStatus", URI=b"sip:" + text, ContactStatus="Reachable", AOR=text, EndpointName=text)
        self.event("MessageWaiting", Mailbox=text + b"@default", Waiting="1", New="1", Old="0")
        self.event("UserEvent", UserEvent="UnipresenceSetting", User=text, Setting=text, Value=text)
        self.event("UserEvent", UserEvent="UnipresenceSetting", User="alice", Setting="forward/busy", Value=text)
        self.event("UserEvent", UserEvent="UnipresenceOutcome", Outcome=text)


def user(name, number, role="user"):
    return {"id": name, "display_name": name.title(), "exten": number, "context": "default", "line_type": "sip",
            "username": name, "role": role, "password": PASSWORD,
            "voicemail": {"number": number, "name": name, "email": f"{name}@example.org"},
            "lines": [{"kind": "deskphone", "pbx": "main", "device": f"PJSIP/{name}", "sip_username": name,
                       "sip_secret": "secret-of-" + name}]}


class World:
    def __init__(self, folder):
        self.folder = folder
        self.pbx = HostilePbx()
        (folder / "asterisk").mkdir()
        (folder / "users.yaml").write_text(json.dumps(
            [user("admin", "1000", "administrator"), user("alice", "1001"), user("bob", "1002")]))
        (folder / "server.yaml").write_text(json.dumps({
            "pbx": [{"name": "main", "host": "127.0.0.1", "port": self.pbx.port, "username": "unipresence",
                     "secret": "unipresence", "write_back": False,
                     "configuration_folder": str(folder / "asterisk")}],
            "grpc": {"listen": f"unix:{folder}/grpc.sock"},
            "zeromq": {"publish": f"ipc://{folder}/publish", "snapshot": f"ipc://{folder}/snapshot"},
            "metrics": {"listen": "127.0.0.1:0"}, "store": {"path": str(folder / "store.db")},
            "sessions": {"time_to_live_s": 3600}, "users_file": str(folder / "users.yaml")}))
        self.log = folder / "server.log"
        self.client = self.server = None

    def start(self):
        with open(self.log, "ab") as log:
            self.server = subprocess.Popen([BUILD / "unipresenced", "--config", str(self.folder / "server.yaml")],
                                           stdout=subprocess.PIPE, stderr=log)
        line = self.server.stdout.readline()
        assert line, self.log.read_bytes().decode(errors="replace")
        self.client = grpc_client.Client(json.loads(line)["grpc"])
        for name in ("admin", "alice"):
            self.client.log_in(name, PASSWORD)
        self.until(lambda: self.ask("admin", "administration", "GetPbx", pbx="main").link_state == 6, "synced")

    def stop(self):
        if self.client:
            self.client.close()
        self.server.terminate()
        self.server.wait(60)

    def ask(self, caller, service, method, **fields):
        """One unary call; its response, checked."""
        module = grpc_client.load(f"{service}_pb2")
        request = getattr(module, method + "Request")(**fields)
        return check(getattr(self.client.stub(service), method)(
            request, metadata=self.client.identity(caller), timeout=60))

    @staticmethod
    def until(condition, what, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.02)
        raise AssertionError(f"not within {seconds} s: {what}")


@pytest.fixture(name="world")
def fixture_world(tmp_path):
    world = World(tmp_path)
    try:
        world.start()
        yield world
    finally:
        world.stop()
    # What the log repeats is valid as well.
    text = world.log.read_bytes().decode()
    assert not wrong(text, multiline=True), wrong(text, multiline=True)


def test_calls_of_hostile_names(world):
    module = grpc_client.load("call_control_pb2")
    stream = world.client.stub("call_control").WatchCalls(
        module.WatchCallsRequest(user="alice"), metadata=world.client.identity("alice"), timeout=300)
    for number, (name, text) in enumerate(HOSTILE.items(), start=1):
        world.pbx.noise(text)
        uid, channel = world.pbx.call(text, number)

        def calls():
            return world.ask("alice", "call_control", "ListCalls").calls
        world.until(lambda: len(calls()) == 1, name)
        (call,) = calls()
        assert len(call.other_party.name.encode()) <= 80 and len(call.other_party.number.encode()) <= 80
        if name == "Latin-1":
            assert call.other_party.name == "Soci\ufffdt\ufffd"
        if name == "long UTF-8":
            assert call.other_party.name == "a" + "é" * 39
        for response in stream:
            check(response)
            if [c.id for c in response.calls] == [call.id]:
                break
        # The id names the call, whatever Asterisk's own is.
        with pytest.raises(grpc.RpcError) as refused:
            world.ask("alice", "call_control", "HangUpCall", call=call.id)
        check_error(refused.value)
        world.pbx.event("Hangup", Channel=channel, Uniqueid=uid, ChannelState="6")
        world.until(lambda: not calls(), "hung up")
    stream.cancel()


def check_error(error):
    """Sentence and details of a refusal."""
    assert not wrong(error.details()), error.details()
    module = grpc_client.load("error_reason_pb2")
    for key, value in error.trailing_metadata():
        if key != "grpc-status-details-bin":
            continue
        status = check(module.ErrorStatus.FromString(value))
        for packed in status.details:
            detail = module.ErrorDetail()
            assert packed.Unpack(detail)
            check(detail)


def methods():
    """The services by the stems of their files, and their methods."""
    for path in sorted((grpc_client.ROOT / "proto/unipresence/v1").glob("*.proto")):
        for service in grpc_client.load(f"{path.stem}_pb2").DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                yield path.stem, method


# What names something that there is, so that a call comes to its end.
VALUES = {"user": "alice", "users": ["alice", "bob"], "pbx": "main"}


def request_of(method, values):
    """A request with these values in those of its fields that have their names."""
    request = grpc_client.load(method.input_type.file.name.split("/")[-1].removesuffix(".proto") + "_pb2")
    message = getattr(request, method.input_type.name)()
    for field in method.input_type.fields:
        if field.name not in values or field.type != field.TYPE_STRING:
            continue
        if field.label == field.LABEL_REPEATED:
            getattr(message, field.name).extend(values[field.name])
        else:
            setattr(message, field.name, values[field.name])
    return message


def walk(world, service, method, values):
    """Calls the method, reads a few responses, and checks all that comes. The number of responses."""
    request = request_of(method, values)
    call = getattr(world.client.stub(service), method.name)
    identity = world.client.identity("admin")
    count = 0
    try:
        if method.client_streaming:
            request = iter([request])
        if not method.server_streaming:
            check(call(request, metadata=identity, timeout=60))
            return 1
        stream = call(request, metadata=identity, timeout=60)
        for response in stream:
            check(response)
            count += 1
            if count == 3:
                stream.cancel()
                break
    except grpc.RpcError as error:
        check_error(error)
    return count


def hostile_rows(world):
    """The server's rows as no version of it writes them."""
    database = sqlite3.connect(world.folder / "store.db")
    text = "CAST(? AS TEXT)"
    database.execute(f"UPDATE users SET display_name = {text} WHERE id <> 'bob'", (ALL,))
    database.execute(f"UPDATE users SET display_name = {text}, exten = {text}, context = {text} WHERE id = 'bob'",
                     (HOSTILE["long"], HOSTILE["CP1251"], HOSTILE["Latin-1"]))
    database.execute(f"UPDATE lines SET sip_username = {text}", (HOSTILE["Latin-1"],))
    database.execute(f"UPDATE voicemails SET name = {text}, email = {text}, context = {text} || user_number",
                     (ALL, HOSTILE["CP1251"], HOSTILE["Latin-1"]))
    database.execute("INSERT OR IGNORE INTO settings (user_number) SELECT number FROM users")
    database.execute(f"UPDATE settings SET busy_destination = {text}, busy_enabled = 1, forwarding_version = 1",
                     (ALL,))
    database.execute(f"UPDATE sessions SET client_name = {text}, peer = {text}", (ALL, ALL))
    database.commit()
    database.close()


def test_every_response_of_every_rpc(world):
    world.stop()
    hostile_rows(world)
    world.start()
    log = world.log.read_text()
    for name in ("admin", "alice", "bob"):
        assert log.count(f"texts of user '{name}'") == 1, log
    world.pbx.noise(ALL)
    world.pbx.call(ALL, 1)
    world.until(lambda: world.ask("alice", "call_control", "ListCalls").calls, "the call")
    # What clients may send is any text: it comes back in refusals.
    sent = ALL.decode(errors="ignore")
    answered = set()
    destructive = ("DeleteUser", "DeleteSession", "ApplyAsteriskConfiguration")
    for service, method in methods():
        if method.name not in destructive and walk(world, service, method, VALUES):
            answered.add(method.name)
        hostile = {field.name: [sent] if field.label == field.LABEL_REPEATED else sent
                   for field in method.input_type.fields if field.type == field.TYPE_STRING}
        walk(world, service, method, hostile)
    assert {"GetUser", "ListUsers", "GetPbx", "ListPbxs", "GetPresence", "BatchGetPresences", "ListPresences",
            "WatchPresences", "ExplainPresence", "ListCalls", "WatchCalls", "GetSession", "ListSessions",
            "GetForwarding", "GetMailbox", "GetServerStatus", "GetDeviceSelection"} <= answered, answered
    # The link is lost with a reason of the PBX's own words.
    world.pbx.connection.sendall(b"Response: Error\r\nMessage: " + ALL + b"\r\n\r\n")
    world.pbx.connection.close()
    world.until(lambda: world.ask("admin", "administration", "GetPbx", pbx="main").disconnect_count > 0, "lost")


def test_a_diff_of_files_in_other_encodings(world):
    for name in ("extensions", "pjsip", "voicemail"):
        path = world.folder / f"asterisk/{name}_unipresence_users.conf"
        path.write_bytes(b"; " + ALL + b"\r\n\t; " + HOSTILE["Latin-1"] + b"\n")
    # This PBX refuses to be asked for names; its words are in the error.
    with pytest.raises(grpc.RpcError) as refused:
        world.ask("admin", "provisioning", "ApplyAsteriskConfiguration", pbx="main", validate_only=True)
    assert "\ufffd" in refused.value.details() and not wrong(refused.value.details()), refused.value.details()
    # Without a link nobody asks, and the differences are told.
    world.pbx.listener.close()
    world.pbx.connection.close()
    world.until(lambda: world.ask("admin", "administration", "GetPbx", pbx="main").disconnect_count > 0, "lost")
    diffs = world.ask("admin", "provisioning", "ApplyAsteriskConfiguration", pbx="main", validate_only=True)
    assert any("\ufffd" in change.diff for change in diffs.changes), diffs


def test_a_users_file_in_latin_1_is_refused_with_row_and_column(world):
    path = world.folder / "latin1.yaml"
    path.write_bytes(b"- id: alice\n  display_name: Soci\xe9t\xe9\n")
    run = subprocess.run([BUILD / "unipresenced", "--config", str(world.folder / "server.yaml"), "--users_file",
                          str(path), "--check-config"], capture_output=True, check=False)
    said = (run.stdout + run.stderr).decode()
    assert run.returncode != 0
    assert "latin1.yaml:2:21: row 1 (alice): the byte 0xE9 is not UTF-8; save the file as UTF-8" in said


def test_the_command_line_refuses_arguments_that_are_not_utf_8(world):
    run = subprocess.run([str(BUILD / "unipresence").encode(), b"get", b"presence", b"Soci\xe9t\xe9"],
                         capture_output=True, check=False, env={"HOME": str(world.folder)})
    assert run.returncode == 2
    assert "'Soci\ufffdt\ufffd' is not UTF-8" in run.stderr.decode()
