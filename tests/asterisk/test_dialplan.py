"""deploy/asterisk/ on a real Asterisk: where a call to a user rings, and how it ends for the caller.

No server takes part: the keys in AstDB are written by the tests, as a server would have left them.
"""
import contextlib

import pytest

from bench.deployed import DeployedBench
from bench.routed import Routed

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
    ("no_answer", "forward"): ("NOANSWER ANSWER", "device trunk", ["FORWARDED 090019 no_answer"], "90019"),
    ("no_answer", "voicemail"): ("NOANSWER", "device", ["VOICEMAIL 1000@default"], "1000@default,u"),
    ("no_answer", "neither"): ("NOANSWER", "device", [], (480, 19)),
    ("unreachable", "forward"): ("ANSWER", "trunk", ["NOT_REGISTERED", "FORWARDED 090019 no_answer"], "90019"),
    ("unreachable", "voicemail"): ("", "", ["NOT_REGISTERED", "VOICEMAIL 1000@default"], "1000@default,u"),
    ("unreachable", "neither"): ("", "", ["NOT_REGISTERED"], (480, 20)),
}


@contextlib.contextmanager
def deployed(pool, version):
    """A DeployedBench; says what Asterisk did if the body fails."""
    with pool.lease(DeployedBench, version) as bench:
        since = bench.listener.mark()
        try:
            yield bench
        except Exception:
            print(bench.listener.said(since, "Newexten", "UserEvent", "Newstate", "Hangup"))
            raise


def prepare(bench, happens, kind, given):
    """Alice as the row says, and her phones too."""
    device = bench.phones[DEVICES[kind][0]]
    keys = {"interface": f"PJSIP/{device.user}", "ring_seconds": "1", **FORWARDS[given]}
    if happens == "do_not_disturb":
        keys |= {"dnd": "1", "forward_unconditional": "1001" if given == "forward" else ""}
    if happens == "unconditional":
        keys["forward_unconditional"] = "1001"
    if happens == "busy":
        device.on_invite = 486
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
    with deployed(pool, asterisk) as bench:
        prepare(bench, happens, kind, given)
        call = Routed(bench, bench.carol, "1000")
        end_as(bench, call, end)
        assert call.rang == set(rings.replace("device", DEVICES[kind][0]).split())
        assert call.dial_statuses == statuses.split()
        assert call.outcomes == outcomes


# --- The device in use --------------------------------------------------------------------------

@pytest.mark.parametrize("number", ["1000", "331000"], ids=["internal", "direct_number"])
def test_each_call_rings_on_the_device_in_use_alone(number, asterisk, pool):
    with deployed(pool, asterisk) as bench:
        for kind in [*DEVICES] * 3:
            bench.set_user("alice", interface=f"PJSIP/{DEVICES[kind][0]}")
            call = Routed(bench, bench.trunk if number.startswith("33") else bench.carol, number)
            call.answered_by(bench.phones[DEVICES[kind][0]])
            assert call.rang == {DEVICES[kind][0]}
            bench.rest()


def test_a_silent_device_never_makes_the_other_ring(asterisk, pool):
    with deployed(pool, asterisk) as bench:
        bench.set_user("alice", interface="PJSIP/alice_w", ring_seconds="1")
        bench.alice_w.on_invite = "silent"
        call = Routed(bench, bench.carol, "1000")
        call.call.wait("ended")
        bench.alice_w.live_calls()[0].ring()  # only now can Asterisk take the INVITE back
        assert call.refused() == (480, 19)
        assert call.rang == {"alice_w"}


def test_a_browser_that_is_gone_leaves_the_call_to_the_deskphone(asterisk, pool):
    with deployed(pool, asterisk) as bench:
        bench.set_user("alice", interface="PJSIP/alice_w")
        unplug(bench, "alice_w")
        call = Routed(bench, bench.carol, "1000")
        call.answered_by(bench.alice)
        assert call.rang == {"alice"}
        assert not call.outcomes


def test_a_browser_that_unregisters_during_a_call_gets_no_second_one(asterisk, pool):
    """Its device state stays INUSE, but there is nothing to send the call to."""
    with deployed(pool, asterisk) as bench:
        bench.set_user("alice", interface="PJSIP/alice_w")
        first, _ = bench.connect(bench.carol, "1000", bench.alice_w)
        bench.alice_w.unregister()
        second = bench.bob.call("1000")
        bench.alice.ringing()
        second.cancel()
        first.hangup()


