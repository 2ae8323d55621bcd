"""Shares one bench between the scenarios of a process; a failed one is thrown away."""
import contextlib


class Pool:
    """One bench at a time: ports are fixed inside the namespace."""

    def __init__(self):
        self._bench = None
        self._key = None

    @contextlib.contextmanager
    def lease(self, kind, version, options=None):
        """A bench of this kind (Bench, ServedBench) with idle registered phones, perhaps a used one."""
        key = (kind, version, repr(options))
        if self._key != key:
            self.close()
            self._bench, self._key = kind(version, options), key
        try:
            yield self._bench
            self._bench.rest()
        except BaseException:
            self.close(keep=True)
            raise

    @contextlib.contextmanager
    def alone(self, kind, version, **how):
        """A fresh bench that nobody uses afterwards: for tests that stop or break things."""
        self.close()
        with kind(version, **how) as bench:
            yield bench

    def close(self, keep=False):
        if self._bench:
            self._bench.close(keep=keep)
        self._bench = self._key = None
