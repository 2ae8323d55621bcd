"""Asterisk and the server come, go and freeze: what is published meanwhile and afterwards."""
import json
import signal
import time

import pytest

from bench import expect, scenario
from bench.bench import ServedBench
from bench.calls import desk_emits, desk_receives
from bench.scenario import IDLE
from bench.waiting import NOISE_SECONDS, PATIENCE_SECONDS, until

RELOADS = ["core reload", "dialplan reload", "module reload res_pjsip.so", "manager reload"]


def stale_periods(server, since, user="alice"):
    """How often the user became stale since a time."""
    flags = [bool(one.get("stale")) for _, one in server.watch.about(user, since)]
    return sum(1 for before, now in zip([False, *flags], flags) if now and not before)


def wait_stale(server, seconds):
    until(lambda: server.watch.newest("alice")[1].get("stale"), seconds, "alice is stale")


def test_reloads_change_nothing(asterisk, pool):
    with pool.alone(ServedBench, asterisk) as bench:
        bench.server.set_mode("web")
        expect.settled(bench.server, IDLE, "web")
        call, _ = bench.connect(bench.alice, "1002", bench.carol)
        row = desk_emits("alice is in a call")
        expect.settled(bench.server, row, "web")
        since = time.monotonic()
        for command in RELOADS:
            bench.asterisk.command(command)
            expect.settled(bench.server, row, "web")
        assert not stale_periods(bench.server, since), expect.story(bench.server, since)
        call.hangup()
        expect.settled(bench.server, IDLE, "web")


@pytest.mark.parametrize("end", ["terminate", "kill"])
@pytest.mark.parametrize("mode", ["web", "desk"])
def test_restart_during_a_call(end, mode, asterisk, pool):
    """alice emits when Asterisk ends: stale until it is back, then idle, for the call is gone."""
    with pool.alone(ServedBench, asterisk) as bench:
        bench.server.set_mode(mode)
        bench.wait_contacts_on_disk()
        bench.connect(bench.alice, "1002", bench.carol)
        row = desk_emits("alice is in a call")
        expect.settled(bench.server, row, mode)
        since = time.monotonic()
        getattr(bench.asterisk, end)()
        wait_stale(bench.server, PATIENCE_SECONDS)
        if end == "kill":  # in order, Asterisk still tells that the call ends
            presence = bench.server.watch.newest("alice")[1]
            assert not expect.difference(presence, {**expect.wanted(row, mode), "stale": True})
        bench.asterisk.start()
        bench.listen()
        expect.settled(bench.server, IDLE, mode, seconds=60)
        assert stale_periods(bench.server, since) == 1, expect.story(bench.server, since)
        bench.forget_calls()
        call = bench.alice.call("1002")
        expect.settled(bench.server, desk_emits("a call after the restart"), mode)
        call.cancel()
        expect.settled(bench.server, IDLE, mode)


def test_registrations_lost_with_asterisk(asterisk, pool):
    """Asterisk comes back without its contacts: nobody is available until the phones register."""
    with pool.alone(ServedBench, asterisk) as bench:
        bench.server.set_mode("web")
        bench.asterisk.kill()
        bench.asterisk.database.unlink()
        bench.asterisk.start()
        bench.listen()
        gone = scenario.row("no phone has registered", "UNAVAILABLE UNAVAILABLE", out="UNAVAILABLE",
                            web="4 UNAVAILABLE", desk="6 UNAVAILABLE")
        expect.settled(bench.server, gone, "web", seconds=60)
        bench.register_all()
        expect.settled(bench.server, IDLE, "web")


def test_server_is_there_before_asterisk(asterisk, pool):
    """Unknown and stale until Asterisk has booted, then right, however early the server connected."""
    with pool.alone(ServedBench, asterisk, boot=False) as bench:
        bench.server.start()
        first = bench.server.watch.newest("alice")[1]
        assert first["state"] == "UNKNOWN" and first["hint"] == 4 and first["stale"], first
        bench.asterisk.launch()  # the server's attempts meet a booting Asterisk
        bench.listen()
        bench.register_all()
        expect.settled(bench.server, IDLE, "out", seconds=60)


