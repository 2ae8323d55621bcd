"""The codes of deploy/asterisk/ on a real Asterisk: settings, the own mailbox, pickup; without a server."""
import pytest

from bench.deployed import lease
from bench.routed import Routed

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
    with lease(pool, asterisk) as bench:
        call = Routed(bench, bench.alice, code)
        assert call.refused()[0] is None  # it was answered, and Asterisk ended it
        assert call.ran("Playback") == SOUNDS[code]


def test_codes_dialled_at_once_are_all_kept(asterisk, pool):
    with lease(pool, asterisk) as bench:
        codes = {"*78": bench.alice, "*221002": bench.alice_w, "*231001": bench.alice, "*50": bench.alice_w}
        for call in [phone.call(code, wait=None) for code, phone in codes.items()]:
            call.wait("answered").hangup()
        assert sorted(bench.key("alice", "phone_changes").rstrip("&").split("&")) == [
            "do_not_disturb=1", "forward/busy=1001", "forward/no_answer=1002", "selected_device=webrtc"]


@pytest.mark.parametrize("device", ["alice", "alice_w"])
@pytest.mark.parametrize("code", CODES)
def test_a_code_changes_the_own_setting(code, device, asterisk, pool):
    key, value, pending = CODES[code]
    with lease(pool, asterisk) as bench:
        since = bench.listener.mark()
        dial_code(bench.phones[device], code)
        assert bench.key("alice", key) == value
        assert bench.key("alice", "phone_changes") == pending
        setting, _, chosen = pending.rstrip("&").partition("=")
        event = bench.listener.wait(lambda e: e.get("UserEvent") == "UnipresenceSetting", since)
        seen = {name: event[name] for name in ("User", "Context", "Number", "Setting", "Value")}
        assert seen == {"User": "alice", "Context": "default", "Number": "1000", "Setting": setting, "Value": chosen}


def test_changes_pile_up_until_the_server_takes_them(asterisk, pool):
    with lease(pool, asterisk) as bench:
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
    with lease(pool, asterisk) as bench:
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
    with lease(pool, asterisk) as bench:
        dial_code(bench.alice, code)
        assert bench.key("alice", "forward/unconditional") == ""
        assert bench.key("alice", "phone_changes") is None


def test_a_user_with_one_line_has_nothing_to_toggle(asterisk, pool):
    with lease(pool, asterisk) as bench:
        dial_code(bench.carol, "*50")
        assert bench.key("carol", "interface") == "PJSIP/carol"
        assert bench.key("carol", "phone_changes") is None


def test_a_forwarding_to_a_code_does_not_change_the_caller(asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.set_user("alice", forward_unconditional="*78")
        bench.carol.call("1000", wait=None).wait("ended")
        assert bench.key("carol", "dnd") == bench.key("alice", "dnd") == "0"


def test_a_caller_transferred_to_a_code_keeps_his_settings(asterisk, pool):
    with lease(pool, asterisk) as bench:
        caller, own = bench.connect(bench.carol, "1000", bench.alice)
        own.transfer("*78")
        caller.wait("ended")
        assert bench.key("carol", "dnd") == bench.key("alice", "dnd") == "0"


@pytest.mark.parametrize("device", ["alice", "alice_w"])
def test_both_devices_reach_the_same_mailbox(device, asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.set_user("alice", mailbox="1000@default")
        call = Routed(bench, bench.phones[device], "*98")
        assert call.wait_runs("VoiceMailMain") == "1000@default,"
        call.hang_up()


def test_a_pickup_by_the_called_number(asterisk, pool):
    with lease(pool, asterisk) as bench:
        caller = bench.carol.call("1000")
        bench.alice.ringing()
        other = bench.bob.call("*81000", wait="answered")
        caller.wait("answered")
        other.hangup()
