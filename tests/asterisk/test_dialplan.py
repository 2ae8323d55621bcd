"""deploy/asterisk/ on a real Asterisk: where a call to a user rings, and how it ends for the caller.

No server takes part: the keys in AstDB are written by the tests, as a server would have left them.
"""
import itertools

import pytest

from bench.deployed import NUMBERS, lease
from bench.routed import Routed
from bench.waiting import PATIENCE_SECONDS, until

DEVICES = {"deskphone": ("alice", "alice_w"), "webrtc": ("alice_w", "alice")}  # in use, the other
FORWARDS = {"forward": {"forward_busy": "090017", "forward_no_answer": "090019"},
            "voicemail": {"mailbox": "1000@default"}, "neither": {}}

# What happens, what is set besides: each DIALSTATUS, where it rings (`device`: the one in use), what the
# dialplan tells, the end for the caller.
TABLE = {
    ("do_not_disturb", "forward"): ("", "", ["DO_NOT_DISTURB"], (486, 17)),
    ("do_not_disturb", "voicemail"): ("", "", ["DO_NOT_DISTURB", "VOICEMAIL 1000@default"], "1000@default,b"),
    ("do_not_disturb", "neither"): ("", "", ["DO_NOT_DISTURB"], (486, 17)),
    ("unconditional", "forward"): ("ANSWER", "bob", ["FORWARDED 1001 unconditional"], "bob"),
    ("unconditional", "voicemail"): ("ANSWER", "bob", ["FORWARDED 1001 unconditional"], "bob"),
    ("unconditional", "neither"): ("ANSWER", "bob", ["FORWARDED 1001 unconditional"], "bob"),
    ("busy", "forward"): ("BUSY ANSWER", "device trunk", ["FORWARDED 090017 busy"], "90017"),
    ("busy", "voicemail"): ("BUSY", "device", ["VOICEMAIL 1000@default"], "1000@default,b"),
    ("busy", "neither"): ("BUSY", "device", [], (486, 17)),
    ("declined", "forward"): ("CHANUNAVAIL ANSWER", "device trunk", ["FORWARDED 090017 busy"], "90017"),
    ("declined", "voicemail"): ("CHANUNAVAIL", "device", ["VOICEMAIL 1000@default"], "1000@default,b"),
    ("declined", "neither"): ("CHANUNAVAIL", "device", [], (403, 21)),
    ("no_answer", "forward"): ("NOANSWER ANSWER", "device trunk", ["FORWARDED 090019 no_answer"], "90019"),
    ("no_answer", "voicemail"): ("NOANSWER", "device", ["VOICEMAIL 1000@default"], "1000@default,u"),
    ("no_answer", "neither"): ("NOANSWER", "device", [], (480, 19)),
    ("unreachable", "forward"): ("ANSWER", "trunk", ["NOT_REGISTERED", "FORWARDED 090019 no_answer"], "90019"),
    ("unreachable", "voicemail"): ("", "", ["NOT_REGISTERED", "VOICEMAIL 1000@default"], "1000@default,u"),
    ("unreachable", "neither"): ("", "", ["NOT_REGISTERED"], (480, 20)),
}


def prepare(bench, happens, kind, given):
    """Alice as the row says, and her phones too."""
    device = bench.phones[DEVICES[kind][0]]
    keys = {"interface": f"PJSIP/{device.user}", "ring_seconds": "1", **FORWARDS[given]}
    if happens == "do_not_disturb":
        keys |= {"dnd": "1", "forward_unconditional": "1001" if given == "forward" else ""}
    if happens == "unconditional":
        keys["forward_unconditional"] = "1001"
    if happens in ("busy", "declined"):
        device.on_invite = {"busy": 486, "declined": 603}[happens]
    if happens == "unreachable":
        unplug(bench, *DEVICES[kind])
    bench.set_user("alice", **keys)


def unplug(bench, *devices):
    for device in devices:
        bench.phones[device].unregister()
        bench.wait_device(device, "UNAVAILABLE")


def end_as(bench, call, end):
    """The call comes to the end that the row says."""
    if isinstance(end, tuple):
        assert call.refused() == end
    elif "@" in end:
        call.hang_up()
        assert call.ran("VoiceMail") == [end]
    else:
        call.answered_by(bench.trunk if end.isdigit() else bench.phones[end])
        assert not end.isdigit() or call.dialled_outside == [end]


@pytest.mark.parametrize("kind", DEVICES)
@pytest.mark.parametrize(("happens", "given"), TABLE)
def test_forwarding_table(happens, given, kind, asterisk, pool):
    statuses, rings, outcomes, end = TABLE[happens, given]
    with lease(pool, asterisk) as bench:
        prepare(bench, happens, kind, given)
        call = Routed(bench, bench.carol, "1000")
        end_as(bench, call, end)
        assert call.rang == set(rings.replace("device", DEVICES[kind][0]).split())
        assert call.dial_statuses == statuses.split()
        assert call.outcomes == outcomes


