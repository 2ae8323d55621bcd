"""unipresenced as its administrator meets it: stores that go, reloads, users files, ways back in, exit codes.

usage: UNIPRESENCE_BUILD_DIR=build /usr/bin/python3 -m pytest tests/integration/server_operation_test.py
"""
import contextlib
import json
import os
import pathlib
import pty
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import termios
import time
import urllib.error
import urllib.request

import grpc
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "testing"))
import grpc_client  # noqa: E402  (the module beside this folder)

BUILD = pathlib.Path(os.environ.get("UNIPRESENCE_BUILD_DIR", "build")).resolve()
SERVER = str(BUILD / "unipresenced")
PASSWORD = "bench-password"
# Of this password, at the least cost libsodium has: hashing is not what most tests are about.
PASSWORD_HASH = ("$argon2id$v=19$m=8,t=1,p=1$EgEjTuPUB5Amu2iXhwU5Dw"
                 "$1A7iv9iilVrj+1by2qwzLceXWi5QPj3MaAG5+i49Lts")
PATIENCE = 60
# Of an authority that signed nothing.
CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBcTCCARegAwIBAgIUEfi3He7ssNMNiN3nlRug92MtSiAwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMTMwMTE0MzEyWhgPMjEyNjExMDYxMTQzMTJa
MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEHMzDnUD5
CHjjDaYHpagm8XWm9f0vU6YPr6O5lKNDUE1Hl7AqaWSynLuNH1Fc3UxpP/Rwt2jl
hOq0dR/Ryt80bKNTMFEwHQYDVR0OBBYEFIynq1wKF+yfsCqv57YarhUzxbkEMB8G
A1UdIwQYMBaAFIynq1wKF+yfsCqv57YarhUzxbkEMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDSAAwRQIgdMhPkJv8C5+rriZPkLYLH2Pmlkxe3zQdmTq60RCt
9NsCIQDBmemOYjg2Q6JPKf+9XT1qAxWXaJyDT1v1byxDlOxGEw==
-----END CERTIFICATE-----
"""


def until(condition, what, seconds=PATIENCE):
    """Waits for the condition and returns its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def user(name, number, pbx="main", **more):
    if not more.keys() & {"password", "password_hash"}:
        more["password_hash"] = PASSWORD_HASH
    return {"id": name, "display_name": name.title(), "exten": str(number), "context": "default",
            "line_type": "unique_account", "username": name,
            "lines": [{"kind": "deskphone", "pbx": pbx, "device": f"PJSIP/{name}"},
                      {"kind": "webrtc", "pbx": pbx, "device": f"PJSIP/{name}_w"}], **more}


def pbx(name, port=1, **more):  # nobody is at port 1
    return {"name": name, "host": "127.0.0.1", "port": port, "username": "unipresence", "secret": "unipresence",
            **more}


