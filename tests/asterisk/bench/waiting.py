"""Waiting for a condition: never a fixed pause."""
import time


def until(condition, seconds, what):
    """Polls until condition() is true and returns its value; fails after the deadline, naming `what`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.005)