# --- The device in use --------------------------------------------------------------------------

@pytest.mark.parametrize("number", ["1000", "331000"], ids=["internal", "direct_number"])
def test_each_call_rings_on_the_device_in_use_alone(number, asterisk, pool):
    with lease(pool, asterisk) as bench:
        for kind in [*DEVICES] * 3:
            bench.set_user("alice", interface=f"PJSIP/{DEVICES[kind][0]}")
            call = Routed(bench, bench.trunk if number.startswith("33") else bench.carol, number)
            call.answered_by(bench.phones[DEVICES[kind][0]])
            assert call.rang == {DEVICES[kind][0]}
            bench.rest()


def test_a_silent_device_never_makes_the_other_ring(asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.set_user("alice", interface="PJSIP/alice_w", ring_seconds="1")
        bench.alice_w.on_invite = "silent"
        call = Routed(bench, bench.carol, "1000")
        call.call.wait("ended")
        (silent,) = until(bench.alice_w.live_calls, PATIENCE_SECONDS, "the INVITE at alice_w")
        silent.ring()  # only now can Asterisk take the INVITE back
        assert call.refused() == (480, 19)
        assert call.rang == {"alice_w"}


def test_a_browser_that_is_gone_leaves_the_call_to_the_deskphone(asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.set_user("alice", interface="PJSIP/alice_w")
        unplug(bench, "alice_w")
        call = Routed(bench, bench.carol, "1000")
        call.answered_by(bench.alice)
        assert call.rang == {"alice"}
        assert not call.outcomes


def test_a_browser_that_unregisters_during_a_call_gets_no_second_one(asterisk, pool):
    """Its device state stays INUSE, but there is nothing to send the call to."""
    with lease(pool, asterisk) as bench:
        bench.set_user("alice", interface="PJSIP/alice_w")
        first, _ = bench.connect(bench.carol, "1000", bench.alice_w)
        bench.alice_w.unregister()
        second = bench.bob.call("1000")
        bench.alice.ringing()
        second.cancel()
        first.hangup()


def test_a_deskphone_that_is_gone_does_not_make_the_browser_ring(asterisk, pool):
    with lease(pool, asterisk) as bench:
        unplug(bench, "alice")
        call = Routed(bench, bench.carol, "1000")
        assert call.refused() == (480, 20)
        assert not call.rang


@pytest.mark.parametrize("status", [404, 488, 503])
def test_a_browser_that_fails_at_once_leaves_the_call_to_the_deskphone(status, asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.set_user("alice", interface="PJSIP/alice_w")
        bench.alice_w.on_invite = status
        call = Routed(bench, bench.carol, "1000")
        call.answered_by(bench.alice)
        assert call.rang == {"alice_w", "alice"}
        assert not call.outcomes


def test_a_browser_and_a_deskphone_that_both_fail(asterisk, pool):
    """Each is called once."""
    with lease(pool, asterisk) as bench:
        bench.set_user("alice", interface="PJSIP/alice_w")
        bench.alice_w.on_invite = bench.alice.on_invite = 503
        call = Routed(bench, bench.carol, "1000")
        assert call.refused() == (480, 20)
        assert [len(phone.calls) for phone in (bench.alice_w, bench.alice)] == [1, 1]
        assert call.outcomes == ["UNREACHABLE"]


@pytest.mark.parametrize("deskphone", ["", "PJSIP/alice_w"], ids=["none", "the_same_device"])
def test_a_browser_that_fails_without_a_deskphone(deskphone, asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.set_user("alice", interface="PJSIP/alice_w", deskphone=deskphone)
        bench.alice_w.on_invite = 404
        call = Routed(bench, bench.carol, "1000")
        assert call.refused() == (480, 20)
        assert len(bench.alice_w.calls) == 1
        assert call.outcomes == ["UNREACHABLE"]


@pytest.mark.parametrize(("status", "cause"), [(480, (480, 19)), (404, (480, 20)), (503, (480, 20))])
def test_the_caller_learns_why(status, cause, asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.alice.on_invite = status
        call = Routed(bench, bench.carol, "1000")
        assert call.refused() == cause
        assert call.rang == {"alice"}


def test_a_user_without_keys(asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.set_user("bob", user="")
        assert Routed(bench, bench.carol, "1001").refused() == (404, 1)


# --- Forwarding ---------------------------------------------------------------------------------

@pytest.mark.parametrize("bad", [
    "1002&PJSIP/carol", "1002,1", "PJSIP/carol", "Local/1002@default", "${SHELL(touch MADE)}", '1002"', "1002)",
    "12+3", "9999", "1" * 41, "1002 "])
def test_a_destination_that_is_no_reachable_number_is_not_dialled(bad, asterisk, pool, tmp_path):
    made = tmp_path / "made"
    with lease(pool, asterisk) as bench:
        assert bench.listener.action("ModuleCheck", Module="func_shell")["Response"] == "Success"
        bench.set_user("alice", forward_unconditional=bad.replace("MADE", str(made)))
        call = Routed(bench, bench.bob, "1000")
        call.answered_by(bench.alice)
        assert call.rang == {"alice"}
        assert [outcome.split()[0] for outcome in call.outcomes] == ["FORWARD_REFUSED"]
    assert not made.exists()


def test_a_forwarding_to_oneself_counts_as_off(asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.set_user("alice", forward_unconditional="1000")
        call = Routed(bench, bench.carol, "1000")
        call.answered_by(bench.alice)
        assert call.outcomes == ["FORWARD_LOOP 1000 unconditional"]


def test_two_who_forward_to_each_other(asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.set_user("alice", forward_unconditional="1001")
        bench.set_user("bob", forward_unconditional="1000")
        call = Routed(bench, bench.carol, "1000")
        call.answered_by(bench.bob)
        assert call.rang == {"bob"}
        assert call.outcomes == ["FORWARDED 1001 unconditional", "FORWARD_LOOP 1000 unconditional"]


def rings_at_last(forwards, person):
    """Who rings when everybody forwards every call like this: a call visits nobody twice."""
    visited = [person]
    while forwards[person] and forwards[person] not in visited:
        person = forwards[person]
        visited.append(person)
    return person


def test_every_graph_of_forwardings_ends(asterisk, pool):
    people = list(NUMBERS)
    with lease(pool, asterisk) as bench:
        for choice in itertools.product([None, *people], repeat=len(people)):
            forwards = dict(zip(people, choice))
            for person, to in forwards.items():
                bench.set_user(person, forward_unconditional=NUMBERS.get(to, ""))
            call = Routed(bench, bench.trunk, "331000")
            call.answered_by(bench.phones[rings_at_last(forwards, "alice")])
            assert call.rang == {rings_at_last(forwards, "alice")}, forwards
            bench.rest()


def test_two_busy_who_forward_to_each_other(asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.set_user("alice", forward_busy="1001")
        bench.set_user("bob", forward_busy="1000", mailbox="1001@default")
        bench.alice.on_invite = bench.bob.on_invite = 486
        call = Routed(bench, bench.carol, "1000")
        call.hang_up()
        assert call.dial_statuses == ["BUSY", "BUSY"]
        assert call.ran("VoiceMail") == ["1001@default,b"]


def test_a_chain_of_forwardings_is_bounded(asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.listener.action("Setvar", Variable="UNIPRESENCE_MAX_FORWARDS", Value="1")
        bench.set_user("alice", forward_unconditional="1001")
        bench.set_user("bob", forward_unconditional="1002")
        call = Routed(bench, bench.trunk, "331000")
        call.answered_by(bench.bob)
        assert call.outcomes == ["FORWARDED 1001 unconditional", "FORWARD_LOOP 1002 unconditional"]
        bench.listener.action("Setvar", Variable="UNIPRESENCE_MAX_FORWARDS", Value="")


def test_a_loop_through_a_local_channel_is_bounded(asterisk, pool):
    """A number that leads back to the user by other ways is no user whom the call has been through."""
    with lease(pool, asterisk) as bench:
        bench.set_user("alice", forward_unconditional="6000")
        call = Routed(bench, bench.carol, "1000")
        call.answered_by(bench.alice)
        assert call.outcomes == ["FORWARDED 6000 unconditional"] * 5 + ["FORWARD_LOOP 6000 unconditional"]


def test_a_forwarded_call_tells_who_calls_and_who_forwards(asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.set_user("alice", forward_busy="090017")
        bench.alice.on_invite = 486
        call = Routed(bench, bench.carol, "1000")
        invite = bench.trunk.ringing().invite
        assert '"Carol" <sip:331002@' in invite.get("from")
        assert "sip:1000@" in invite.get("diversion") and "reason=user-busy" in invite.get("diversion")
        call.answered_by(bench.trunk)


def test_a_call_to_the_outside_shows_the_direct_number(asterisk, pool):
    with lease(pool, asterisk) as bench:
        call = Routed(bench, bench.alice_w, "090001")
        assert '"Alice" <sip:331000@' in bench.trunk.ringing().invite.get("from")
        call.answered_by(bench.trunk)


def test_a_transfer_goes_where_the_user_may_dial(asterisk, pool):
    """alice transfers a caller whose own context has no 1001."""
    with lease(pool, asterisk) as bench:
        caller, own = bench.connect(bench.trunk, "331000", bench.alice)
        own.transfer("1001")
        bench.answer(bench.bob)
        caller.hangup()


def test_a_transferred_caller_may_be_forwarded_to_the_transferrer(asterisk, pool):
    """The secretary: alice puts carol through to bob, whose calls come back to her if he is silent."""
    with lease(pool, asterisk) as bench:
        bench.set_user("bob", forward_no_answer="1000", ring_seconds="1")
        _, own = bench.connect(bench.carol, "1000", bench.alice)
        own.transfer("1001")
        bench.bob.rang()
        back = bench.answer(bench.alice)
        back.hangup()
