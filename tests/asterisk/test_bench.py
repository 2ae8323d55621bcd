"""The bench tests itself: phones and Asterisk really do what the scenarios claim.

Each row's line states are compared with what Asterisk reports, without any server of ours.
"""
import pytest

from bench import scenario
from bench.bench import Bench
from bench.settle import settle


@pytest.mark.parametrize("one", scenario.all_scenarios(), ids=lambda s: s.name)
def test_asterisk_reports_the_line_states_of(one, asterisk, pool):
    with pool.lease(Bench, asterisk, one.options) as bench:
        since = bench.listener.mark()
        try:
            for row in one.steps(bench):
                settle(bench, row)
            bench.wait_quiet()
            settle(bench, scenario.IDLE)
        except Exception:
            print(bench.listener.said(since))
            raise
