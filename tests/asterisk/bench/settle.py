"""Waits until Asterisk itself reports the line states of a row, and keeps reporting them."""
from .waiting import PATIENCE_SECONDS, until_settled


def reported(row):
    """What Asterisk reports for both lines in this row: it lags behind the truth where the row says so."""
    states = {"deskphone": row.deskphone, "webrtc": row.webrtc}
    if row.lags:
        states[row.lags] = "NOT_INUSE"
    return states["deskphone"], states["webrtc"]


def settle(bench, row):
    """Fails when the report is not that of the row within PATIENCE_SECONDS and from then on for 100 ms."""
    wanted = reported(row)

    def problem():
        seen = bench.listener.device_state("alice"), bench.listener.device_state("alice_w")
        return "" if seen == wanted else f"Asterisk should report {wanted}, says {seen}"
    until_settled(problem, PATIENCE_SECONDS, row.what)