def test_a_deskphone_that_is_gone_does_not_make_the_browser_ring(asterisk, pool):
    with deployed(pool, asterisk) as bench:
        unplug(bench, "alice")
        call = Routed(bench, bench.carol, "1000")
        assert call.refused() == (480, 20)
        assert not call.rang


@pytest.mark.parametrize(("status", "cause"), [(603, (403, 21)), (480, (480, 19)), (404, (480, 20)), (503, (480, 20))])
def test_the_caller_learns_why(status, cause, asterisk, pool):
    with deployed(pool, asterisk) as bench:
        bench.alice.on_invite = status
        assert Routed(bench, bench.carol, "1000").refused() == cause


def test_a_user_without_keys(asterisk, pool):
    with deployed(pool, asterisk) as bench:
        bench.set_user("bob", user="")
        assert Routed(bench, bench.carol, "1001").refused() == (404, 1)


# --- Forwarding ---------------------------------------------------------------------------------

@pytest.mark.parametrize("bad", [
    "1002&PJSIP/carol", "1002,1", "PJSIP/carol", "Local/1002@default", "${SHELL(touch /tmp/x)}", '1002"', "1002)",
    "12+3", "9999", "1" * 41, "1002 "])
def test_a_destination_that_is_no_reachable_number_is_not_dialled(bad, asterisk, pool):
    with deployed(pool, asterisk) as bench:
        bench.set_user("alice", forward_unconditional=bad)
        call = Routed(bench, bench.bob, "1000")
        call.answered_by(bench.alice)
        assert call.rang == {"alice"}
        assert [outcome.split()[0] for outcome in call.outcomes] == ["FORWARD_REFUSED"]


def test_a_forwarding_to_oneself_counts_as_off(asterisk, pool):
    with deployed(pool, asterisk) as bench:
        bench.set_user("alice", forward_unconditional="1000")
        call = Routed(bench, bench.carol, "1000")
        call.answered_by(bench.alice)
        assert call.outcomes == ["FORWARD_LOOP 1000 unconditional"]


def test_two_who_forward_to_each_other(asterisk, pool):
    with deployed(pool, asterisk) as bench:
        bench.set_user("alice", forward_unconditional="1001")
        bench.set_user("bob", forward_unconditional="1000")
        call = Routed(bench, bench.carol, "1000")
        call.answered_by(bench.bob)
        assert call.rang == {"bob"}
        assert call.outcomes == ["FORWARDED 1001 unconditional", "FORWARD_LOOP 1000 unconditional"]


def test_two_busy_who_forward_to_each_other(asterisk, pool):
    with deployed(pool, asterisk) as bench:
        bench.set_user("alice", forward_busy="1001")
        bench.set_user("bob", forward_busy="1000", mailbox="1001@default")
        bench.alice.on_invite = bench.bob.on_invite = 486
        call = Routed(bench, bench.carol, "1000")
        call.hang_up()
        assert call.dial_statuses == ["BUSY", "BUSY"]
        assert call.ran("VoiceMail") == ["1001@default,b"]


def test_a_chain_of_forwardings_is_bounded(asterisk, pool):
    with deployed(pool, asterisk) as bench:
        bench.listener.action("Setvar", Variable="UNIPRESENCE_MAX_FORWARDS", Value="1")
        bench.set_user("alice", forward_unconditional="1001")
        bench.set_user("bob", forward_unconditional="1002")
        call = Routed(bench, bench.trunk, "331000")
        call.answered_by(bench.bob)
        assert call.outcomes == ["FORWARDED 1001 unconditional", "FORWARD_LOOP 1002 unconditional"]
        bench.listener.action("Setvar", Variable="UNIPRESENCE_MAX_FORWARDS", Value="")


def test_a_loop_through_a_local_channel_is_bounded(asterisk, pool):
    """A number that leads back to the user by other ways is no user whom the call has been through."""
    with deployed(pool, asterisk) as bench:
        bench.set_user("alice", forward_unconditional="6000")
        call = Routed(bench, bench.carol, "1000")
        call.answered_by(bench.alice)
        assert call.outcomes == ["FORWARDED 6000 unconditional"] * 5 + ["FORWARD_LOOP 6000 unconditional"]


