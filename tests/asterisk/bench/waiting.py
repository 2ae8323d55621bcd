"""Waiting for a condition: never a fixed pause."""
import time

# For what comes in milliseconds: how long a machine that is busy with others may let it wait. It decides
# nothing but how late a failure is told.
PATIENCE_SECONDS = 20
# What such a machine may add to a bound that the product promises.
NOISE_SECONDS = 5


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


def until_settled(problem, seconds, what, stays=0.1):
    """Polls until problem() has been empty for `stays` seconds on end; fails with the last problem.

    A state that is right and leaves again was a passing one: it counts from when it is right for good.
    """
    deadline = time.monotonic() + seconds
    right_since = None
    while True:
        text, now = problem(), time.monotonic()
        if text:
            right_since = None
            if now > deadline:
                raise TimeoutError(f"not settled within {seconds} s: {what}: {text}")
        elif right_since is None:
            right_since = now
        elif now - right_since >= stays:
            return
        time.sleep(0.01)
