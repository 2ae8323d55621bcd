"""The bench tests itself: phones and Asterisk really do what the scenarios claim.

Each row's line states are compared with what Asterisk reports, without any server of ours.
"""
import time

import pytest

from bench import scenario
from bench.waiting import until

GROUPS = ["emitted", "received", "hold", "several", "originate", "queue", "local", "transfer", "pickup",
          "parking", "registration", "qualify"]
SETTLED_SECONDS = 0.1


def reported(row):
    """What Asterisk reports for both lines in this row: it lags behind the truth where the row says so."""
    states = {"deskphone": row.deskphone, "webrtc": row.webrtc}
    if row.lags:
        states[row.lags] = "NOT_INUSE"
    return states["deskphone"], states["webrtc"]


def check_settled(bench, row):
    """The report becomes what the row says, and stays so."""
    def now():
        return bench.listener.device_state("alice"), bench.listener.device_state("alice_w")
    wanted = reported(row)
    until(lambda: now() == wanted, 5, lambda: f"{row.what}: Asterisk reports {wanted}, says {now()}")
    end = time.monotonic() + SETTLED_SECONDS
    while time.monotonic() < end:
        assert now() == wanted, row.what
        time.sleep(0.02)


@pytest.mark.parametrize("one", scenario.by_group(*GROUPS), ids=lambda s: s.name)
def test_asterisk_reports_the_line_states_of(one, asterisk, pool):
    with pool.lease(asterisk, one.options) as bench:
        since = bench.listener.mark()
        try:
            for row in one.steps(bench):
                check_settled(bench, row)
            bench.wait_quiet()
            check_settled(bench, scenario.IDLE)
        except Exception:
            print(bench.listener.said(since))
            raise