def test_frozen_asterisk_is_noticed(asterisk, pool):
    """A stopped process answers nothing and closes nothing: stale within 10 s, right once it goes on."""
    with pool.alone(ServedBench, asterisk) as bench:
        expect.settled(bench.server, IDLE, "out")
        bench.asterisk.signal(signal.SIGSTOP)
        began = time.monotonic()
        try:
            wait_stale(bench.server, 20)
            assert time.monotonic() - began <= 10 + NOISE_SECONDS
        finally:
            bench.asterisk.signal(signal.SIGCONT)
        expect.settled(bench.server, IDLE, "out", seconds=60)


def test_half_open_link_is_noticed(asterisk, pool):
    """What happens behind a silent link is found after it: alice was called meanwhile."""
    with pool.alone(ServedBench, asterisk) as bench:
        bench.server.set_mode("desk")
        expect.settled(bench.server, IDLE, "desk")
        bench.link.silence()
        began = time.monotonic()
        call, _ = bench.connect(bench.carol, "1100", bench.alice)
        wait_stale(bench.server, 20)
        assert time.monotonic() - began <= 10 + NOISE_SECONDS
        bench.link.cut()
        bench.link.resume()
        expect.settled(bench.server, desk_receives("found by the resync", "INUSE", "IN_USE"), "desk", seconds=60)
        call.hangup()
        expect.settled(bench.server, IDLE, "desk")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_server_restarts_during_calls(end, asterisk, pool):
    """A new server finds the calls as they are, the direction included, and the choice of the user."""
    with pool.alone(ServedBench, asterisk) as bench:
        bench.server.set_mode("desk")
        bench.connect(bench.alice, "1101", bench.bob)
        bench.carol.call("1200")
        bench.alice_w.ringing()
        row = scenario.row("the deskphone emits, the browser rings", "INUSE RINGING", out="IN_USE",
                           web="2 IN_USE", desk="2 IN_USE", emitting=True)
        expect.settled(bench.server, row, "desk")
        getattr(bench.server, end)()
        bench.server.mode = "out"
        bench.server.start()
        bench.server.log_in("alice")
        expect.settled(bench.server, row, "desk", seconds=60)


def test_server_restarts_during_a_call_placed_by_another_tool(asterisk, pool):
    """Joined to an older call, no list tells any more who began it: explain says so until it ends."""
    with pool.alone(ServedBench, asterisk) as bench:
        bench.server.set_mode("web")
        caller, older = bench.connect(bench.carol, "1101", bench.bob)
        older.hold()
        bench.listener.action("Originate", Channel="PJSIP/alice", Context="default", Exten="1101", Priority="1", Async="true")
        own = bench.alice.ringing()
        own.answer()
        consult = bench.answer(bench.bob)
        consult.transfer_to(older)
        older.wait("ended")
        expect.settled(bench.server, desk_emits("alice talks with carol, in carol's call"), "web")

        def unknown():
            answer = json.loads(bench.server.run("observer", "explain", "alice", "-o", "json"))
            return "no list tells who began it" in answer["sentence"]
        assert not unknown()
        bench.link.cut()  # the server has seen it being born
        until(lambda: stale_periods(bench.server, 0) and not bench.server.get("alice")["stale"], 60, "the link is back")
        expect.settled(bench.server, desk_emits("the link was cut"), "web")
        assert not unknown()
        bench.server.stop()
        bench.server.mode = "out"
        bench.server.start()
        bench.server.log_in("alice")
        expect.settled(bench.server, desk_receives("a new server takes it for received", "INUSE", "IN_USE"), "web",
                       seconds=60)
        assert unknown()
        own.hangup()
        caller.wait("ended")
        expect.settled(bench.server, IDLE, "web")
        assert not unknown()
