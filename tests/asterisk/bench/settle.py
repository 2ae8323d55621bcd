"""Waits until Asterisk itself reports the line states of a row, and keeps reporting them."""
import time

from .waiting import until

SETTLED_SECONDS = 0.1


def reported(row):
    """What Asterisk reports for both lines in this row: it lags behind the truth where the row says so."""
    states = {"deskphone": row.deskphone, "webrtc": row.webrtc}
    if row.lags:
        states[row.lags] = "NOT_INUSE"
    return states["deskphone"], states["webrtc"]


def settle(bench, row):
    """Fails when the report is not that of the row within 5 s, or leaves it within 100 ms."""
    def now():
        return bench.listener.device_state("alice"), bench.listener.device_state("alice_w")
    wanted = reported(row)
    until(lambda: now() == wanted, 5, lambda: f"{row.what}: Asterisk should report {wanted}, says {now()}")
    end = time.monotonic() + SETTLED_SECONDS
    while time.monotonic() < end:
        seen = now()
        assert seen == wanted, f"{row.what}: Asterisk reported {wanted}, then {seen}"
        time.sleep(0.02)
