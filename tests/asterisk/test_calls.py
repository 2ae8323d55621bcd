"""The live calls of users, and the control of their deskphones by the server.

Numbers are those of bench/configuration.py; the contexts of an attended transfer and the rights and
event filters of the server's account are those of deploy/asterisk/.
"""
import contextlib
import datetime
import json
import time

import pytest

from bench import configuration, deployed, expect
from bench.bench import ServedBench
from bench.calls import desk_emits
from bench.scenario import IDLE
from bench.waiting import PATIENCE_SECONDS, until

NOT_FOUND, FORBIDDEN, PRECONDITION, INVALID, UNAVAILABLE = (
    "CALL_NOT_FOUND", "DESTINATION_FORBIDDEN", "CALL_STATE", "DESTINATION_INVALID", "PBX_UNAVAILABLE")
OPTIONS = configuration.Options(files={
    "extensions.conf": configuration.dialplan() + f'#include "{deployed.FOLDER}/extensions_unipresence.conf"\n',
    "manager.conf": deployed.manager(),
})


class Assistant:
    """The command line client of one user, logged in."""

    def __init__(self, bench, user):
        self.bench, self.server, self.user = bench, bench.server, user

    def calls(self, *arguments):
        return [json.loads(line) for line in self.server.run(self.user, "calls", "-o", "json", *arguments).splitlines()]

    def only(self):
        (call,) = self.calls()
        return call

    def does(self, *words):
        return json.loads(self.server.run(self.user, *words, "-o", "json"))

    def refused(self, *words):
        """What the client says of a command that must fail."""
        result = self.server.try_run(self.user, *words, "-o", "json")
        assert result.returncode != 0, (words, result.stdout)
        return result.stderr

    def shows(self, *wanted, **more):
        """Waits until the list says so: of each call (state, direction, number), and of the last one also `more`.

        `name` in it is that of the other party. Returns the list.
        """
        def problem(calls):
            seen = [(c["state"], c["direction"], c["other_party"]["number"]) for c in calls]
            last = {name: calls[-1]["other_party"]["name"] if name == "name" else calls[-1][name]
                    for name in more if calls}
            return "" if seen == list(wanted) and last == more else f"{seen} {last}, wanted {wanted} {more}"
        calls = []

        def look():
            calls[:] = self.calls()
            return not problem(calls)
        until(look, PATIENCE_SECONDS, lambda: f"calls of {self.user}: {problem(calls)}")
        return calls


@contextlib.contextmanager
def served(pool, version, mode="desk", options=OPTIONS):
    with pool.lease(ServedBench, version, options) as bench:
        bench.server.set_mode(mode)
        try:
            yield bench, Assistant(bench, "alice")
        except Exception:
            print("said by Asterisk:\n" + bench.listener.said(max(0, len(bench.listener.events) - 400)))
            print("server log:\n" + bench.server.log()[-3000:])
            raise
        bench.wait_quiet()
        Assistant(bench, "alice").shows()


def since(text):
    """Seconds since a time of the API."""
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (datetime.datetime.now(datetime.timezone.utc) - moment).total_seconds()


# --- lists -------------------------------------------------------------------------------------