def test_a_forwarded_call_tells_who_calls_and_who_forwards(asterisk, pool):
    with deployed(pool, asterisk) as bench:
        bench.set_user("alice", forward_busy="090017")
        bench.alice.on_invite = 486
        call = Routed(bench, bench.carol, "1000")
        invite = bench.trunk.ringing().invite
        assert '"Carol" <sip:331002@' in invite.get("from")
        assert "sip:1000@" in invite.get("diversion") and "reason=user-busy" in invite.get("diversion")
        call.answered_by(bench.trunk)


def test_a_call_to_the_outside_shows_the_direct_number(asterisk, pool):
    with deployed(pool, asterisk) as bench:
        call = Routed(bench, bench.alice_w, "090001")
        assert '"Alice" <sip:331000@' in bench.trunk.ringing().invite.get("from")
        call.answered_by(bench.trunk)


def test_a_transfer_goes_where_the_user_may_dial(asterisk, pool):
    """alice transfers a caller whose own context has no 1001."""
    with deployed(pool, asterisk) as bench:
        caller, own = bench.connect(bench.trunk, "331000", bench.alice)
        own.transfer("1001")
        bench.answer(bench.bob)
        caller.hangup()


def test_a_transferred_caller_may_be_forwarded_to_the_transferrer(asterisk, pool):
    """The secretary: alice puts carol through to bob, whose calls come back to her if he is silent."""
    with deployed(pool, asterisk) as bench:
        bench.set_user("bob", forward_no_answer="1000", ring_seconds="1")
        _, own = bench.connect(bench.carol, "1000", bench.alice)
        own.transfer("1001")
        bench.bob.ringing()
        back = bench.answer(bench.alice)
        back.hangup()


# --- Codes --------------------------------------------------------------------------------------

CODES = {
    "*78": ("dnd", "1", "do_not_disturb=1&"), "*79": ("dnd", "0", "do_not_disturb=0&"),
    "*25": ("dnd", "1", "do_not_disturb=1&"), "*50": ("interface", "PJSIP/alice_w", "selected_device=webrtc&"),
    "*211002": ("forward/unconditional", "1002", "forward/unconditional=1002&"),
    "*221002": ("forward/no_answer", "1002", "forward/no_answer=1002&"),
    "*231002": ("forward/busy", "1002", "forward/busy=1002&"),
    "*21": ("forward/unconditional", "", "forward/unconditional=&"),
}


def dial_code(phone, code):
    """Dials a code and hangs up at the first sound."""
    phone.call(code, wait="answered").hangup()


SOUNDS = {"*78": ["do-not-disturb", "activated"], "*79": ["do-not-disturb", "de-activated"], "*50": ["beep&beep"],
          "*211002": ["call-fwd-unconditional", "activated"], "*22": ["call-fwd-no-ans", "de-activated"],
          "*219999": ["beeperr"]}


@pytest.mark.parametrize("code", SOUNDS)
def test_a_code_is_confirmed_by_sounds(code, asterisk, pool):
    with deployed(pool, asterisk) as bench:
        call = Routed(bench, bench.alice, code)
        assert call.refused(10)[0] is None  # it was answered, and Asterisk ended it
        assert call.ran("Playback") == SOUNDS[code]


def test_codes_dialled_at_once_are_all_kept(asterisk, pool):
    with deployed(pool, asterisk) as bench:
        codes = {"*78": bench.alice, "*221002": bench.alice_w, "*231001": bench.alice, "*50": bench.alice_w}
        for call in [phone.call(code, wait=None) for code, phone in codes.items()]:
            call.wait("answered").hangup()
        assert sorted(bench.key("alice", "phone_changes").rstrip("&").split("&")) == [
            "do_not_disturb=1", "forward/busy=1001", "forward/no_answer=1002", "selected_device=webrtc"]


