"""The server under test: `unipresenced` with its users, and the command line client `unipresence`."""
import itertools
import json
import os
import pathlib
import subprocess
import threading
import time

import yaml

from . import child, configuration
from .waiting import PATIENCE_SECONDS, until

ROOT = pathlib.Path(__file__).resolve().parents[3]
GRPC = "127.0.0.1:15051"  # no port that the kernel gives to a client
PUBLISH, SNAPSHOT = "tcp://127.0.0.1:5561", "tcp://127.0.0.1:5562"
PASSWORD = "bench-password"
PBX = "main"
STARTS_WITHIN_SECONDS = 60  # a server with sanitizers on a busy machine


def build_folder():
    return pathlib.Path(os.environ.get("UNIPRESENCE_BUILD_DIR") or ROOT / "build")


def binary(name):
    path = build_folder() / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not built (or set UNIPRESENCE_BUILD_DIR)")
    return str(path)


def users():
    """alice and bob with both lines, carol with a deskphone, and one who only watches."""
    def user(name, exten, line_type, *lines, **more):
        return {"id": name, "display_name": name.capitalize(), "exten": exten, "context": "default",
                "line_type": line_type, "username": name, "password": PASSWORD, **more,
                "lines": [{"kind": kind, "pbx": PBX, "device": f"PJSIP/{device}"} for kind, device in lines]}
    return [
        user("alice", "1000", "unique_account", ("deskphone", "alice"), ("webrtc", "alice_w")),
        user("bob", "1001", "unique_account", ("deskphone", "bob"), ("webrtc", "bob_w")),
        user("carol", "1002", "sip", ("deskphone", "carol")),
        user("observer", "1999", "sip", ("deskphone", "observer"), role="administrator"),
    ]


