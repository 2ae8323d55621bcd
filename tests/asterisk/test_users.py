"""Users of other kinds and settings: one line only, every deskphone call counts, two users at once."""
import dataclasses

from bench import expect, scenario
from bench.bench import ServedBench
from bench.calls import desk_emits, desk_receives
from bench.scenario import IDLE
from bench.waiting import PATIENCE_SECONDS, until


def wait_single_line(server, user, state):
    """A user with one line has the state of that line, by the rule SINGLE_LINE, whoever is logged in."""
    def now():
        presence = server.watch.newest(user)[1]
        seen = (presence.get("state"), presence.get("rule"), presence.get("device_in_use"))
        return "" if seen == (state, "SINGLE_LINE", "DESKPHONE") else f"{user}: {seen}, wanted {state}"
    until(lambda: not now(), PATIENCE_SECONDS, now)


def test_user_with_one_line(asterisk, pool):
    with pool.lease(ServedBench, asterisk) as bench:
        server = bench.server
        wait_single_line(server, "carol", "AVAILABLE")
        call = bench.bob.call("1002")
        wait_single_line(server, "carol", "RINGING")
        other = bench.answer(bench.carol)
        wait_single_line(server, "carol", "IN_USE")
        call.hold()
        wait_single_line(server, "carol", "ON_HOLD")
        other.hangup()
        wait_single_line(server, "carol", "AVAILABLE")
        bench.carol.unregister()
        wait_single_line(server, "carol", "UNAVAILABLE")
        bench.carol.register()
        wait_single_line(server, "carol", "AVAILABLE")


def test_both_ends_of_a_call_have_their_own_presence(asterisk, pool):
    with pool.lease(ServedBench, asterisk) as bench:
        bench.server.set_mode("web")
        call = bench.alice.call("1101")
        bench.bob.ringing()
        expect.settled(bench.server, desk_emits("alice dials bob"), "web")
        ringing = desk_receives("bob rings, logged out", "RINGING", "RINGING")
        expect.settled(bench.server, ringing, "out", user="bob")
        bench.answer(bench.bob)
        expect.settled(bench.server, desk_emits("they talk"), "web")
        expect.settled(bench.server, desk_receives("they talk", "INUSE", "IN_USE"), "out", user="bob")
        call.hangup()
        expect.settled(bench.server, IDLE, "web")
        expect.settled(bench.server, IDLE, "out", user="bob")


def test_every_deskphone_call_counts_if_so_configured(asterisk, pool):
    """fusion.deskphone_call: any. What `emitting` says of the received call is left open."""
    with pool.alone(ServedBench, asterisk, settings={"fusion": {"deskphone_call": "any"}}) as bench:
        bench.server.set_mode("web")
        expect.settled(bench.server, IDLE, "web")
        call, _ = bench.connect(bench.carol, "1100", bench.alice)
        received = scenario.row("received on the deskphone", "INUSE NOT_INUSE", out="IN_USE",
                                web="2 IN_USE", desk="6 IN_USE", emitting=None)
        expect.settled(bench.server, received, "web")
        call.hangup()
        expect.settled(bench.server, IDLE, "web")
        call = bench.alice.call("1002")
        expect.settled(bench.server, dataclasses.replace(desk_emits("emitted"), emitting=None), "web")
        call.cancel()
        expect.settled(bench.server, IDLE, "web")