class Server:
    """A server in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None
        self.pbxs = [pbx("main")]
        self.users = [user("root", 1000, role="administrator"), user("alice", 1001)]
        self.settings = {}
        self.write()

    def write(self):
        (self.folder / "users.yaml").write_text(json.dumps(
            [{key: value for key, value in entry.items() if value is not None} for entry in self.users]))
        (self.folder / "server.yaml").write_text(json.dumps({  # JSON is YAML
            "pbx": self.pbxs, "grpc": {"listen": f"unix:{self.folder}/grpc.sock"},
            "zeromq": {"publish": "tcp://127.0.0.1:*", "snapshot": "tcp://127.0.0.1:*"},
            "metrics": {"listen": "127.0.0.1:0"}, "store": {"path": str(self.store)},
            "sessions": {"time_to_live_s": 3600}, "users_file": "users.yaml", **self.settings}))

    @property
    def store(self):
        return self.folder / "store.db"

    def words(self, *more):
        return [SERVER, "--config", str(self.folder / "server.yaml"), *more]

    def run(self, *more, **options):
        return subprocess.run(self.words(*more), capture_output=True, text=True, timeout=PATIENCE, check=False,
                              **options)

    def start(self, *more):
        self.write()
        log = open(self.folder / "server.log", "ab")
        self.process = subprocess.Popen(self.words(*more), stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        assert line, self.log()
        self.addresses = json.loads(line)
        self.client = grpc_client.Client(self.addresses["grpc"])
        return self

    def stop(self, sign=signal.SIGTERM):
        self.process.send_signal(sign)
        code = self.process.wait(timeout=PATIENCE)
        self.process = None
        return code

    def log(self):
        return (self.folder / "server.log").read_text()

    def await_log(self, pattern, count=1, seconds=PATIENCE):
        until(lambda: len(re.findall(pattern, self.log())) >= count, f"{pattern} in {self.folder}/server.log", seconds)

    def reload(self):
        """SIGHUP, and what the log says until the reload is done."""
        self.write()
        known = len(self.log())
        self.process.send_signal(signal.SIGHUP)
        until(lambda: "reload: done" in self.log()[known:] or "nothing is changed" in self.log()[known:], "a reload")
        return self.log()[known:]

    def can_log_in(self, name, password=PASSWORD):
        try:
            self.client.log_in(name, password, timeout=2 * PATIENCE)
        except grpc.RpcError as error:
            assert error.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED), error
            return False
        return True

    def get_user(self, name, caller="root"):
        request = grpc_client.load("provisioning_pb2").GetUserRequest(user=name)
        return self.client.stub("provisioning").GetUser(request, metadata=self.client.identity(caller), timeout=20)

    def pbx_states(self):
        request = grpc_client.load("administration_pb2").ListPbxsRequest()
        answer = self.client.stub("administration").ListPbxs(request, metadata=self.client.identity("root"), timeout=20)
        names = grpc_client.load("pbx_pb2").PbxLinkState
        return {pbx.name: (names.Name(pbx.link_state).removeprefix("PBX_LINK_STATE_"), pbx.disconnect_count,
                           pbx.link_state_time.ToMicroseconds())
                for pbx in answer.pbxs}

    def metric(self, name):
        return next(float(line.rsplit(" ", 1)[1]) for line in self.http("/metrics")[1].splitlines()
                    if line.startswith(name + " "))

    def http(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.addresses['metrics']}{path}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


@pytest.fixture
def server(tmp_path):
    it = Server(tmp_path)
    yield it
    if it.process:
        it.process.kill()
        it.process.wait()


class Asterisk:
    """A simulated PBX."""

    def __init__(self, folder, name):
        self.process = subprocess.Popen(
            [str(BUILD / "unipresence-pbxsim"), "--listen", "127.0.0.1:0", "--pbx-name", name, "--users-file",
             str(folder / "users.yaml")], stdout=subprocess.PIPE, text=True)
        self.port = int(json.loads(self.process.stdout.readline())["ami"].rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


# --- The store ---

def refusals(server, count):
    """How many of as many selections are refused, and with which codes."""
    codes = set()
    for i in range(count):
        try:
            server.client.select("alice", ["DESKPHONE", "WEBRTC"][i % 2]).result()
            codes.add("OK")
        except grpc.RpcError as error:
            codes.add(error.code().name)
    return codes


def test_a_store_that_goes_takes_nothing_more_until_it_is_back(server):
    server.start()
    server.client.log_in("alice", PASSWORD)
    assert refusals(server, 2) == {"OK"}
    away = server.store.rename(server.folder / "away.db")  # and what was opened with it
    known = len(server.log())
    assert refusals(server, 200) == {"UNAVAILABLE"}
    until(lambda: "store: " in server.http("/readyz")[1], "readiness names the store")
    said = [line for line in server.log()[known:].splitlines() if "store.db" in line]
    assert len(said) == 1 and "would be lost" in said[0] and "put the file back" in said[0], said
    away.rename(server.store)
    until(lambda: refusals(server, 1) == {"OK"}, "writes again")
    until(lambda: "store: " not in server.http("/readyz")[1], "readiness")
    server.await_log("store: takes writes again")
    server.client.select("alice", "DESKPHONE").result()
    assert server.stop() == 0
    server.start()
    assert server.client is not None
    server.client.log_in("alice", PASSWORD)
    assert server.client.selected("alice") == "DESKPHONE"


def test_a_replaced_store_is_refused(server):
    server.start()
    server.client.log_in("alice", PASSWORD)
    (server.folder / "copy.db").write_bytes(server.store.read_bytes())
    (server.folder / "copy.db").rename(server.store)
    assert refusals(server, 3) == {"UNAVAILABLE"}
    assert "was replaced by another one" in server.log()


def test_a_damaged_row_is_said_once_and_the_store_takes_writes(server):
    server.users.append(user("bob", 1002))
    server.start()
    server.client.log_in("root", PASSWORD)
    server.client.log_in("alice", PASSWORD)
    with contextlib.closing(sqlite3.connect(server.store)) as database:
        database.execute("PRAGMA ignore_check_constraints = on")
        database.execute("UPDATE users SET role = 'bogus' WHERE id = 'bob'")
        database.commit()
    known = len(server.log())
    for _ in range(2):
        for _ in range(20):
            with pytest.raises(grpc.RpcError):
                server.get_user("bob")
        assert refusals(server, 1) == {"OK"}
        checked = server.metric("unipresence_store_commands_total")
        until(lambda: server.metric("unipresence_store_commands_total") > checked, "a check of the store", 30)
        assert "store: " not in server.http("/readyz")[1]
    said = [line for line in server.log()[known:].splitlines() if "bogus" in line or "takes writes" in line]
    assert len(said) == 1, said


def test_a_damaged_store_does_not_start(server):
    server.start()
    server.stop()
    whole = server.store.read_bytes()
    random.seed(36)
    refused = 0
    for _ in range(12):
        damaged = bytearray(whole)
        at = random.choice([i for i in range(0, len(whole) - 64) if any(whole[i:i + 16])])
        for i in range(at, at + 16):
            damaged[i] ^= 0xff
        server.store.write_bytes(damaged)
        outcome = server.run("--reset-administrator", "root", input=PASSWORD + "\n")
        assert outcome.returncode in (0, 65), outcome
        if outcome.returncode == 65:
            refused += 1
            assert str(server.store) in outcome.stderr, outcome.stderr
    assert refused >= 8
    server.store.write_bytes(whole[:len(whole) // 2])
    outcome = server.run()
    assert outcome.returncode == 65
    assert "restore a backup" in outcome.stderr and ".recover" in outcome.stderr


def test_a_log_that_is_cut_in_place(server):
    server.start()
    server.client.log_in("alice", PASSWORD)
    with open(f"{server.store}-wal", "r+b") as log:
        log.truncate(0)
    assert refusals(server, 3) == {"UNAVAILABLE"}
    assert "-wal' was cut" in server.log()


# --- Ways back in ---

def test_reset_administrator(server):
    server.users = [user("alice", 1001), user("root", 1000, role="administrator", password_hash=None)]
    server.start()
    server.await_log("no administrator can log in.*--reset-administrator")
    busy = server.run("--reset-administrator", "root", input="a new password\n")
    assert busy.returncode == 69 and "another server has it open" in busy.stderr
    server.stop()
    nobody = server.run("--reset-administrator", "allice", input="a new password\n")
    assert nobody.returncode == 65 and "no user 'allice'" in nobody.stderr and "alice" in nobody.stderr
    short = server.run("--reset-administrator", "alice", input="short\n")
    assert short.returncode == 64 and "8 to 128" in short.stderr
    latin = server.run("--reset-administrator", "alice", input="p\xe9ssw\xf6rdlong\n", encoding="latin-1")
    assert latin.returncode == 64 and "UTF-8" in latin.stderr
    assert server.run("--reset-administrator", "alice", input="a new password\n").returncode == 0
    made_up = server.run("--reset-administrator", "root", stdin=subprocess.DEVNULL)
    assert made_up.returncode == 0
    server.start()
    assert server.can_log_in("alice", "a new password")
    assert server.get_user("root", "alice").id == "root"
    assert server.can_log_in("root", made_up.stdout.strip())
    assert "no administrator can log in" not in server.log().split("stopping")[-1]


def test_reset_administrator_makes_no_store(server):
    outcome = server.run("--reset-administrator", "root", input="a new password\n")
    assert outcome.returncode == 65 and str(server.store) in outcome.stderr
    assert not server.store.exists()


# --- Exit codes and passwords ---

@pytest.mark.parametrize("words, code", [
    (["--no-such-option"], 64), ([], 64), (["--config", "/no/such/file"], 78), (["--help"], 0), (["--version"], 0),
    (["--config", "", "--check-config"], 64), (["--config", "/no/such/file", "--reset-administrator", ""], 64),
    (["--config", "/no/such/file", "--reset-administrator="], 64), (["hash-password", "--password-file", ""], 64),
    (["--config", "/no/such/file", "--reset-administrator", "a", "--password-file", ""], 64)])
def test_exit_codes_of_the_command_line(words, code):
    outcome = subprocess.run([SERVER, *words], capture_output=True, text=True, timeout=PATIENCE, check=False,
                             env={k: v for k, v in os.environ.items() if k != "UNIPRESENCED_CONFIG"})
    assert outcome.returncode == code
    if "" in words or words[-1:] == ["--reset-administrator="]:
        assert "it is empty" in outcome.stderr
    if words == ["--help"]:
        for number in (0, 64, 65, 69, 70, 78, 130):
            assert re.search(rf"^ +{number}  ", outcome.stdout, re.M), outcome.stdout


def test_exit_codes_of_a_start(server):
    server.pbxs = []
    server.users = []
    server.write()
    assert server.run().returncode == 78
    (server.folder / "server.yaml").write_text("")
    empty = server.run()
    assert empty.returncode == 78 and "no PBX is configured" in empty.stderr
    server.pbxs = [pbx("main")]
    server.users = [user("alice", 1001, pbx="other")]
    server.write()
    elsewhere = server.run()
    assert elsewhere.returncode == 78 and "'other'" in elsewhere.stderr and "main" in elsewhere.stderr
    server.users = [user("alice", 1001, password="short")]
    server.write()
    short = server.run()
    assert short.returncode == 78 and "8 to 128" in short.stderr
    server.users = []
    server.write()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert server.run("--metrics.listen", f"127.0.0.1:{taken.getsockname()[1]}").returncode == 69
    server.store.write_text("not a database, but long enough to be taken for one" * 10)
    assert server.run().returncode == 65


def test_an_interrupted_question_leaves_the_terminal_as_it_was():
    head, tail = pty.openpty()
    former = termios.tcgetattr(tail)
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        process = subprocess.Popen([SERVER, "hash-password"], stdin=tail, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        said = ""
        while not said.endswith("New password: "):
            said += process.stderr.read(1) or pytest.fail(said)
        assert not termios.tcgetattr(tail)[3] & termios.ECHO
        process.send_signal(sign)
        assert process.wait(timeout=PATIENCE) == 130
        assert termios.tcgetattr(tail) == former
        process.stdout.close()
        process.stderr.close()
    os.close(head)
    os.close(tail)


def test_hash_password(server):
    outcome = subprocess.run([SERVER, "hash-password"], input="piped password\n", capture_output=True, text=True,
                             timeout=PATIENCE, check=True)
    server.users[1] = user("alice", 1001, password_hash=outcome.stdout.strip())
    assert subprocess.run([SERVER, "hash-password"], input="short\n", capture_output=True, text=True, timeout=PATIENCE,
                          check=False).returncode == 64
    # At a terminal it asks twice and shows nothing.
    head, tail = pty.openpty()
    process = subprocess.Popen([SERVER, "hash-password"], stdin=tail, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    for prompt in ("New password: ", "Again: "):
        said = ""
        while not said.endswith(prompt):
            said += process.stderr.read(1) or pytest.fail(said)
        os.write(head, b"typed password\n")
    typed = process.stdout.read().strip()
    assert process.wait(timeout=PATIENCE) == 0
    os.set_blocking(head, False)
    with contextlib.suppress(BlockingIOError):
        assert b"typed" not in os.read(head, 4096)
    server.users.append(user("bob", 1002, password_hash=typed))
    server.start()
    assert server.can_log_in("alice", "piped password")
    assert server.can_log_in("bob", "typed password")


# --- The users file ---

def test_what_a_users_file_says_of_known_users_is_told_and_not_taken(server):
    server.start()
    server.client.log_in("root", PASSWORD)
    server.users[1] = user("alice", 1009, display_name="Alice Renamed", password="another password")
    said = server.reload()
    assert re.search(r"users\.yaml: alice: .*display_name: 'Alice' -> 'Alice Renamed'.*exten: '1001' -> '1009'.*not taken", said)
    assert "users_file_wins" in said
    server.await_log("alice: password: another one .not taken")
    assert "another password" not in server.log()
    assert server.get_user("alice").exten == "1001"
    assert server.can_log_in("alice")
    server.stop()
    server.start()
    server.await_log(r"alice: .*exten: '1001' -> '1009'.*not taken", 2)


def test_a_users_file_that_wins_is_taken(server):
    server.users.append(user("bob", 1002))
    server.start()
    server.client.log_in("root", PASSWORD)
    server.client.log_in("alice", PASSWORD)
    server.client.select("alice", "DESKPHONE").result()
    server.settings["users_file_wins"] = True
    # One is gone from the file but kept here, and has what another is to get.
    server.users = [server.users[0], user("alice", 1002, password="another password"), user("carol", 1001)]
    said = server.reload()
    assert "alice: not taken: exten '1002': user 'bob' has it" in said
    assert "bob: not in the file any more" in said
    server.users.append(user("bob", 1003))  # each can be taken only after the one behind
    said = server.reload()
    assert re.search(r"alice: exten: '1001' -> '1002'", said), said
    assert "1 users added, 2 changed" in said
    assert server.get_user("alice").exten == "1002"
    assert server.get_user("bob").exten == "1003"
    assert server.get_user("carol").exten == "1001"
    until(lambda: server.can_log_in("alice", "another password"), "the new password")
    assert server.client.selected("alice") == "DESKPHONE"
    server.users = [user("root", 1000, role="user"), user("alice", 1002, password="another password")]
    said = server.reload()
    assert "root: not taken: 'root' is the last administrator" in said
    assert "carol: not in the file any more" in said
    assert server.get_user("carol").id == "carol"


def database_of(asterisk, family, keys):
    """What Asterisk's database holds."""
    with socket.create_connection(("127.0.0.1", asterisk.port), timeout=PATIENCE) as link, link.makefile("rwb") as lines:
        def ask(**headers):
            lines.write("".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n")
            lines.flush()

        def until_empty():
            answer = {}
            while line := lines.readline().decode().strip():
                name, _, value = line.partition(": ")
                answer[name] = value
            return answer

        lines.readline()
        ask(Action="Login", Username="unipresence", Secret="unipresence", Events="off")
        values = {}
        for key in keys:
            ask(Action="DBGet", Family=family, Key=key, ActionID=key)
            while key not in values:
                answer = until_empty()
                if answer.get("Event") == "DBGetResponse":
                    values[key] = answer["Val"]
                elif answer.get("ActionID") == key and answer.get("Response") == "Error":
                    values[key] = None
        return values


def test_two_who_exchange_their_numbers_are_taken_and_routed(server):
    server.users += [user("bob", 1002), user("carol", 1003)]
    server.write()
    with Asterisk(server.folder, "main") as main:
        server.pbxs = [pbx("main", main.port)]
        server.settings["users_file_wins"] = True
        server.start()
        server.client.log_in("root", PASSWORD)
        server.users = [server.users[0], user("alice", 1002), user("bob", 1003), user("carol", 1001)]
        for numbers in ({"1001": "carol", "1002": "alice", "1003": "bob"},
                        {"1001": "carol", "1002": "bob", "1003": "alice"}):
            owners = {name: number for number, name in numbers.items()}
            for entry in server.users[1:]:
                entry["exten"] = owners[entry["id"]]
            said = server.reload()
            assert "not taken" not in said, said
            for name, number in owners.items():
                assert server.get_user(name).exten == number
                until(lambda: (database_of(main, f"unipresence/default/{number}", ["interface"])["interface"] or "")
                      .startswith(f"PJSIP/{name}"), f"Asterisk rings {name} at {number}")
        # What one has left was not taken away from who has it now.
        until(lambda: server.metric('unipresence_writeback_in_flight{pbx="main"}') == 0, "Asterisk has answered")
        for name, number in owners.items():
            assert database_of(main, f"unipresence/default/{number}", ["interface"])["interface"]


def test_administration_is_handed_over_in_one_file(server):
    server.settings["users_file_wins"] = True
    server.start()
    server.users = [user("root", 1000), user("alice", 1001, role="administrator")]
    said = server.reload()
    assert "not taken" not in said and "2 changed" in said, said
    server.client.log_in("alice", PASSWORD)
    assert server.get_user("root", "alice").id == "root"


def test_a_hash_takes_the_place_of_a_password_that_was_not_hashed_yet(server):
    server.users += [user(f"u{i}", 2000 + i, password=PASSWORD) for i in range(60)]
    server.start()
    server.stop()
    assert "are left for the next start" in server.log()
    server.users = server.users[:2] + [user(f"u{i}", 2000 + i) for i in range(60)]
    server.start()
    for name in ("u0", "u30", "u59"):
        assert server.can_log_in(name), name


def test_passwords_are_hashed_behind(server):
    crowd = [user(f"u{i}", 2000 + i, password=PASSWORD) for i in range(40)]
    server.users += crowd
    server.start()  # listens, though nobody's password is hashed
    assert server.can_log_in("u39")  # is next
    assert not server.can_log_in("u38", "a wrong password")
    assert server.stop() == 0
    assert re.search("passwords are left for the next start", server.log())
    server.start()
    server.await_log("all [0-9]+ passwords are done", seconds=300)
    for name in ("u0", "u20", "u38", "alice"):
        assert server.can_log_in(name)
    assert PASSWORD not in server.log()


def test_an_unchanged_users_file_is_not_read_again(server):
    server.users = [user("root", 1000, role="administrator", password=PASSWORD), user("alice", 1001, password=PASSWORD)]
    server.settings["users_file_wins"] = True
    server.start()
    assert server.can_log_in("root") and server.can_log_in("alice")  # so both passwords are hashed
    server.stop()
    server.start()
    until(lambda: "not read again" in server.reload(), "the end of the passwords")
    server.stop()
    known = len(server.log())
    server.start()
    assert "not read again" in server.log()[known:] and "users added" not in server.log()[known:]
    assert server.can_log_in("root") and server.can_log_in("alice")
    # The file has to win back what somebody else changed.
    request = grpc_client.load("provisioning_pb2").UpdateUserRequest()
    request.user.id = "alice"
    request.user.display_name = "Somebody"
    request.update_mask.paths.append("display_name")
    server.client.stub("provisioning").UpdateUser(request, metadata=server.client.identity("root"), timeout=20)
    server.stop()
    server.start()
    server.await_log("alice: display_name: 'Somebody' -> 'Alice'")
    server.client.log_in("root", PASSWORD)
    assert server.get_user("alice").display_name == "Alice"


# --- Reload ---

def test_a_reload_says_each_change_and_leaves_the_rest_alone(server):
    server.users.append(user("bob", 1002, pbx="branch"))
    server.pbxs = []
    server.write()
    with Asterisk(server.folder, "main") as main, Asterisk(server.folder, "branch") as branch, \
            Asterisk(server.folder, "branch") as moved:
        server.pbxs = [pbx("main", main.port), pbx("branch", branch.port)]
        server.start()
        server.client.log_in("root", PASSWORD)
        until(lambda: {s[0] for s in server.pbx_states().values()} == {"READY"}, "both PBXs")
        before = server.pbx_states()["main"]

        assert "no setting has changed" in server.reload()

        # Another address; the others keep their link.
        server.pbxs[1]["port"] = moved.port
        said = server.reload()
        assert f"pbx branch: address: 127.0.0.1:{branch.port} -> 127.0.0.1:{moved.port}" in said
        until(lambda: server.pbx_states()["branch"][0] == "READY", "the PBX at its new address")
        assert server.pbx_states()["main"] == before

        # A wrong secret, and the right one.
        server.pbxs[1]["secret"] = "wrong"
        said = server.reload()
        assert "pbx branch: another secret" in said and "wrong" not in said
        until(lambda: server.pbx_states()["branch"][0] != "READY", "the PBX refuses")
        server.pbxs[1]["secret"] = "unipresence"
        server.reload()
        until(lambda: server.pbx_states()["branch"][0] == "READY", "the PBX is back")

        # One more, and one less.
        server.pbxs.append(pbx("third", main.port))
        assert "pbx third: new" in server.reload()
        until(lambda: server.pbx_states()["third"][0] == "READY", "the new PBX")
        assert 'unipresence_pbx_synced{pbx="third"} 1' in server.http("/metrics")[1]
        server.pbxs.pop()
        assert "pbx third: removed" in server.reload()
        assert sorted(server.pbx_states()) == ["branch", "main"]
        assert 'pbx="third"' not in server.http("/metrics")[1]
        until(lambda: server.http("/readyz")[0] == 200, "ready without it")
        server.pbxs.append(pbx("third", main.port))
        server.reload()
        until(lambda: server.pbx_states()["third"][0] == "READY", "the PBX that came back")
        assert server.pbx_states()["main"] == before

        # A PBX that users are on stays, because the file is refused.
        server.pbxs = [pbx("main", main.port)]
        said = server.reload()
        assert "nothing is changed" in said and "'branch'" in said
        assert sorted(server.pbx_states()) == ["branch", "main", "third"]
        assert server.stop() == 0


def test_a_reload_takes_log_level_and_tells_what_takes_a_restart(server):
    server.start()
    server.settings = {"log": {"level": "debug"}, "sessions": {"time_to_live_s": 99}}
    said = server.reload()
    assert "log.level: info -> debug" in said
    assert "sessions.time_to_live_s: 3600 -> 99 (not before a restart)" in said
    assert "time_to_live_s: 3600 -> 99" in server.reload()


def test_a_reload_takes_what_the_named_files_hold_now(server):
    server.pbxs = [pbx("main", tls={"ca_file": "ca.pem"})]
    (server.folder / "ca.pem").write_text(CERTIFICATE)
    server.start()
    assert "no setting has changed" in server.reload()
    (server.folder / "ca.pem").write_text("renewed\n" + CERTIFICATE)
    assert re.search("pbx main: another content of .*ca.pem", server.reload())
    assert "no setting has changed" in server.reload()
    # What holds no certificate is refused each time, and the link stays.
    (server.folder / "ca.pem").write_text("nonsense")
    for _ in range(2):
        assert re.search("pbx main: stays as it was: .*ca.pem", server.reload())
    (server.folder / "ca.pem").write_text("renewed\n" + CERTIFICATE)
    assert "no setting has changed" in server.reload()


def test_a_bad_file_changes_nothing(server):
    server.start()
    server.client.log_in("root", PASSWORD)
    (server.folder / "server.yaml").write_text("pbx: [{name: main\nnonsense")
    known = len(server.log())
    server.process.send_signal(signal.SIGHUP)
    server.await_log("nothing is changed")
    errors = [line for line in server.log()[known:].splitlines() if "error" in line]
    assert len(errors) == 1, errors
    server.users[1]["role"] = "emperor"
    assert "emperor" in server.reload()
    (server.folder / "server.yaml").unlink()
    server.process.send_signal(signal.SIGHUP)
    server.await_log("nothing is changed", 3)
    assert list(server.pbx_states()) == ["main"]
    server.users[1] = user("alice", 1001)
    server.users.append(user("bob", 1002))
    assert "1 users added" in server.reload()
    assert server.can_log_in("bob")


def test_signals_at_any_time(server):
    """SIGHUP while it starts and while a reload runs, SIGTERM in the midst of it."""
    server.users += [user(f"u{i}", 2000 + i, password=PASSWORD) for i in range(300)]
    server.write()
    log = open(server.folder / "server.log", "ab")
    server.process = subprocess.Popen(server.words(), stdout=subprocess.PIPE, stderr=log, text=True)
    blocked = f"/proc/{server.process.pid}/status"
    until(lambda: re.search(r"SigBlk:\s*[0-9a-f]*[1-9a-f]", pathlib.Path(blocked).read_text()), "signals are kept")
    server.process.send_signal(signal.SIGHUP)
    assert server.process.stdout.readline()
    server.await_log("reload: done")
    for _ in range(50):
        server.process.send_signal(signal.SIGHUP)
    assert server.stop() == 0


def test_who_is_logged_in_stays_so_when_the_server_stood_still(server):
    """For longer than sessions live: nobody could be heard. Who then says nothing is logged out all the same."""
    server.settings = {"sessions": {"time_to_live_s": 5}}
    server.start()
    server.client.log_in("alice", PASSWORD, timeout=PATIENCE)
    server.process.send_signal(signal.SIGSTOP)
    time.sleep(8)
    server.process.send_signal(signal.SIGCONT)
    server.client.select("alice", "DESKPHONE").result()
    until(lambda: server.metric("unipresence_expired_sessions_total") == 1, "the session ends")


def test_a_stop_does_not_wait_for_a_reload(server):
    """However many passwords wait, and wherever the reload is."""
    server.users += [user(f"u{i}", 10000 + i, password=PASSWORD) for i in range(40000)]
    server.start()
    known = len(server.log())
    server.process.send_signal(signal.SIGHUP)
    server.await_log("40002 known before", seconds=300)
    server.process.send_signal(signal.SIGHUP)
    assert server.stop() == 0
    assert "nothing is changed:" not in server.log()[known:]
    for pause in (0, 0.2, 1):  # before it reads, while it reads, while it compares
        server.start()
        server.process.send_signal(signal.SIGHUP)
        time.sleep(pause)
        assert server.stop() == 0


REFERENCE = pathlib.Path(__file__).resolve().parents[2] / "server/metrics/REFERENCE.md"
REFERENCE_HEAD = """# Metrics

What `/metrics` serves, as the server itself describes it. `pbx` is a PBX's name in the configuration.
`UNIPRESENCE_WRITE_REFERENCE=1` with the test `test_the_reference_names_every_metric` of
`server_operation_test.py` writes this page.

| metric | type | labels | what |
|---|---|---|---|
"""


def reference_of(metrics):
    """The page about what a server exposes."""
    helps = dict(re.findall(r"^# HELP (\w+) (.*)$", metrics, re.M))
    types = re.findall(r"^# TYPE (\w+) (\w+)$", metrics, re.M)
    labels = {}
    for name, inside in re.findall(r"^(\w+?)(?:_bucket|_count|_sum)?(?:\{(.*)\})? \S+$", metrics, re.M):
        labels.setdefault(name, set()).update(re.findall(r'(\w+)="', inside))
    rows = [f"| `{name}` | {kind} | {', '.join(sorted(labels[name] - {'le'}))} | {helps[name]} |"
            for name, kind in sorted(types)]
    return REFERENCE_HEAD + "\n".join(rows) + "\n"


def test_the_reference_names_every_metric(server):
    server.start()
    page = reference_of(server.http("/metrics")[1])
    if os.environ.get("UNIPRESENCE_WRITE_REFERENCE"):
        REFERENCE.write_text(page)
    assert REFERENCE.read_text() == page, "write the page anew, as it says at its top"


def test_the_examples_are_printed_and_checked(server):
    """The files to begin with are read by the server that prints them."""
    def printed(option):
        return subprocess.run([SERVER, option], capture_output=True, text=True, timeout=PATIENCE, check=True).stdout

    (server.folder / "main.secret").write_text("hush\n")
    (server.folder / "users.yaml").write_text(printed("--example-users"))
    (server.folder / "server.yaml").write_text(
        printed("--example-config").replace('users_file: ""', "users_file: users.yaml"))
    checked = server.run("--check-config")
    assert checked.returncode == 0, checked.stderr
    assert "# 1 users in" in checked.stdout
