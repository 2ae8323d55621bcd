"""Shares one bench between the scenarios of a process; a failed one is thrown away."""
import contextlib

from . import configuration
from .bench import Bench


class Pool:
    """One bench at a time: ports are fixed inside the namespace."""

    def __init__(self, make=Bench):
        self._make = make
        self._bench = None
        self._key = None

    @contextlib.contextmanager
    def lease(self, version, options=None):
        """A bench with idle registered phones. The next lease may get the same one."""
        key = (version, repr(options or configuration.Options()))
        if self._key != key:
            self.close()
            self._bench, self._key = self._make(version, options), key
        try:
            yield self._bench
            self._bench.rest()
        except BaseException:
            self.close(keep=True)
            raise

    def close(self, keep=False):
        if self._bench:
            self._bench.close(keep=keep)
        self._bench = self._key = None