@pytest.mark.parametrize("device", ["alice", "alice_w"])
@pytest.mark.parametrize("code", CODES)
def test_a_code_changes_the_own_setting(code, device, asterisk, pool):
    key, value, pending = CODES[code]
    with deployed(pool, asterisk) as bench:
        since = bench.listener.mark()
        dial_code(bench.phones[device], code)
        assert bench.key("alice", key) == value
        assert bench.key("alice", "phone_changes") == pending
        setting, _, chosen = pending.rstrip("&").partition("=")
        event = bench.listener.wait(lambda e: e.get("UserEvent") == "UnipresenceSetting", since)
        seen = {name: event[name] for name in ("User", "Context", "Number", "Setting", "Value")}
        assert seen == {"User": "alice", "Context": "default", "Number": "1000", "Setting": setting, "Value": chosen}


def test_changes_pile_up_until_the_server_takes_them(asterisk, pool):
    with deployed(pool, asterisk) as bench:
        for code in ("*78", "*211002", "*50", "*79", "*50"):
            dial_code(bench.alice, code)
        assert bench.key("alice", "phone_changes") == (
            "forward/unconditional=1002&do_not_disturb=0&selected_device=deskphone&")
        assert bench.key("alice", "interface") == "PJSIP/alice"


def test_the_list_of_changes_is_never_cut(asterisk, pool):
    """AMI reads 255 bytes of a value in Asterisk 16: the longest list is shorter."""
    longest = "5000" + "0" * 36
    changes = {"do_not_disturb": "1", "selected_device": "webrtc", "forward/unconditional": longest,
               "forward/no_answer": longest, "forward/busy": longest}
    with deployed(pool, asterisk) as bench:
        bench.listener.action("DBPut", Family=bench.family("alice"), Key="phone_changes",
                              Val="".join(f"{setting}={value}&" for setting, value in changes.items()))
        dial_code(bench.alice, "*78")
        dial_code(bench.alice, "*50")
        pending = bench.key("alice", "phone_changes")
        changes = {setting: changes[setting] for setting in sorted(changes, key=["forward/unconditional",
                   "forward/no_answer", "forward/busy", "do_not_disturb", "selected_device"].index)}
        assert pending == "".join(f"{setting}={value}&" for setting, value in changes.items())
        assert len(pending) <= 255


@pytest.mark.parametrize("code", ["*211000", "*219999", "*2110x2", "*21PJSIP"])
def test_a_code_with_a_bad_number_changes_nothing(code, asterisk, pool):
    with deployed(pool, asterisk) as bench:
        dial_code(bench.alice, code)
        assert bench.key("alice", "forward/unconditional") == ""
        assert bench.key("alice", "phone_changes") is None


def test_a_user_with_one_line_has_nothing_to_toggle(asterisk, pool):
    with deployed(pool, asterisk) as bench:
        dial_code(bench.carol, "*50")
        assert bench.key("carol", "interface") == "PJSIP/carol"
        assert bench.key("carol", "phone_changes") is None


def test_a_forwarding_to_a_code_does_not_change_the_caller(asterisk, pool):
    with deployed(pool, asterisk) as bench:
        bench.set_user("alice", forward_unconditional="*78")
        bench.carol.call("1000", wait=None).wait("ended", 10)
        assert bench.key("carol", "dnd") == bench.key("alice", "dnd") == "0"


def test_a_caller_transferred_to_a_code_keeps_his_settings(asterisk, pool):
    with deployed(pool, asterisk) as bench:
        caller, own = bench.connect(bench.carol, "1000", bench.alice)
        own.transfer("*78")
        caller.wait("ended", 10)
        assert bench.key("carol", "dnd") == bench.key("alice", "dnd") == "0"


@pytest.mark.parametrize("device", ["alice", "alice_w"])
def test_both_devices_reach_the_same_mailbox(device, asterisk, pool):
    with deployed(pool, asterisk) as bench:
        bench.set_user("alice", mailbox="1000@default")
        call = Routed(bench, bench.phones[device], "*98")
        assert call.wait_runs("VoiceMailMain") == "1000@default,"
        call.hang_up()


def test_a_pickup_by_the_called_number(asterisk, pool):
    with deployed(pool, asterisk) as bench:
        caller = bench.carol.call("1000")
        bench.alice.ringing()
        other = bench.bob.call("*81000", wait="answered")
        caller.wait("answered")
        other.hangup()
