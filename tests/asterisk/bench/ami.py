"""A listener on AMI beside the server under test: what did Asterisk say, and when.

It keeps every byte (for recordings) and every event (for waiting and for blame).
"""
import itertools
import socket
import threading
import time

from . import configuration
from .waiting import PATIENCE_SECONDS


class Event(dict):
    """One AMI message; of repeated header names the last value counts. `at` is monotonic time."""

    at = 0.0


class Listener:
    """One AMI connection that reads everything. Thread-safe; a thread of its own reads."""

    def __init__(self, user=configuration.LISTENER_USER):
        self.events = []
        self.chunks = []  # (monotonic time, bytes)
        self.ended = False
        self._changed = threading.Condition()
        self._ids = itertools.count(1)
        self._socket = socket.create_connection(("127.0.0.1", configuration.AMI_PORT), timeout=5)
        self._socket.settimeout(None)
        self.started = time.monotonic()
        threading.Thread(target=self._read, daemon=True).start()
        answer = self.action("Login", Username=user, Secret=configuration.SECRET)
        if answer.get("Response") != "Success":
            raise RuntimeError(f"AMI login refused: {dict(answer)}")

    def close(self):
        self._socket.close()

    def _read(self):
        buffer = b""
        while True:
            try:
                data = self._socket.recv(65536)
            except OSError:
                data = b""
            with self._changed:
                if not data:
                    self.ended = True
                    self._changed.notify_all()
                    return
                now = time.monotonic()
                self.chunks.append((now, data))
                buffer += data
                *messages, buffer = buffer.split(b"\r\n\r\n")
                self.events.extend(filter(None, (self._parse(message, now) for message in messages)))
                self._changed.notify_all()

    @staticmethod
    def _parse(message, now):
        event = Event()
        for line in message.decode("utf-8", "replace").split("\r\n"):
            key, separator, value = line.partition(":")
            if separator:
                event[key] = value.lstrip(" ")
        event.at = now
        return event

    def mark(self):
        """A place in the stream: pass it to wait() to look only at what comes later."""
        return len(self.events)

    def wait(self, matches, since=0, seconds=PATIENCE_SECONDS, what="an AMI event"):
        """Waits for the first event after `since` for which matches(event) is true."""
        deadline, at = time.monotonic() + seconds, since
        with self._changed:
            while True:
                while at < len(self.events):
                    if matches(self.events[at]):
                        return self.events[at]
                    at += 1
                left = deadline - time.monotonic()
                if left <= 0 or self.ended:
                    raise TimeoutError(f"{what}: not said by Asterisk within {seconds} s")
                self._changed.wait(left)

    def wait_end(self, seconds=PATIENCE_SECONDS):
        """Waits for the end of the connection."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.ended, seconds):
                raise TimeoutError("the AMI connection did not end")

    def action(self, name, seconds=PATIENCE_SECONDS, **headers):
        """Sends an action and returns its response."""
        identity = f"bench-{next(self._ids)}"
        lines = [f"Action: {name}", f"ActionID: {identity}", *(f"{k}: {v}" for k, v in headers.items())]
        since = self.mark()
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return self.wait(lambda e: e.get("ActionID") == identity and "Response" in e, since, seconds,
                         f"the response to {name}")

    def listing(self, name, **headers):
        """Sends a list action and returns its rows, without the Complete event."""
        since = self.mark()
        answer = self.action(name, **headers)
        identity = answer["ActionID"]
        if answer["Response"] != "Success":
            return []
        self.wait(lambda e: e.get("ActionID") == identity and e.get("EventList") == "Complete", since,
                  what=f"the end of {name}")
        return [e for e in self.events[since:] if e.get("ActionID") == identity and "Event" in e
                and "EventList" not in e]

    def wait_booted(self, seconds=60):
        return self.wait(lambda e: e.get("Event") == "FullyBooted", 0, seconds, "FullyBooted")

    def device_state(self, device):
        """What Asterisk reports for PJSIP/device right now."""
        answer = self.action("Getvar", Variable=f"DEVICE_STATE(PJSIP/{device})")
        return answer.get("Value", "")

    def database_value(self, family, key):
        """A value of AstDB, or None if it is not there."""
        since = self.mark()
        answer = self.action("DBGet", Family=family, Key=key)
        if answer["Response"] != "Success":
            return None
        identity = answer["ActionID"]
        return self.wait(lambda e: e.get("ActionID") == identity and e.get("Event") == "DBGetResponse", since,
                         what=f"the value of {family}/{key}")["Val"]

    def said(self, since, *names):
        """The events of these names after a mark, one per line, for messages."""
        keys = ("Event", "Device", "State", "Channel", "DestChannel", "ChannelStateDesc", "Exten", "Uniqueid",
                "Linkedid", "ContactStatus", "AOR", "Newname")
        wanted = [e for e in self.events[since:] if (e.get("Event") in names if names else "ActionID" not in e)]
        start = wanted[0].at if wanted else 0.0
        return "\n".join(f"  {e.at - start:7.3f} " + " ".join(f"{k}={e[k]}" for k in keys if e.get(k))
                         for e in wanted if "Event" in e)