class Watch:
    """`unipresence watch`: every line it prints, with the time of its arrival."""

    def __init__(self, words, errors):
        self.lines = []  # (monotonic time, presence)
        self._newest = {}
        self._lock = threading.Lock()
        self.process = child.start(words, stdout=subprocess.PIPE, stderr=errors, text=True, bufsize=1)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for text in self.process.stdout:
            now, presence = time.monotonic(), json.loads(text)
            with self._lock:
                self.lines.append((now, presence))
                self._newest[presence.get("user")] = (now, presence)

    def newest(self, user):
        """(time, presence) of the last line about a user, or (0, {})."""
        with self._lock:
            return self._newest.get(user, (0.0, {}))

    def about(self, user, since=0.0):
        """All (time, presence) about a user since a monotonic time."""
        with self._lock:
            return [(at, one) for at, one in self.lines if at >= since and one.get("user") == user]

    def close(self):
        self.process.terminate()
        self.process.wait()
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Server:
    """Starts and stops unipresenced; logs users in and out; watches everyone."""

    def __init__(self, folder, listener, ami_port=configuration.AMI_PORT, settings=None, more_users=(), more_pbxs=()):
        """`listener` returns the AMI connection of the bench."""
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = self.watch = None
        self.listener = listener
        self._markers = itertools.cycle([True, False])
        self.mode = "out"  # of alice, see set_mode
        self._holders = {}  # user -> the client that keeps its session alive
        self._errors = open(self.folder / "clients.log", "ab")  # noqa: SIM115  (of all clients)
        (self.folder / "password").write_text(PASSWORD)
        (self.folder / "users.yaml").write_text(yaml.safe_dump([*users(), *more_users]))
        self.config = self.folder / "server.yaml"
        self.config.write_text(yaml.safe_dump({
            "pbx": [{"name": PBX, "host": "127.0.0.1", "port": ami_port,
                     "username": configuration.SERVER_USER, "secret": configuration.SECRET}, *more_pbxs],
            "grpc": {"listen": GRPC}, "zeromq": {"publish": PUBLISH, "snapshot": SNAPSHOT},
            "metrics": {"listen": "127.0.0.1:9464"}, "store": {"path": str(self.folder / "store.db")},
            "users_file": str(self.folder / "users.yaml"), **(settings or {}),
        }))

    def start(self):
        """Starts the server and a watcher; returns when the watcher has a first value of alice."""
        with open(self.folder / "server.log", "ab") as log, open(self.folder / "endpoints", "wb") as out:
            self.process = child.start([binary("unipresenced"), "--config", str(self.config)],
                                       cwd=self.folder, stdout=out, stderr=log)
        until(self._listens, STARTS_WITHIN_SECONDS, f"unipresenced listens, see {self.folder}/server.log")
        self.log_in("observer")
        self.watch = Watch(self._words("observer", "watch", "-o", "json"), self._errors)
        until(lambda: self.lives() and self.watch.newest("alice")[1], PATIENCE_SECONDS, "a first presence of alice")

    def catch_up(self, seconds):
        """Waits until the watcher has what Asterisk has told by now: what comes after it is there.

        That is a change of the observer's settings by a code, as the dialplan tells it.
        """
        on = next(self._markers)
        number, value = {"Context": "default", "Number": "1999"}, str(int(on))
        for key, text in (("dnd", value), ("phone_changes", f"do_not_disturb={value}&")):
            answer = self.listener().action("DBPut", Family="unipresence/default/1999", Key=key, Val=text)
            assert answer["Response"] == "Success", answer
        self.listener().action("UserEvent", UserEvent="UnipresenceSetting", User="observer", **number,
                               Setting="do_not_disturb", Value=value)
        until(lambda: self.lives() and self.watch.newest("observer")[1].get("do_not_disturb") is on, seconds,
              lambda: f"do-not-disturb {on} of the observer: {self.watch.newest('observer')}")

    def lives(self):
        """True; raises if the server has ended by itself."""
        if self.process.poll() is not None:
            raise RuntimeError(f"unipresenced ended with {self.process.returncode}: {self.log()[-2000:]}")
        return True

    def _listens(self):
        return self.lives() and (self.folder / "endpoints").read_text().endswith("\n")

    def log(self):
        return (self.folder / "server.log").read_text(errors="replace")

    def stop(self):
        """Ends it in order; the server must end by itself with 0."""
        self._stop_clients()
        if self.process and self.process.poll() is None:
            self.process.terminate()
            code = self.process.wait(timeout=60)
            assert code == 0, f"unipresenced ended with {code}: {self.log()[-2000:]}"
        self.process = None

    def leave(self):
        """Ends it in order while users are logged in; their clients find nobody any more."""
        self.process.terminate()
        code = self.process.wait(timeout=60)
        assert code == 0, f"unipresenced ended with {code}: {self.log()[-2000:]}"
        self.kill()

    def kill(self):
        """Kills it and its clients."""
        if self.process:
            self.process.kill()
            self.process.wait()
        self._stop_clients()
        self.process = None

    def _stop_clients(self):
        for holder in self._holders.values():
            holder.terminate()  # which logs out, if the server is there
            holder.wait()
        self._holders.clear()
        if self.watch:
            self.watch.close()
        self.watch = None

    def watch_zeromq(self):
        """A second watcher, which follows by ZeroMQ."""
        return Watch(self._words("observer", "watch", "-o", "json", "--zeromq", PUBLISH, SNAPSHOT), self._errors)

    # --- the command line client ---

    def _words(self, session, *arguments):
        return [binary("unipresence"), "--server", GRPC, "--session-file", str(self.folder / f"{session}.session"),
                *arguments]

    def run(self, session, *arguments):
        """Runs the client as a logged-in user and returns what it printed."""
        result = self.try_run(session, *arguments)
        assert result.returncode == 0, f"{arguments} as {session}: {result.returncode} {result.stderr}"
        return result.stdout

    def try_run(self, session, *arguments):
        """Runs the client as a logged-in user and returns the finished process."""
        return subprocess.run(self._words(session, *arguments), capture_output=True, text=True, timeout=60, check=False)

    def watch_calls(self, user):
        """A watcher of the user's live calls."""
        return Watch(self._words(user, "calls", "--watch", "-o", "json"), self._errors)

    def log_in(self, user):
        """Logs in and keeps the session alive in the background."""
        words = self._words(user, "login", user, "--password-file", str(self.folder / "password"), "--hold")
        session = self.folder / f"{user}.session"
        session.unlink(missing_ok=True)
        self._holders[user] = child.start(words, stdout=subprocess.DEVNULL, stderr=self._errors)
        until(session.exists, PATIENCE_SECONDS, f"the session of {user}")

    def holder(self, user):
        """The process that keeps the session of a user alive: his browser, as it were."""
        return self._holders[user]

    def log_out(self, user):
        self.run(user, "logout")
        holder = self._holders.pop(user)
        holder.terminate()
        holder.wait()

    def select(self, user, device):
        self.run(user, "select", device)

    def set_mode(self, mode):
        """Brings alice into a mode: logged out, or logged in with one of her devices selected."""
        if mode == self.mode:
            return
        if mode == "out":
            self.log_out("alice")
        else:
            if self.mode == "out":
                self.log_in("alice")
            self.select("alice", {"web": "webrtc", "desk": "deskphone"}[mode])
        self.mode = mode

    def get(self, user):
        """What `get presence` says: the presence of one user as a dict."""
        answer = json.loads(self.run("observer", "get", "presence", user, "-o", "json"))
        return answer[0] if isinstance(answer, list) else answer

    def explain(self, user):
        return self.run("observer", "explain", user)
