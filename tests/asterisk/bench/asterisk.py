"""One Asterisk process, started from the unpacked tree, in a run folder of its own."""
import contextlib
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import sys

from . import child, configuration
from .waiting import until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import fetch_asterisk  # noqa: E402  (the script beside this package)


class Asterisk:
    """Starts, stops, kills and starts again the same Asterisk: its run folder outlives the process."""

    def __init__(self, version, run, options=None):
        self.version = version
        self.run = pathlib.Path(run)
        self.root = fetch_asterisk.cache_folder() / version / "root"
        self.options = options or configuration.Options()
        self.process = None
        self._output = None
        configuration.write(self.root, self.run, self.options)

    @property
    def database(self):
        """The file behind AstDB, where the contacts live while Asterisk does not."""
        return self.run / "lib/astdb.sqlite3"

    def database_on_disk(self):
        """What Asterisk has committed of AstDB, {key: value}; empty if a commit tore this reading.

        Read without a lock: Asterisk that meets one in its COMMIT ("database is locked") never commits again.
        """
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.database}?immutable=1", uri=True)) as database:
                return dict(database.execute("SELECT key, value FROM astdb"))
        except sqlite3.DatabaseError:
            return {}

    def _words(self):
        # The configuration file is named to the command line client as well.
        return fetch_asterisk.loader_command(self.root, "usr/sbin/asterisk") + ["-C", str(self.run / "etc/asterisk.conf")]

    def launch(self):
        """Starts the process and returns at once: its ports are not open yet."""
        self._output = open(self.run / "console.log", "ab")  # noqa: SIM115  (lives as long as the process)
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.run), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        self.process = child.start(self._words() + ["-f"], cwd=self.run, env=environment,
                                   stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._output)

    def start(self):
        """Starts the process and waits until the AMI port accepts (not yet FullyBooted)."""
        self.launch()
        until(self.ami_accepts, 60, f"the AMI port of Asterisk {self.version} (see {self.run}/log/messages)")

    def ami_accepts(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"Asterisk ended with {self.process.returncode}, see {self.run}/console.log")
        try:
            socket.create_connection(("127.0.0.1", configuration.AMI_PORT), timeout=1).close()
        except OSError:
            return False
        return True

    def signal(self, number):
        self.process.send_signal(number)

    def terminate(self):
        """SIGTERM, as a service manager does; waits for the end."""
        self._end(signal.SIGTERM)

    def kill(self):
        """SIGKILL: Asterisk says nothing any more."""
        self._end(signal.SIGKILL)

    def _end(self, number):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._output.close()
        self.process = None

    def command(self, text):
        """Runs a command of Asterisk's own command line, returns what it printed."""
        result = subprocess.run(self._words() + ["-rx", text], capture_output=True, text=True,
                                timeout=60, check=True)
        return result.stdout
