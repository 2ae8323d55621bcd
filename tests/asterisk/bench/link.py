"""A link between the server and Asterisk that can be cut: a TCP forwarder on the loopback."""
import contextlib
import select
import socket
import threading

from . import configuration

PORT = 15038


class Link:
    """Forwards PORT to AMI. cut() resets the connections; silence() lets them hang half open."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", PORT))
        self._pairs = []
        self._passing = threading.Event()
        self._passing.set()
        self._refusing = False
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._refusing:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", configuration.AMI_PORT), timeout=2)
            except OSError:
                near.close()
                continue
            far.settimeout(None)  # only to connect
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._pairs.append((near, far))
            threading.Thread(target=self._forward, args=(near, far), daemon=True).start()

    def _forward(self, near, far):
        other = {near: far, far: near}
        with contextlib.suppress(OSError, ValueError):
            while True:
                ready, _, _ = select.select([near, far], [], [])
                self._passing.wait()
                for one in ready:
                    data = one.recv(65536)
                    if not data:
                        return self._drop(near, far)
                    other[one].sendall(data)
        return self._drop(near, far)

    def _drop(self, *sockets):
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def cut(self):
        """Ends every connection; new ones are taken at once."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for near, far in pairs:
            for one in (near, far):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def refuse(self):
        """Ends every connection, and those to come at once, until accept()."""
        self._refusing = True
        self.cut()

    def accept(self):
        self._refusing = False

    def silence(self):
        """Nothing passes any more, yet nobody is told: a half-open link."""
        self._passing.clear()

    def resume(self):
        """What was silent passes again."""
        self._passing.set()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        self.cut()
