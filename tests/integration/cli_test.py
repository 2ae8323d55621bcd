"""The command line client, end to end: unipresence, unipresenced and a simulated PBX.

usage: UNIPRESENCE_BUILD_DIR=build /usr/bin/python3 -m pytest tests/integration/cli_test.py
"""
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

import pytest

BUILD = pathlib.Path(os.environ.get("UNIPRESENCE_BUILD_DIR", "build")).resolve()
TIME_TO_LIVE_SECONDS = 60
# Where sessions are let expire: longer than a busy machine may hold a process up.
BRIEF_TIME_TO_LIVE_SECONDS = 6
PASSWORD = "correct horse"

# What scripts rely on.
PRESENCE_FIELDS = {"user", "state", "hint", "device_in_use", "selected_device", "logged_in", "rule", "stale",
                   "do_not_disturb", "lines", "revision", "update_time"}


def binary(name):
    path = BUILD / name
    if not path.exists():
        pytest.fail(f"{path} is not built; set UNIPRESENCE_BUILD_DIR")
    return str(path)


def until(condition, what, seconds=60):
    """Waits for the condition and returns its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds} s: {what}")


def user(name, number, line_type="unique_account", role="user", password=PASSWORD):
    devices = {"deskphone": f"PJSIP/{name}", "webrtc": f"PJSIP/{name}_w"}
    kinds = {"unique_account": ["deskphone", "webrtc"], "sip": ["deskphone"], "webrtc": ["webrtc"]}[line_type]
    return {"id": name, "display_name": name.title(), "exten": number, "context": "from-users",
            "line_type": line_type, "username": name, "role": role, "password": password,
            "lines": [{"kind": kind, "pbx": "main", "device": devices[kind]} for kind in kinds]}


class World:
    """A PBX, a server and clients in a folder of their own."""

    def __init__(self, folder, time_to_live):
        self.folder = folder
        self.time_to_live = time_to_live
        self.address = f"unix:{folder}/grpc.sock"
        self.password_file = folder / "password"
        self.password_file.write_text(PASSWORD + "\n")
        self.users = [user("admin", "1000", role="administrator"), user("alice", "1001"), user("bob", "1002"),
                      user("carol", "1003", "sip"), user("dave", "1004", "webrtc")]
        (folder / "users.yaml").write_text(json.dumps(self.users))  # JSON is YAML
        self.pbx = subprocess.Popen(
            [binary("unipresence-pbxsim"), "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--pbx-name",
             "main", "--users-file", str(folder / "users.yaml")], stdout=subprocess.PIPE, text=True)
        self.pbx_addresses = json.loads(self.pbx.stdout.readline())
        self.write_configuration()
        self.server = None
        self.start_server()

    def write_configuration(self):
        host, port = self.pbx_addresses["ami"].rsplit(":", 1)
        (self.folder / "server.yaml").write_text(json.dumps({
            "pbx": [{"name": "main", "host": host, "port": int(port), "username": "unipresence",
                     "secret": "unipresence"}],
            "grpc": {"listen": self.address},
            "zeromq": {"publish": f"ipc://{self.folder}/publish", "snapshot": f"ipc://{self.folder}/snapshot"},
            "metrics": {"listen": "127.0.0.1:0"},
            "store": {"path": str(self.folder / "store.db")},
            "sessions": {"time_to_live_s": self.time_to_live},
            "users_file": str(self.folder / "users.yaml"),
        }))

    def start_server(self):
        with open(self.folder / "server.log", "ab") as log:
            self.server = subprocess.Popen([binary("unipresenced"), "--config", str(self.folder / "server.yaml")],
                                           stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.server.stdout.readline(), (self.folder / "server.log").read_text()

    def kill_server(self):
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()

    def close(self):
        for process in (self.server, self.pbx):
            process.kill()
            process.wait()
            process.stdout.close()

    def control(self, command, **fields):
        """One command to the simulated PBX."""
        host, port = self.pbx_addresses["control"].rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall((json.dumps({"command": command, **fields}) + "\n").encode())
            reply = json.loads(connection.makefile().readline())
        assert reply["ok"], reply
        return reply

    def client(self, name):
        return Client(self, name)


class Client:
    """One person's use of the program: a session file of his own."""

    def __init__(self, world, name):
        self.world = world
        self.name = name
        self.session_file = world.folder / f"{name}.{time.monotonic_ns()}.session"

    def words(self, *arguments):
        return [binary("unipresence"), "--server", self.world.address, "--session-file", str(self.session_file),
                *arguments]

    def run(self, *arguments, code=0, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        result = subprocess.run(self.words(*arguments), capture_output=True, text=True, timeout=60, check=False,
                                **options)
        assert result.returncode == code, f"{arguments}: {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result

    def text(self, *arguments):
        return self.run(*arguments).stdout

    def objects(self, *arguments):
        return [json.loads(line) for line in self.text(*arguments, "-o", "json").splitlines()]

    def object(self, *arguments):
        found = self.objects(*arguments)
        assert len(found) == 1, found
        return found[0]

    def error(self, *arguments, code):
        """What a failing command says on stderr with -o json."""
        result = self.run(*arguments, "-o", "json", code=code)
        error = json.loads(result.stderr.splitlines()[-1])["error"]
        assert error["exit_code"] == code
        return error

    def login(self, *arguments):
        self.run("login", self.name, "--password-file", str(self.world.password_file), *arguments)
        return self

    def logout_if_logged_in(self):
        subprocess.run(self.words("logout"), capture_output=True, timeout=60, check=False)

    def presence(self, name=None):
        return self.object("get", "presence", *([name] if name else []))

    @contextlib.contextmanager
    def background(self, *arguments):
        process = Stream(self.words(*arguments, "-o", "json"))
        try:
            yield process
        finally:
            process.end()

    def hold(self, *arguments):
        return self.background("login", self.name, "--password-file", str(self.world.password_file), "--hold",
                               *arguments)

    def watch(self, *arguments):
        return self.background("watch", *arguments)


class Stream:
    """A command that runs on; its lines are collected as they come."""

    def __init__(self, words):
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        stdin=subprocess.DEVNULL)
        self.lines = []
        self.errors = ""
        self.readers = [threading.Thread(target=self._read), threading.Thread(target=self._read_errors)]
        for reader in self.readers:
            reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors += line

    def wait_for(self, what, condition):
        """The first line, from the beginning on, that fulfils the condition."""
        def first():
            return next((line for line in list(self.lines) if condition(line)), None)
        try:
            return until(first, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; lines: {self.lines}; stderr: {self.errors}") from None

    def event(self, event):
        return self.wait_for(event, lambda line: line.get("event") == event)

    def wait(self):
        code = self.process.wait(timeout=60)
        for reader in self.readers:
            reader.join()
        return code

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    # A short path: a Unix socket's name has at most 107 bytes.
    made = World(tmp_path_factory.mktemp("cli"), TIME_TO_LIVE_SECONDS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def brief_world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("brief"), BRIEF_TIME_TO_LIVE_SECONDS)
    yield made
    made.close()


@contextlib.contextmanager
def alice_of(world):
    client = world.client("alice")
    yield client
    client.logout_if_logged_in()


@contextlib.contextmanager
def admin_of(world):
    client = world.client("admin")
    with client.hold("--client") as holder:
        holder.event("HELD")
        yield client
        client.logout_if_logged_in()


@pytest.fixture
def alice(world):
    with alice_of(world) as client:
        yield client


@pytest.fixture
def admin(world):
    with admin_of(world) as client:
        yield client


@pytest.fixture
def brief_alice(brief_world):
    with alice_of(brief_world) as client:
        yield client


@pytest.fixture
def brief_admin(brief_world):
    with admin_of(brief_world) as client:
        yield client


# --- sessions ---


def test_login_shows_in_the_presence_and_logout_ends_it(world, alice, admin):
    until(lambda: not admin.presence("alice")["logged_in"], "nobody logged in")
    logged_in = alice.object("login", "alice", "--password-file", str(world.password_file))
    assert logged_in["event"] == "LOGGED_IN"
    assert logged_in["time_to_live_s"] == TIME_TO_LIVE_SECONDS
    presence = alice.presence()
    assert PRESENCE_FIELDS <= presence.keys()
    assert presence["user"] == "alice"
    assert presence["logged_in"] is True
    assert presence["selected_device"] == "WEBRTC"
    assert presence["device_in_use"] == "WEBRTC"
    assert presence["rule"] == "SELECTED_WEBRTC"
    assert presence["state"] == "AVAILABLE" and presence["hint"] == 0
    assert [(line["kind"], line["device"], line["state"]) for line in presence["lines"]] == [
        ("DESKPHONE", "PJSIP/alice", "NOT_INUSE"), ("WEBRTC", "PJSIP/alice_w", "NOT_INUSE")]
    assert alice.object("whoami")["user"] == "alice"

    alice.run("logout")
    assert not alice.session_file.exists()
    presence = admin.presence("alice")
    assert presence["logged_in"] is False
    assert presence["rule"] == "LOGGED_OUT"
    assert presence["device_in_use"] == "DESKPHONE"
    assert presence["selected_device"] == "WEBRTC"


def test_the_session_file_is_private_and_belongs_to_one_server(world, alice):
    alice.login()
    assert alice.session_file.stat().st_mode & 0o777 == 0o600
    stored = json.loads(alice.session_file.read_text())
    assert stored["server"] == world.address and stored["user"] == "alice" and stored["token"]
    # Without --server the commands go where the session is.
    words = [binary("unipresence"), "--session-file", str(alice.session_file), "whoami"]
    assert subprocess.run(words, check=False, capture_output=True).returncode == 0
    result = subprocess.run([*words, "--server", "127.0.0.1:1"], check=False, capture_output=True, text=True)
    assert result.returncode == 3 and "127.0.0.1:1" in result.stderr
    alice.run("logout")


def test_hold_keeps_the_session_and_a_signal_logs_out(brief_alice, brief_admin):
    alice, admin = brief_alice, brief_admin
    with alice.hold() as holder:
        assert holder.event("HELD")["user"] == "alice"
        with admin.watch("alice") as watch:
            watch.event("CURRENT")
            end = time.monotonic() + 2 * BRIEF_TIME_TO_LIVE_SECONDS
            while time.monotonic() < end:  # what is tested is that nothing happens
                assert admin.presence("alice")["logged_in"] is True
                time.sleep(0.2)
            assert not [line for line in watch.lines if line["event"] == "UPDATE" and not line["logged_in"]]
            holder.process.send_signal(signal.SIGTERM)
            assert holder.wait() == 0
            assert holder.lines[-1]["event"] == "LOGGED_OUT"
            change = watch.wait_for("the logout", lambda line: line.get("logged_in") is False)
            assert change["cause"]["kind"] == "LOGOUT"
            assert not alice.session_file.exists()


def test_a_killed_holder_leaves_a_session_that_expires(brief_alice, brief_admin):
    alice, admin = brief_alice, brief_admin
    with admin.watch("alice") as watch, alice.hold() as holder:
        holder.event("HELD")
        watch.wait_for("the login", lambda line: line.get("logged_in") is True)
        holder.process.kill()
        holder.wait()
        change = watch.wait_for("the fallback", lambda line: line.get("cause") and
                                line["cause"]["kind"] == "SESSION_EXPIRED")
        assert change["logged_in"] is False and change["device_in_use"] == "DESKPHONE"
    assert alice.error("whoami", code=3)["reason"] in ("SESSION_EXPIRED", "TOKEN_INVALID")


def test_logout_ends_a_holder_well(alice):
    with alice.hold() as holder:
        holder.event("HELD")
        alice.run("logout")
        assert holder.wait() == 0
        assert holder.lines[-1]["event"] == "LOGGED_OUT"


def test_a_session_in_the_background(brief_world, brief_alice):
    world, alice = brief_world, brief_alice
    result = alice.run("login", "alice", "--password-file", str(world.password_file), "--background")
    assert "holding the session of alice" in result.stdout
    time.sleep(2 * BRIEF_TIME_TO_LIVE_SECONDS)  # the time is what is tested
    assert alice.presence()["logged_in"] is True
    alice.run("logout")
    assert world.client("alice").run("login", "alice", "--password-stdin", "--background", code=3,
                                     stdin=None, input="wrong\n").stdout == ""


def test_the_session_survives_a_restart_of_the_server(world, alice):
    with alice.hold() as holder:
        holder.event("HELD")
        world.kill_server()
        holder.event("DISCONNECTED")
        world.start_server()
        until(lambda: [line["event"] for line in holder.lines].count("HELD") == 2, "held again")
        holder.process.send_signal(signal.SIGINT)
        assert holder.wait() == 0


def test_session_list(alice, admin):
    alice.login()
    sessions = alice.objects("session", "list")
    assert {session["user"] for session in sessions} == {"alice"}
    everyone = admin.objects("session", "list")
    assert {"alice", "admin"} <= {session["user"] for session in everyone}
    mine = alice.object("whoami")["session"]
    admin.run("logout", "--session", mine)
    assert alice.error("whoami", code=3)


def test_the_password_is_asked_without_echo(world, alice):
    words = alice.words("login", "alice", "-o", "json")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(words[0], words)
    shown = b""
    with contextlib.suppress(OSError):  # how Linux ends a terminal
        while select.select([terminal], [], [], 60)[0]:
            shown += os.read(terminal, 4096)
            if shown.endswith(b": "):
                os.write(terminal, PASSWORD.encode() + b"\n")
        os.kill(pid, signal.SIGKILL)  # it hangs
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
    os.close(terminal)
    assert b"Password of alice" in shown and b"LOGGED_IN" in shown
    assert PASSWORD.encode() not in shown


# --- choosing ---


def test_select_is_saved(alice):
    alice.login()
    assert alice.object("select", "deskphone") | {"update_time": 0} == {
        "user": "alice", "selected_device": "DESKPHONE", "device_in_use": "DESKPHONE", "update_time": 0}
    assert alice.presence()["rule"] == "SELECTED_DESKPHONE"
    alice.run("logout")
    alice.login()
    assert alice.object("select")["selected_device"] == "DESKPHONE"
    assert alice.object("select", "webrtc")["device_in_use"] == "WEBRTC"
    alice.run("logout")


def test_select_for_others_needs_an_administrator(alice, admin):
    alice.login()
    assert alice.error("select", "webrtc", "--user", "bob", code=4)["reason"] in ("NOT_OWN_USER", "ROLE_REQUIRED")
    assert admin.object("select", "deskphone", "--user", "bob")["selected_device"] == "DESKPHONE"
    assert admin.error("select", "webrtc", "--user", "carol", code=6)["reason"] == "LINE_NOT_ASSIGNED"
    assert admin.error("select", "webrtc", "--user", "nobody", code=5)["reason"] == "USER_NOT_FOUND"


def test_do_not_disturb(alice):
    alice.login()
    assert alice.object("dnd", "on")["do_not_disturb"] is True
    assert alice.presence()["do_not_disturb"] is True
    assert "do-not-disturb" in alice.text("get", "presence")
    assert alice.object("dnd")["do_not_disturb"] is True
    assert alice.object("dnd", "off")["do_not_disturb"] is False


def test_forwarding(alice, admin):
    alice.login()
    assert alice.object("forward", "get")["unconditional"] is None
    set_ = alice.object("forward", "set", "no-answer", "2000")
    assert set_["no_answer"] == {"destination": "2000", "enabled": True} and set_["busy"] is None
    assert alice.presence()["active_forwardings"] == ["NO_ANSWER"]
    assert "forwarding:NO_ANSWER" in alice.text("get", "presence")
    # Off keeps the number, on takes it again.
    assert alice.object("forward", "set", "no-answer", "--off")["no_answer"] == {
        "destination": "2000", "enabled": False}
    assert alice.presence()["active_forwardings"] == []
    assert alice.object("forward", "set", "no-answer")["no_answer"]["enabled"] is True
    assert "no-answer       to 2000" in alice.text("forward", "get")
    alice.object("forward", "set", "busy", "+33123456789")
    assert alice.object("forward", "clear", "no-answer")["no_answer"] is None
    assert admin.object("forward", "get", "--user", "alice")["busy"]["destination"] == "+33123456789"
    cleared = alice.object("forward", "clear")
    assert [cleared[key] for key in ("unconditional", "busy", "no_answer")] == [None, None, None]


def test_forwarding_that_is_refused(alice):
    alice.login()
    refused = alice.error("forward", "set", "busy", "12 34", code=6)
    assert refused["reason"] == "DESTINATION_INVALID"
    assert alice.error("forward", "set", "busy", "1001", code=6)["reason"] == "DESTINATION_INVALID"
    assert alice.error("forward", "set", "busy", code=6)["reason"] == "FIELD_REQUIRED"
    assert alice.error("forward", "get", "--user", "bob", code=4)["reason"] == "NOT_OWN_USER"
    alice.run("forward", "set", "sometimes", "2000", code=2)
    assert alice.object("forward", "get")["busy"] is None


def test_forwarding_survives_a_kill(world, alice):
    alice.login()
    for i in range(5):
        assert alice.object("forward", "set", "busy", f"20{i:02}")["busy"]["destination"] == f"20{i:02}"
        world.kill_server()
        world.start_server()
        assert alice.object("forward", "get")["busy"] == {"destination": f"20{i:02}", "enabled": True}
        assert alice.presence()["active_forwardings"] == ["BUSY"]
    alice.object("forward", "clear")


# --- presences ---


def test_several_presences(admin):
    assert [p["user"] for p in admin.objects("get", "presence", "dave", "alice")] == ["dave", "alice"]
    result = admin.run("get", "presence", "dave", "nobody", "alice", "none", "-o", "json", code=5)
    assert [json.loads(line)["user"] for line in result.stdout.splitlines()] == ["dave", "alice"]
    assert "'nobody'" in result.stderr and "'none'" in result.stderr
    assert admin.error("get", "presence", "nobody", code=5)["metadata"]["user"] == "nobody"


def test_list(world, admin):
    users = [p["user"] for p in admin.objects("list")]
    assert users == sorted(users)
    assert {"admin", "alice", "bob", "carol", "dave"} <= set(users)
    world.control("unregister", device="carol")
    until(lambda: "carol" in [p["user"] for p in admin.objects("list", "--state", "unavailable")], "carol away")
    assert "alice" not in [p["user"] for p in admin.objects("list", "--state", "UNAVAILABLE,BUSY")]
    world.control("register", device="carol")
    lines = admin.text("list").splitlines()
    assert lines[0].startswith("USER")
    column = lines[0].index("STATE")
    assert all(line[column - 1] == " " and line[column] != " " for line in lines[1:])


def test_watch_shows_a_call_as_it_happens(world, admin):
    with admin.watch("bob", "carol") as watch:
        watch.event("CURRENT")
        before = len(watch.lines)
        assert all(line["refresh"] for line in watch.lines if line["event"] == "UPDATE")
        call = world.control("dial", device="carol", number="1002")["channel"]
        watch.wait_for("carol calls", lambda line: line.get("user") == "carol" and line["state"] == "IN_USE")
        watch.wait_for("bob rings", lambda line: line.get("user") == "bob" and line["state"] == "RINGING")
        world.control("answer", device="bob")
        watch.wait_for("bob talks", lambda line: line.get("user") == "bob" and line["state"] == "IN_USE")
        world.control("hangup", channel=call)
        watch.wait_for("all is over", lambda line: line.get("user") == "bob" and line["state"] == "AVAILABLE" and
                       line["previous_state"] == "IN_USE")
        changes = [line for line in watch.lines[before:] if line["event"] == "UPDATE"]
        for name in ("bob", "carol"):  # in order per user, not among users
            sequences = [line["sequence"] for line in changes if line["user"] == name]
            assert sequences and sequences == sorted(set(sequences))
        for line in changes:
            assert not line["refresh"] and line["previous_state"] and line["rule"] and line["time"]
            assert line["cause"]["pbx"] == "main" and line["cause"]["kind"] and line["cause"]["time"]
            assert PRESENCE_FIELDS <= line.keys()


def test_watch_by_zeromq_ends_with_the_same_values(world, admin):
    sockets = [f"ipc://{world.folder}/publish", f"ipc://{world.folder}/snapshot"]
    everyone = {p["user"] for p in admin.objects("list")}
    with admin.watch("--zeromq", *sockets) as watch:
        watch.event("CURRENT")
        assert {line["user"] for line in watch.lines if line["event"] == "UPDATE"} == everyone
        world.control("dial", device="carol", number="1002")
        watch.wait_for("bob rings", lambda line: line.get("user") == "bob" and line["state"] == "RINGING")
        world.control("hangup", device="carol")
        over = watch.wait_for("it is over", lambda line: line.get("user") == "bob" and
                              line["state"] == "AVAILABLE" and line["previous_state"] == "RINGING")
        assert {field: over[field] for field in PRESENCE_FIELDS} == {
            field: value for field, value in admin.presence("bob").items() if field in PRESENCE_FIELDS}
    with admin.watch("alice", "--zeromq", *sockets) as watch:
        watch.event("CURRENT")
        assert {line["user"] for line in watch.lines if line["event"] == "UPDATE"} == {"alice"}


def test_watch_marks_the_time_without_pbx(world, admin):
    with admin.watch("alice") as watch:
        watch.event("CURRENT")
        world.control("kill", down_ms=300)
        stale = watch.wait_for("stale", lambda line: line.get("stale") is True)
        assert stale["cause"]["kind"] == "LINK_LOST"
        until(lambda: watch.lines[-1].get("stale") is False, "fresh again")


def test_watch_goes_on_after_a_restart_of_the_server(world, alice):
    with alice.hold() as holder:
        holder.event("HELD")
        with alice.watch() as watch:
            watch.event("CURRENT")
            world.kill_server()
            watch.event("DISCONNECTED")
            world.start_server()
            until(lambda: [line["event"] for line in watch.lines].count("CURRENT") == 2, "current again")
            assert [line["event"] for line in watch.lines].count("RESET") >= 1


def test_watch_without_reconnect_fails(world, alice):
    with alice.hold() as holder:
        holder.event("HELD")
        with alice.watch("--no-reconnect") as watch:
            watch.event("CURRENT")
            world.kill_server()
            assert watch.wait() == 7
            assert json.loads(watch.errors)["error"]["code"] == "UNAVAILABLE"
        world.start_server()


def test_watch_ends_with_its_reader(admin):
    words = " ".join(admin.words("watch", "-o", "json"))
    result = subprocess.run(["bash", "-c", f"set -o pipefail; {words} | head -n 1"], capture_output=True, text=True,
                            timeout=60, check=False)
    # Nothing happens that it could write: it sees that its reader has gone.
    assert result.returncode == 0 and result.stderr == ""
    assert json.loads(result.stdout)


def test_explain_tells_why(world, alice, admin):
    alice.login()
    alice.run("select", "deskphone")
    alice.run("select", "webrtc")
    story = admin.text("explain", "alice")
    assert re.match(r"\S.* \(alice, \d+\) is AVAILABLE( (at least )?since \d\d:\d\d \(.*\))?\.\n", story), story
    assert "New calls ring on the WebRTC line, because it is selected and can be reached." in story
    assert "Rule SELECTED_WEBRTC" in story
    assert "WebRTC line (W)  NOT_INUSE, reachable, not active" in story
    assert "SELECT_DEVICE" in story
    explained = alice.object("explain", "--causes", "1")
    assert explained["rule"] == "SELECTED_WEBRTC" and explained["sentence"]
    assert explained["inputs"]["logged_in"] is True and explained["assistant_session_count"] >= 1
    assert len(explained["causes"]) == 1 and explained["causes"][0]["cause"]["time"]
    assert explained["lines"][0]["link_state"] == "READY"
    assert alice.error("explain", "bob", code=4)


def test_explain_tells_a_restart_as_one(brief_world, brief_admin):
    world, admin = brief_world, brief_admin
    world.kill_server()
    world.start_server()
    until(lambda: admin.object("explain", "bob")["lines"][0]["link_state"] == "READY", "the PBX is read")
    causes = [past["cause"]["kind"] for past in admin.object("explain", "bob")["causes"]]
    assert "SERVER_START" in causes and "USER_CREATED" not in causes, causes
    assert re.match(r"\S.* \(bob, \d+\) is \S+ at least since ", admin.text("explain", "bob"))


# --- administration ---


def test_users_from_a_file(world, admin, tmp_path):
    file = tmp_path / "more.yaml"
    file.write_text(json.dumps([user("erin", "1010"), user("frank", "1011", "sip")]))
    assert admin.text("users", "add", "--file", str(file)) == "added erin\nadded frank\n"
    assert admin.object("users", "get", "erin")["line_type"] == "UNIQUE_ACCOUNT"
    assert admin.presence("frank")["rule"] == "SINGLE_LINE"
    erin = world.client("erin").login()
    assert erin.presence()["user"] == "erin"
    errors = admin.run("users", "add", "--file", str(file), code=9).stderr
    assert "user 'erin'" in errors and "user 'frank'" in errors
    assert "exists already" in admin.text("users", "add", "--file", str(file), "--skip-existing")
    assert {"erin", "frank"} <= {u["id"] for u in admin.objects("users", "list")}
    assert [u["id"] for u in admin.objects("users", "list", "--query", "FRAN")] == ["frank"]
    assert admin.text("users", "delete", "erin", "frank") == "deleted erin\ndeleted frank\n"
    assert admin.error("users", "get", "erin", code=5)["reason"] == "USER_NOT_FOUND"
    assert erin.error("whoami", code=3)


def test_a_wrong_users_file_adds_nobody(admin, tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text(json.dumps([user("grace", "1012"), user("heidi", "1012")]))
    assert "1012" in admin.run("users", "add", "--file", str(file), code=6).stderr
    assert "grace" not in {u["id"] for u in admin.objects("users", "list")}
    admin.run("users", "add", "--file", str(tmp_path / "none.yaml"), code=5)


def test_a_user_by_flags(world, admin, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("a new password\n")
    created = admin.object("users", "add", "ivan", "--exten", "1013", "--context", "from-users", "--deskphone",
                           "PJSIP/ivan", "--password-file", str(secret))
    assert created["line_type"] == "SIP"
    assert created["lines"][0]["pbx"] == "main"  # the only one there is
    ivan = world.client("ivan")
    ivan.run("login", "ivan", "--password-file", str(secret))
    updated = admin.object("users", "update", "ivan", "--webrtc", "PJSIP/ivan_w", "--display-name", "Ivan")
    assert updated["line_type"] == "UNIQUE_ACCOUNT" and updated["display_name"] == "Ivan"
    assert [line["device"] for line in updated["lines"]] == ["PJSIP/ivan", "PJSIP/ivan_w"]
    assert admin.error("users", "add", "judy", "--exten", "1013", "--context", "from-users", "--deskphone",
                       "PJSIP/judy", code=9)["reason"] == "EXTENSION_TAKEN"
    assert admin.error("users", "add", "judy", "--exten", "1014", "--context", "from-users", "--deskphone",
                       "PJSIP/judy", "--pbx", "elsewhere", code=5)["reason"] == "PBX_NOT_FOUND"
    admin.run("users", "update", "ivan", code=6)
    admin.run("users", "delete", "ivan")


def test_users_need_an_administrator(alice):
    alice.login()
    error = alice.error("users", "add", "mallory", "--exten", "1", "--context", "c", code=4)
    assert error["reason"] == "ROLE_REQUIRED" and error["remedy"]
    alice.run("users", "delete", "bob", code=4)
    assert alice.objects("users", "list"), "the directory is for everybody"


def test_pbx_and_server_status(world, admin):
    pbx = admin.object("pbx", "status")
    assert pbx["name"] == "main" and pbx["link_state"] == "READY"
    assert pbx["address"] == world.pbx_addresses["ami"]
    assert "READY" in admin.text("pbx", "status", "main")
    assert admin.error("pbx", "status", "other", code=5)["reason"] == "PBX_NOT_FOUND"
    status = admin.object("server", "status")
    assert status["ready"] is True and status["ready_pbx_count"] == 1 and status["user_count"] >= 5
    assert "PBXs ready" in admin.text("server", "status")


# --- the program itself ---


def test_exit_codes(world, alice):
    alice.run("nonsense", code=2)
    alice.run("select", "fax", code=2)
    assert alice.error("whoami", code=3)["remedy"].startswith("log in")
    assert alice.error("login", "alice", "--password-file", "/nonexistent", code=5)
    wrong = alice.run("login", "alice", "--password-stdin", code=3, stdin=None, input="wrong\n")
    assert "unknown username or wrong password" in wrong.stderr
    unreachable = subprocess.run(
        [binary("unipresence"), "--server", "127.0.0.1:1", "--session-file", str(alice.session_file), "login", "alice",
         "--password-file", str(world.password_file)], capture_output=True, text=True, check=False)
    assert unreachable.returncode == 7
    assert "127.0.0.1:1" in unreachable.stderr and "refused" in unreachable.stderr
    assert not alice.session_file.exists()


def test_a_server_that_does_not_answer(world, alice):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = subprocess.run(
            [binary("unipresence"), "--server", f"127.0.0.1:{silent.getsockname()[1]}", "--session-file",
             str(alice.session_file), "--timeout", "0.3", "login", "alice", "--password-file",
             str(world.password_file)], capture_output=True, text=True, check=False, timeout=20)
    assert result.returncode in (7, 8), result.stderr


def test_everything_can_come_from_the_environment(world, alice):
    environment = {"UNIPRESENCE_SERVER": world.address, "UNIPRESENCE_SESSION_FILE": str(alice.session_file),
                   "UNIPRESENCE_OUTPUT": "json", "UNIPRESENCE_USERNAME": "alice",
                   "UNIPRESENCE_PASSWORD_FILE": str(world.password_file), "PATH": os.environ["PATH"]}
    for command in (["login"], ["get", "presence"]):
        result = subprocess.run([binary("unipresence"), *command], env=environment, capture_output=True, text=True,
                                check=True)
        assert json.loads(result.stdout)["user"] == "alice"


def test_the_default_session_file(world, tmp_path):
    environment = {"HOME": str(tmp_path), "UNIPRESENCE_SERVER": world.address}
    subprocess.run([binary("unipresence"), "login", "bob", "--password-file", str(world.password_file)],
                   env=environment, check=True, capture_output=True)
    assert (tmp_path / ".local/state/unipresence/session.json").exists()
    subprocess.run([binary("unipresence"), "logout"], env=environment, check=True, capture_output=True)


def test_a_full_disk_is_an_error(alice):
    alice.login()
    with open("/dev/full", "w") as full:
        result = subprocess.run(alice.words("get", "presence"), stdout=full, stderr=subprocess.PIPE, text=True,
                                check=False)
    assert result.returncode == 1 and "stdout" in result.stderr


def test_colours_are_for_terminals(alice):
    alice.login()

    def on_terminal(**environment):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(binary("unipresence"), alice.words("get", "presence"), environment)
        shown = b""
        with contextlib.suppress(OSError):
            while piece := os.read(terminal, 4096):
                shown += piece
        os.waitpid(pid, 0)
        os.close(terminal)
        return shown

    assert b"\x1b[32mAVAILABLE" in on_terminal(TERM="xterm")
    assert b"\x1b" not in on_terminal(TERM="xterm", NO_COLOR="1")
    assert b"\x1b" not in on_terminal(TERM="dumb")
    assert "\x1b" not in alice.text("get", "presence")


def on_terminal(arguments, columns, environment):
    """What a command shows in a terminal of so many columns, without colours."""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        os.execve(binary("unipresence"), arguments, {"TERM": "dumb", **environment})
    shown = b""
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 4096):
            shown += piece
    os.waitpid(pid, 0)
    os.close(terminal)
    return shown.decode().replace("\r\n", "\n").splitlines()


def test_tables_fit_the_terminal(admin):
    for command in (["list"], ["get", "presence", "alice"], ["users", "list"], ["users", "get", "alice"],
                    ["session", "list"], ["whoami"], ["pbx", "status"], ["server", "status"], ["explain", "alice"],
                    ["calls"], ["forward", "get", "alice"]):
        for columns in (60, 80, 120, 200):
            lines = on_terminal(admin.words(*command), columns, {})
            assert lines and max(map(len, lines)) <= columns, (command, columns, lines)
    narrow = on_terminal(admin.words("list"), 60, {})[0]
    assert "STATE" in narrow and "LINES" not in narrow
    assert "LINES" in on_terminal(admin.words("list", "-o", "wide"), 60, {})[0]
    assert "LINES" in admin.text("list").splitlines()[0], "a pipe has all of it"


def test_do_not_disturb_is_seen_at_every_width(admin):
    admin.run("dnd", "on", "--user", "bob")
    try:
        for columns in (40, 50, 60, 80, 120):
            row = next(line for line in on_terminal(admin.words("list"), columns, {}) if line.startswith("bob"))
            assert "do-not-d" in row, (columns, row)
    finally:
        admin.run("dnd", "off", "--user", "bob")


def test_an_empty_value_is_an_error(admin):
    refused = admin.run("dnd", "on", "--user", "", code=2)
    assert "--user is empty" in refused.stderr


def test_times_are_local_and_say_so(admin):
    def header(*arguments, zone):
        return on_terminal(admin.words("session", "list", *arguments), 120, {"TZ": zone})[0]

    assert "CREATED (IST)" in header(zone="Asia/Kolkata")
    assert "CREATED (UTC)" in header("--utc", zone="Asia/Kolkata")
    assert admin.objects("session", "list")[0]["create_time"].endswith("Z")


def test_a_mistyped_user(admin):
    wrong = admin.run("get", "presence", "alcie", code=5)
    assert "did you mean alice (" in wrong.stderr
    assert "did you mean 'list'?" in admin.run("lsit", code=2).stderr


def test_wait(admin, alice):
    alice.login()
    alice.run("select", "webrtc")
    assert admin.object("wait", "alice", "AVAILABLE", "--timeout", "60s")["state"] == "AVAILABLE"
    never = admin.run("wait", "alice", "RINGING,IN_USE", "--timeout", "0.2", code=11)
    assert "is AVAILABLE and was not RINGING or IN_USE in time" in never.stderr
    admin.run("wait", "nobody-here", "AVAILABLE", code=5)


def test_completion_in_bash(alice):
    script = alice.text("completion", "bash") + (
        "COMP_WORDS=(unipresence users a); COMP_CWORD=2; _unipresence; echo \"${COMPREPLY[@]}\"")
    assert subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout == "add\n"
    assert alice.text("completion", "zsh").startswith("#compdef unipresence")
    assert "complete -c unipresence" in alice.text("completion", "fish")
    alice.run("completion", "tcsh", code=2)


def test_help_and_version(alice):
    assert "Exit codes:" in alice.text("--help")
    assert "UNIPRESENCE_SESSION_FILE" in alice.text("--help")
    assert "Examples:" in alice.text("users", "add", "--help")
    assert "unipresence users delete bob" in alice.text("users", "--help")
    assert alice.object("version")["version"] in alice.text("--version")


# --- Asterisk's configuration ---


def test_asterisk_render(admin, alice, tmp_path):
    files = {file["path"]: file["content"] for file in admin.objects("asterisk", "render")}
    assert sorted(files) == ["extensions_unipresence_users.conf", "pjsip_unipresence_users.conf",
                             "voicemail_unipresence_users.conf"]
    extensions = files["extensions_unipresence_users.conf"]
    assert "\nexten => 1001,hint,Custom:unipresence-from-users-1001\n" in extensions
    assert extensions in admin.text("asterisk", "render", "--pbx", "main")
    folder = tmp_path / "rendered"
    written = [line["path"] for line in admin.objects("asterisk", "render", "--output-dir", str(folder))]
    assert written == [str(folder / path) for path in sorted(files)]
    for path in folder.iterdir():
        assert path.read_text() == files[path.name]
        assert path.stat().st_mode & 0o777 == 0o600, "they hold secrets"
    assert admin.error("asterisk", "render", "--pbx", "none", code=5)["reason"] == "PBX_NOT_FOUND"
    alice.login()
    assert alice.error("asterisk", "render", code=4)["reason"] == "ROLE_REQUIRED"
