"""The published presence of each scenario, on a real Asterisk, in each mode of the user.

Every scenario runs three times: alice logged out, logged in with the web line selected, logged in
with the deskphone selected.  After each step the settled presence must be that of the row.
"""
import contextlib
import time

import pytest

from bench import expect, scenario
from bench.bench import ServedBench


@contextlib.contextmanager
def blame(bench):
    """Prints what was published and what Asterisk said if the body fails."""
    began, since = time.monotonic(), bench.listener.mark()
    try:
        yield began
    except Exception:
        print("published:\n" + expect.story(bench.server, began))
        print("said by Asterisk:\n" + bench.listener.said(since))
        print("server log:\n" + bench.server.log()[-3000:])
        raise


@pytest.mark.parametrize("one", scenario.all_scenarios(), ids=lambda s: s.name)
@pytest.mark.parametrize("mode", scenario.MODES)
def test_presence_of(one, mode, asterisk, pool):
    with pool.lease(ServedBench, asterisk, one.options) as bench, blame(bench) as began:
        bench.server.set_mode(mode)
        expect.reached(bench.server, scenario.IDLE, mode)
        for index, row in enumerate(one.steps(bench)):
            expect.settled(bench.server, row, mode)
            if index == 0:
                expect.read_agrees(bench.server, row, mode)
        bench.wait_quiet()
        expect.settled(bench.server, scenario.IDLE, mode)
        expect.revisions_rise(bench.server, began)


# The web mode shows each wrong or forgotten direction: rule 2 against rule 3.
@pytest.mark.parametrize("one", scenario.all_scenarios(), ids=lambda s: s.name)
def test_link_cut_after_each_step_of(one, asterisk, pool):
    with pool.lease(ServedBench, asterisk, one.options) as bench, blame(bench):
        bench.server.set_mode("web")
        expect.reached(bench.server, scenario.IDLE, "web")
        for row in one.steps(bench):
            expect.settled(bench.server, row, "web")
            cut_at = time.monotonic()
            bench.link.cut()
            expect.settled_again(bench.server, row, "web", cut_at)
        bench.wait_quiet()
        expect.settled(bench.server, scenario.IDLE, "web")
