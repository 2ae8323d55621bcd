"""A network namespace of its own for this process: own loopback, fixed ports, nothing leaves."""
import ctypes
import os
import pathlib
import subprocess

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000


class NoNamespace(Exception):
    """This machine does not let us make a network namespace."""


def enter():
    """Moves this process into a fresh namespace and brings its loopback up.

    As root a network namespace alone; otherwise with a user namespace, in which one is root.
    Call it before any thread exists: the kernel refuses a user namespace to a threaded process.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    flags = CLONE_NEWNET if user == 0 else CLONE_NEWNET | CLONE_NEWUSER
    if libc.unshare(flags) != 0:
        raise NoNamespace(f"unshare: {os.strerror(ctypes.get_errno())}")
    if user != 0:
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoNamespace(f"cannot bring the loopback up: {getattr(error, 'stderr', error)}") from error