def test_list_of_an_emitted_call(asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        call = bench.alice.call("1101")
        (listed,) = alice.shows(("DIALING", "EMITTED", "1101"), name="Bob")
        assert (listed["kind"], listed["device"], listed["pbx"]) == ("DESKPHONE", "PJSIP/alice", "main")
        assert listed["answer_time"] is None and 0 <= since(listed["start_time"]) < 60
        other = bench.answer(bench.bob)
        (answered,) = alice.shows(("ANSWERED", "EMITTED", "1101"))
        assert (answered["id"], answered["linked_id"]) == (listed["id"], listed["linked_id"])
        assert listed["start_time"] == answered["start_time"] <= answered["answer_time"]
        assert not answered["holding"] and not answered["held"]
        call.hold()
        alice.shows(("ANSWERED", "EMITTED", "1101"), holding=True)
        call.resume()
        alice.shows(("ANSWERED", "EMITTED", "1101"), holding=False)
        other.hold()
        alice.shows(("ANSWERED", "EMITTED", "1101"), held=True)
        other.resume()
        call.hangup()


def test_list_of_a_received_call(asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        call = bench.carol.call("1100")
        (listed,) = alice.shows(("RINGING", "RECEIVED", "1002"), name="Carol")
        assert listed["answer_time"] is None
        bench.answer(bench.alice)
        (answered,) = alice.shows(("ANSWERED", "RECEIVED", "1002"))
        assert answered["id"] == listed["id"] and answered["answer_time"]
        call.hangup()


BELIEVED = configuration.Options(files={
    **OPTIONS.files,
    "pjsip.conf": configuration.pjsip(configuration.Options()).replace("callerid=Carol <1002>\n", ""),
})


@pytest.mark.parametrize("name,shown", [
    ("Société".encode("latin-1"), "Soci\ufffdt\ufffd"),
    ("Петр".encode("cp1251"), "\ufffd" * 4),
    ("Société".encode()[:-1], "Sociét\ufffd"),
    ("Société".encode(), "Société"),
], ids=["latin-1", "cp1251", "cut", "utf-8"])
def test_names_that_phones_send_in_any_bytes(asterisk, pool, name, shown):
    with served(pool, asterisk, options=BELIEVED) as (bench, alice):
        with bench.server.watch_calls("alice") as watch:
            call = bench.carol.call("1100", name=name)
            alice.shows(("RINGING", "RECEIVED", "carol"), name=shown)
            until(lambda: any(c["other_party"]["name"] == shown for _, line in watch.lines
                              for c in line.get("calls", [])), PATIENCE_SECONDS, "the name in the stream")
            call.cancel()


def test_list_of_both_lines_and_after_a_restart(asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        call, _ = bench.connect(bench.alice, "1101", bench.bob)
        second = bench.carol.call("1200")
        bench.alice_w.ringing()
        before = alice.shows(("ANSWERED", "EMITTED", "1101"), ("RINGING", "RECEIVED", "1002"))
        assert [c["kind"] for c in before] == ["DESKPHONE", "WEBRTC"]
        def resyncs():
            return json.loads(bench.server.run("observer", "pbx", "status", "-o", "json"))["resync_count"]
        count = resyncs()
        bench.link.cut()
        until(lambda: resyncs() > count, 60, "synced again")
        after = alice.shows(("ANSWERED", "EMITTED", "1101"), ("RINGING", "RECEIVED", "1002"))
        assert [c["id"] for c in after] == [c["id"] for c in before]
        assert [c["start_time"] for c in after] == [c["start_time"] for c in before]
        second.cancel()
        call.hangup()


def test_other_party_changes_with_a_transfer(asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        call, other = bench.connect(bench.alice, "1101", bench.bob)
        (first,) = alice.shows(("ANSWERED", "EMITTED", "1101"))
        other.transfer("1002")
        bench.answer(bench.carol)
        (then,) = alice.shows(("ANSWERED", "EMITTED", "1002"), name="Carol")
        assert then["id"] == first["id"]
        call.hangup()


def test_watch_tells_each_change(asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        with bench.server.watch_calls("alice") as watch:
            def states():
                return [[c["state"] for c in line["calls"]] for _, line in watch.lines if line["event"] == "CALLS"]
            until(lambda: states() == [[]], PATIENCE_SECONDS, lambda: f"an empty list at first, had {states()}")
            call = bench.alice.call("1101")
            until(lambda: states()[-1] == ["DIALING"], PATIENCE_SECONDS, "the call")
            bench.answer(bench.bob)
            until(lambda: states()[-1] == ["ANSWERED"], PATIENCE_SECONDS, "its answer")
            call.hangup()
            until(lambda: states()[-1] == [], PATIENCE_SECONDS, "its end")
            assert states()[1][0] == "DIALING"


# --- dialling ----------------------------------------------------------------------------------

def test_placed_call_rings_the_own_phone_first(asterisk, pool):
    with served(pool, asterisk, "web") as (bench, alice):
        placed = alice.does("call", "1101")
        assert (placed["state"], placed["direction"], placed["other_party"]["number"]) == ("ORIGINATING", "EMITTED", "1101")
        own = bench.alice.ringing()
        assert not bench.bob.calls
        assert "sip:1101@" in own.invite.get("from")  # the phone shows whom it will call
        alice.shows(("ORIGINATING", "EMITTED", "1101"))
        expect.settled(bench.server, desk_emits("her phone rings for her own call", deskphone="RINGING"), "web")
        own.answer()
        other = bench.bob.ringing()
        assert '"Alice" <sip:1000@' in other.invite.get("from")
        (dialing,) = alice.shows(("DIALING", "EMITTED", "1101"))
        assert dialing["id"] == placed["id"]
        expect.settled(bench.server, desk_emits("picked up, bob rings"), "web")
        bench.answer(bench.bob)
        (talking,) = alice.shows(("ANSWERED", "EMITTED", "1101"), name="Bob")
        assert talking["id"] == placed["id"]
        expect.settled(bench.server, desk_emits("they talk"), "web")
        assert alice.does("hangup", placed["id"])["event"] == "HUNG_UP"
        own.wait("ended")
        other.wait("ended")
        bench.wait_quiet()
        expect.settled(bench.server, IDLE, "web")


def test_repeated_request_does_not_dial_twice(asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        first = alice.does("call", "1101", "--request-id", "request-0001")
        again = alice.does("call", "1101", "--request-id", "request-0001")
        assert first["id"] == again["id"]
        bench.alice.ringing()
        assert len(alice.calls()) == 1
        alice.does("hangup", first["id"])
        bench.wait_quiet()
        alice.shows()
        assert alice.does("call", "1101", "--request-id", "request-0001")["id"] == first["id"]
        assert not alice.calls()
        other = alice.does("call", "1101", "--request-id", "request-0002")
        assert other["id"] != first["id"]
        bench.alice.ringing()
        alice.does("hangup", other["id"])


@pytest.mark.parametrize("number", ["2000,1)&Foo", "2000\r\nAction: Logoff", "1101,1", " ", "${EPOCH}", "1101@default",
                                    "1" * 41, "10+1", "Local/1101@default"])
def test_a_number_that_is_none_is_refused(number, asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        assert INVALID in alice.refused("call", number)
        call, _ = bench.connect(bench.carol, "1100", bench.alice)
        own = alice.shows(("ANSWERED", "RECEIVED", "1002"))[0]["id"]
        assert INVALID in alice.refused("transfer", own, number)
        assert INVALID in alice.refused("transfer", own, number, "--attended")
        alice.shows(("ANSWERED", "RECEIVED", "1002"))
        call.hangup()


def test_a_number_outside_of_the_context_is_refused(asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        assert FORBIDDEN in alice.refused("call", "9999")
        call, _ = bench.connect(bench.carol, "1100", bench.alice)
        own = alice.shows(("ANSWERED", "RECEIVED", "1002"))[0]["id"]
        assert FORBIDDEN in alice.refused("transfer", own, "9999")
        assert FORBIDDEN in alice.refused("transfer", own, "9999", "--attended")
        alice.shows(("ANSWERED", "RECEIVED", "1002"))
        call.hangup()


def test_an_unregistered_or_refusing_deskphone(asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        def until_known(state):
            until(lambda: alice.server.get("alice")["lines"][0]["state"] == state, PATIENCE_SECONDS, f"known as {state}")
        bench.alice.unregister()
        bench.wait_device("alice", "UNAVAILABLE")
        until_known("UNAVAILABLE")
        assert "DESKPHONE_UNREACHABLE" in alice.refused("call", "1101")
        bench.alice.register()
        bench.wait_device("alice", "NOT_INUSE")
        until_known("NOT_INUSE")
        alice.does("call", "1101")
        bench.alice.ringing().reject(486)
        alice.shows()


# --- whose call --------------------------------------------------------------------------------

def test_only_own_calls(asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        call, _ = bench.connect(bench.bob, "1002", bench.carol)
        bench.server.log_in("bob")
        try:
            (of_bob,) = Assistant(bench, "bob").shows(("ANSWERED", "EMITTED", "1002"))
        finally:
            bench.server.log_out("bob")
        for words in (["hangup", of_bob["id"]], ["transfer", of_bob["id"], "1101"],
                      ["transfer", of_bob["id"], "1101", "--attended"], ["transfer", of_bob["id"], "--complete"]):
            assert NOT_FOUND in alice.refused(*words), words
            assert "NOT_OWN_USER" in alice.refused(*words, "--user", "bob"), words
        assert "NOT_OWN_USER" in alice.refused("calls", "--user", "bob")
        assert call.state == "answered"
        call.hangup()


def test_a_call_of_the_browser_is_not_controlled(asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        call, _ = bench.connect(bench.carol, "1200", bench.alice_w)
        (listed,) = alice.shows(("ANSWERED", "RECEIVED", "1002"))
        assert PRECONDITION in alice.refused("hangup", listed["id"])
        assert PRECONDITION in alice.refused("transfer", listed["id"], "1101")
        call.hangup()


def test_a_ringing_call_is_refused(asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        call = bench.carol.call("1100")
        bench.alice.ringing()
        (listed,) = alice.shows(("RINGING", "RECEIVED", "1002"))
        assert PRECONDITION in alice.refused("transfer", listed["id"], "1101")
        alice.does("hangup", listed["id"])
        call.wait("ended")
        bench.wait_quiet()
        alice.shows()
        assert NOT_FOUND in alice.refused("hangup", listed["id"])


# --- transfers ---------------------------------------------------------------------------------

def connect(bench, alice, way):
    """A call of alice with carol, on the deskphone: (its id, carol's SIP call, alice's)."""
    if way == "received":
        other, own = bench.connect(bench.carol, "1100", bench.alice)
    else:
        own, other = bench.connect(bench.alice, "1002", bench.carol)
    (listed,) = alice.shows(("ANSWERED", way.upper(), "1002"))
    return listed["id"], other, own


WAYS = pytest.mark.parametrize("way", ["received", "emitted"])


@WAYS
def test_blind_transfer(way, asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        call, other, own = connect(bench, alice, way)
        alice.does("transfer", call, "1101")
        own.wait("ended")
        third = bench.answer(bench.bob)
        assert other.state == "answered"
        alice.shows()
        other.hangup()
        third.wait("ended")


def begin(bench, alice, way):
    """An attended transfer to bob, who rings: (id, id of the consultation, carol's call, alice's)."""
    call, other, own = connect(bench, alice, way)
    begun = alice.does("transfer", call, "1101", "--attended")
    bench.bob.ringing()
    held, consultation = alice.shows(("ANSWERED", way.upper(), "1002"), ("DIALING", "EMITTED", "1101"))
    assert (begun["call"]["id"], begun["consultation"]["id"]) == (held["id"], consultation["id"])
    assert (held["id"], held["holding"]) == (call, True)
    assert (held["transfer_call"], consultation["transfer_call"]) == (consultation["id"], held["id"])
    return call, consultation["id"], other, own


@WAYS
def test_attended_transfer_completed(way, asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        call, _, other, own = begin(bench, alice, way)
        assert PRECONDITION in alice.refused("transfer", call, "--complete")  # bob has not answered
        assert PRECONDITION in alice.refused("transfer", call, "1101", "--attended")  # begun already
        third = bench.answer(bench.bob)
        alice.shows(("ANSWERED", way.upper(), "1002"), ("ANSWERED", "EMITTED", "1101"), name="Bob")
        alice.does("transfer", call, "--complete")
        own.wait("ended")
        alice.shows()
        assert (other.state, third.state) == ("answered", "answered")
        # They hear each other: one bridge from carol to bob over the Local channel.
        third.hangup()
        other.wait("ended")


@WAYS
@pytest.mark.parametrize("answered", [False, True], ids=["ringing", "answered"])
@pytest.mark.parametrize("how", ["cancel", "hangup"])
def test_attended_transfer_cancelled(how, way, answered, asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        call, consultation, other, own = begin(bench, alice, way)
        third = bench.answer(bench.bob) if answered else bench.bob.calls[-1]
        if how == "cancel":
            back = alice.does("transfer", call, "--cancel")
            assert (back["id"], back["holding"], back["other_party"]["number"]) == (call, False, "1002")
        else:
            alice.does("hangup", consultation)
        third.wait("ended")
        (listed,) = alice.shows(("ANSWERED", way.upper(), "1002"), holding=False, transfer_call=None)
        assert listed["id"] == call
        until_bridged(bench, "alice", "carol")
        assert PRECONDITION in alice.refused("transfer", call, "--cancel")
        own.hangup()
        other.wait("ended")


@WAYS
@pytest.mark.parametrize("status", [486, 603])
def test_attended_transfer_refused_comes_back(status, way, asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        call, _, other, own = begin(bench, alice, way)
        bench.bob.calls[-1].reject(status)
        (listed,) = alice.shows(("ANSWERED", way.upper(), "1002"), transfer_call=None)
        assert listed["id"] == call
        until_bridged(bench, "alice", "carol")
        other.hangup()
        own.wait("ended")


def test_attended_transfer_destination_hangs_up(asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        call, _, other, own = begin(bench, alice, "received")
        third = bench.answer(bench.bob)
        alice.shows(("ANSWERED", "RECEIVED", "1002"), ("ANSWERED", "EMITTED", "1101"))
        third.hangup()
        (listed,) = alice.shows(("ANSWERED", "RECEIVED", "1002"))
        assert listed["id"] == call
        until_bridged(bench, "alice", "carol")
        own.hangup()
        other.wait("ended")


@pytest.mark.parametrize("how", ["phone", "command"])
def test_the_held_party_hangs_up(how, asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        call, _, other, own = begin(bench, alice, "received")
        third = bench.answer(bench.bob)
        alice.shows(("ANSWERED", "RECEIVED", "1002"), ("ANSWERED", "EMITTED", "1101"))
        if how == "phone":
            other.hangup()
        else:
            alice.does("hangup", call)
            other.wait("ended")
        until(lambda: [c["other_party"]["name"] for c in alice.calls()] == ["Bob"], PATIENCE_SECONDS, "one call is left")
        assert PRECONDITION in alice.refused("transfer", call, "--complete")
        third.hangup()
        own.wait("ended")


def test_the_phone_hangs_up_in_the_consultation(asterisk, pool):
    """Who hangs up on the phone gives everything up: nobody is left in music for ever."""
    with served(pool, asterisk) as (bench, alice):
        _, _, other, own = begin(bench, alice, "received")
        third = bench.answer(bench.bob)
        own.hangup()
        third.wait("ended")
        alice.shows()
        other.wait("ended")


def test_commands_while_the_link_is_down(asterisk, pool):
    with served(pool, asterisk) as (bench, alice):
        call, other, own = connect(bench, alice, "received")
        bench.link.refuse()
        try:
            until(lambda: alice.server.get("alice")["stale"], PATIENCE_SECONDS, "the link is down")
            assert UNAVAILABLE in alice.refused("call", "1101")
            assert UNAVAILABLE in alice.refused("hangup", call)
            assert alice.only()["id"] == call  # the last known one
        finally:
            bench.link.accept()
        until(lambda: alice.server.get("alice")["stale"] is False, 60, "the link is back")
        alice.does("hangup", call)
        own.wait("ended")
        other.wait("ended")


def until_bridged(bench, *users):
    """Waits until the channels of these users share a bridge and nobody else is there."""
    def now():
        rows = bench.listener.listing("CoreShowChannels")
        return {row["Channel"].split("/")[1].rpartition("-")[0] for row in rows}, {row["BridgeId"] for row in rows}
    until(lambda: now()[0] == set(users) and len(now()[1]) == 1 and "" not in now()[1], PATIENCE_SECONDS,
          lambda: f"bridged: {now()}")


def test_time_until_the_own_phone_rings(asterisk, pool):
    """Prints the time from the order, as the server got it, to the INVITE at the phone."""
    with served(pool, asterisk) as (bench, alice):
        taken = []
        for _ in range(20):
            placed = alice.does("call", "1101")
            own = bench.alice.ringing()
            taken.append(since(placed["start_time"]) - (time.monotonic() - own.at["ringing"]))
            alice.does("hangup", placed["id"])
            own.wait("ended")
            bench.wait_quiet()
        taken.sort()
        print(f"PlaceCall to the ringing phone, Asterisk {asterisk}: p50 {taken[10] * 1000:.1f} ms, max {taken[-1] * 1000:.1f} ms")
        assert taken[10] < 1
