"""Processes that do not outlive the tests, even when those are killed."""
import ctypes
import signal
import subprocess

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def start(words, **options):
    """subprocess.Popen whose process is killed when ours ends, however that comes about."""
    return subprocess.Popen(words, preexec_fn=lambda: _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL), **options)
