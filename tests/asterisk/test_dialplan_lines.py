"""deploy/asterisk/ and the lines themselves: BLF keys, voicemail and its lamp, browsers that come and go."""
import contextlib
import dataclasses
import time

import pytest

from bench import configuration, deployed
from bench.deployed import DeployedBench, lease
from bench.routed import Routed
from bench.waiting import NOISE_SECONDS, PATIENCE_SECONDS, until

# What a BLF key shows for the fused state (RFC 4235; a phone lights for confirmed, blinks for early).
KEYS = {"INUSE": "confirmed", "RINGING": "early", "RINGINUSE": "early", "BUSY": "confirmed", "ONHOLD": "confirmed held",
        "UNAVAILABLE": "terminated", "NOT_INUSE": "terminated"}


def test_a_key_shows_the_fused_state(asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.set_presence("alice", "NOT_INUSE")
        key = bench.carol.subscribe("1000")
        key.wait_state("terminated")
        for state, shown in KEYS.items():
            since = bench.listener.mark()
            bench.set_presence("alice", state)
            bench.listener.wait(lambda e: e.get("Event") == "ExtensionStatus" and e["Exten"] == "1000", since)
            key.wait_state(shown)
        key.end()


def test_a_key_shows_no_raw_line(asterisk, pool):
    """Calls on both lines pass by the key, which shows what the server has set last."""
    with lease(pool, asterisk) as bench:
        bench.set_presence("alice", "ONHOLD")
        key = bench.carol.subscribe("1000")
        key.wait_state("confirmed held")
        told = len(key.notified)
        for device in ("alice", "alice_w"):
            bench.set_user("alice", interface=f"PJSIP/{device}")
            Routed(bench, bench.bob, "1000").answered_by(bench.phones[device])
        bench.set_presence("alice", "NOT_INUSE")
        key.wait_state("terminated")
        assert set(key.states()[told:]) <= {"confirmed held", "terminated"}
        key.end()


# --- Voicemail ----------------------------------------------------------------------------------

def leave_message(bench, number):
    """carol waits for the beep, says something and hangs up."""
    call = bench.carol.call(number, wait="answered")
    bench.press(call, "#")  # no more instructions
    spool = bench.asterisk.run / f"spool/voicemail/default/{number}/tmp"
    bench.speak(call, until_true=lambda: list(spool.glob("*.wav")))
    call.hangup()


def wait_lamps(bench, lamp, counts):
    """Both phones of alice are told the same of her mailbox."""
    for phone in (bench.alice, bench.alice_w):
        phone.wait(lambda phone=phone: phone.waiting_messages and f"Waiting: {lamp}" in phone.waiting_messages[-1]
                   and f"Voice-Message: {counts} " in phone.waiting_messages[-1], PATIENCE_SECONDS,
                   f"the lamp: {lamp}, {counts}")


@pytest.mark.parametrize("device", ["alice", "alice_w"])
def test_a_message_lights_both_lamps_until_it_is_heard_on_either(device, asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.set_user("alice", dnd="1", mailbox="1000@default")
        leave_message(bench, "1000")
        wait_lamps(bench, "yes", "1/0")
        assert "Message-Account: sip:*98@" in bench.phones[device].waiting_messages[-1]
        since = bench.listener.mark()
        call = bench.phones[device].call("*98", wait="answered")
        bench.listener.wait(lambda e: e.get("Event") == "Newexten" and e["Application"] == "VoiceMailMain", since)
        bench.press(call, "1234#")
        bench.press(call, "17")  # hear the first, delete it
        call.hangup()
        wait_lamps(bench, "no", "0/0")


# --- Browsers -----------------------------------------------------------------------------------

def test_every_tab_of_the_browser_rings(asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.set_user("alice", interface="PJSIP/alice_w")
        tab = bench.extra_phone("alice_w")
        tab.register()
        call = Routed(bench, bench.carol, "1000")
        bench.alice_w.ringing()
        call.answered_by(tab)
        assert bench.alice_w.calls[-1].state == "ended" and call.rang == {"alice_w"}
        tab.unregister()


def test_every_tab_rings_whatever_the_device_is_called(asterisk, pool):
    """+ and * in a name stand for themselves."""
    name = "alice+w*"
    text = deployed.pjsip().replace("alice_w", name)
    devices = [name if device == "alice_w" else device for device in deployed.DEVICES]
    chosen = dataclasses.replace(deployed.options(pjsip_conf=text), devices=devices)
    with pool.alone(DeployedBench, asterisk, options=chosen) as bench:
        bench.set_user("alice", interface=f"PJSIP/{name}", webrtc=f"PJSIP/{name}")
        tab = bench.extra_phone(name)
        tab.register()
        call = Routed(bench, bench.carol, "1000")
        bench.phones[name].ringing()
        call.answered_by(tab)
        assert call.rang == {name}


@pytest.mark.parametrize("evil", [";x=&PJSIP/carol", ";x=&Local/1002"])
def test_a_contact_that_would_dial_others_does_not(evil, asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.set_user("alice", interface="PJSIP/alice_w", ring_seconds="1")
        tab = bench.extra_phone("alice_w")
        tab.contact_parameters = evil
        tab.register()
        call = Routed(bench, bench.bob, "1000")
        call.refused()
        assert call.rang == {"alice_w"}
        tab.unregister()


def test_a_browser_without_network_is_noticed(asterisk, pool, capsys):
    """The contact is still registered and answers nothing any more: qualify, as shipped, finds it within 7 s."""
    with pool.alone(DeployedBench, asterisk, options=deployed.options(qualify="")) as bench:
        bench.set_user("alice", interface="PJSIP/alice_w")
        bench.alice_w.on_invite, bench.alice_w.answers_options = "silent", False
        began = time.monotonic()
        bench.wait_device("alice_w", "UNAVAILABLE", seconds=7 + NOISE_SECONDS)
        took = time.monotonic() - began
        with capsys.disabled():
            print(f"\nAsterisk {asterisk}: a browser without network is unreachable after {took:.1f} s")
        Routed(bench, bench.carol, "1000").answered_by(bench.alice)
        bench.alice_w.reset()
        bench.wait_device("alice_w", "NOT_INUSE")


def test_a_browser_closed_during_a_call_leaves_no_ghost(asterisk, pool):
    """As shipped, with a shorter patience: the call ends once voice has not come for rtp_timeout."""
    with pool.alone(DeployedBench, asterisk, options=deployed.options(web="rtp_timeout=1\n")) as bench:
        call, own = bench.connect(bench.carol, "1000", bench.alice)
        call.hangup()
        own.wait("ended")
        bench.set_user("alice", interface="PJSIP/alice_w")
        call, own = bench.connect(bench.carol, "1000", bench.alice_w)
        own.send_voice()
        call.wait("ended")
        bench.wait_quiet()


# --- The phone's own forwarding ------------------------------------------------------------------

def moves(phone, to):
    """The phone answers every call with a 302."""
    phone.on_invite = lambda call: call.reject(302, wait=False, headers=[("contact", f"<sip:{to}@127.0.0.1>")])


@contextlib.contextmanager
def phone_forwards_allowed(bench):
    bench.listener.action("Setvar", Variable="UNIPRESENCE_PHONE_FORWARDS", Value="yes")
    try:
        yield
    finally:
        bench.listener.action("Setvar", Variable="UNIPRESENCE_PHONE_FORWARDS", Value="")


@pytest.mark.parametrize("to", ["1002", "PJSIP/carol", "1000"])
def test_a_phone_moves_no_call(to, asterisk, pool):
    """Its 302 counts as busy, whatever it names."""
    with lease(pool, asterisk) as bench:
        moves(bench.alice, to)
        bench.set_user("alice", forward_busy="1001")
        call = Routed(bench, bench.trunk, "331000")
        call.answered_by(bench.bob)
        assert call.rang == {"alice", "bob"}
        assert call.outcomes == ["FORWARDED 1001 busy"]


def test_where_it_is_allowed_a_phone_moves_a_call_elsewhere(asterisk, pool):
    """To what its user may dial."""
    with lease(pool, asterisk) as bench, phone_forwards_allowed(bench):
        moves(bench.alice, "1002")
        call = Routed(bench, bench.trunk, "331000")
        call.answered_by(bench.carol)
        assert call.rang == {"alice", "carol"}


def test_where_it_is_allowed_a_phone_moves_a_call_to_itself(asterisk, pool):
    with lease(pool, asterisk) as bench, phone_forwards_allowed(bench):
        moves(bench.alice, "1000")
        call = Routed(bench, bench.trunk, "331000")
        assert call.refused(60)[0] >= 400


def test_a_trunk_does_not_move_a_call_into_the_context_of_the_user(asterisk, pool):
    """alice, busy, forwards outside; the trunk's 302 names one of her numbers, which its context has not."""
    with lease(pool, asterisk) as bench, phone_forwards_allowed(bench):
        bench.alice.on_invite = 486
        bench.set_user("alice", forward_busy="090017")
        moves(bench.trunk, "1001")
        call = Routed(bench, bench.carol, "1000")
        assert call.refused()[0] >= 400
        assert call.rang == {"alice", "trunk"}


# --- The system around --------------------------------------------------------------------------

def test_the_same_number_in_two_contexts(asterisk, pool):
    with lease(pool, asterisk) as bench:
        bench.set_user("alice", context="sales", interface="PJSIP/bob", deskphone="PJSIP/bob")
        Routed(bench, bench.trunk, "341000").answered_by(bench.bob)
        bench.rest()
        Routed(bench, bench.trunk, "331000").answered_by(bench.alice)


def test_after_a_restart_calls_ring_as_before(asterisk, pool):
    with pool.alone(DeployedBench, asterisk) as bench:
        bench.set_user("alice", interface="PJSIP/alice_w")
        bench.set_presence("alice", "ONHOLD")
        bench.wait_contacts_on_disk()
        bench.asterisk.terminate()
        bench.asterisk.start()
        bench.listen()
        # Also before the first OPTIONS are answered, when Asterisk still says UNAVAILABLE of both.
        Routed(bench, bench.carol, "1001").answered_by(bench.bob)
        assert bench.carol.subscribe("1000").state() == "confirmed held"
        bench.wait_device("alice_w", "NOT_INUSE")
        Routed(bench, bench.carol, "1000").answered_by(bench.alice_w)


def test_after_a_restart_a_dead_browser_swallows_no_call(asterisk, pool):
    """Its contact outlives Asterisk; until OPTIONS has found it dead Asterisk says UNAVAILABLE: the deskphone rings."""
    with pool.alone(DeployedBench, asterisk) as bench:
        bench.set_user("alice", interface="PJSIP/alice_w", mailbox="1000@default")
        bench.wait_contacts_on_disk()
        bench.asterisk.terminate()
        bench.alice_w.on_invite, bench.alice_w.answers_options = "silent", False
        bench.asterisk.start()
        bench.listen()
        call = Routed(bench, bench.carol, "1000")
        call.answered_by(bench.alice)
        assert call.rang == {"alice"} and call.outcomes == []


def test_a_web_line_alone_is_not_called_before_asterisk_reaches_it(asterisk, pool):
    """There is no last resort for a user without a deskphone."""
    with pool.alone(DeployedBench, asterisk) as bench:
        bench.set_user("alice", interface="PJSIP/alice_w", deskphone="", line_type="webrtc")
        bench.wait_contacts_on_disk()
        bench.asterisk.terminate()
        bench.alice_w.answers_options = False
        bench.asterisk.start()
        bench.listen()
        call = Routed(bench, bench.carol, "1000")
        call.refused()
        assert call.rang == set() and call.outcomes == ["NOT_REGISTERED"]
        bench.alice_w.reset()
        bench.wait_device("alice_w", "NOT_INUSE")
        Routed(bench, bench.carol, "1000").answered_by(bench.alice_w)


def test_a_line_that_left_the_configuration_is_not_called(asterisk, pool):
    """The contact of the browser stays behind; the deskphone rings."""
    with pool.alone(DeployedBench, asterisk) as bench:
        bench.set_user("alice", interface="PJSIP/alice_w")
        with bench.without_endpoint("alice_w"):
            call = Routed(bench, bench.carol, "1000")
            call.answered_by(bench.alice)
            assert call.rang == {"alice"}
        bench.wait_device("alice_w", "NOT_INUSE")
        Routed(bench, bench.carol, "1000").answered_by(bench.alice_w)


def test_without_sounds_the_codes_work(asterisk, pool):
    def silent(root, run):
        (run / "data").mkdir(exist_ok=True)
        data = root / "usr/share/asterisk"
        (run / "data/documentation").symlink_to(data / "documentation")
        return configuration.asterisk(root, run).replace(f"astdatadir => {data}", f"astdatadir => {run}/data")
    with pool.alone(DeployedBench, asterisk, options=deployed.options(asterisk_conf=silent)) as bench:
        for code, key, value in (("*78", "dnd", "1"), ("*211002", "forward/unconditional", "1002"),
                                 ("*50", "interface", "PJSIP/alice_w")):
            bench.alice.call(code, wait="answered").wait("ended")
            assert bench.key("alice", key) == value
        until(lambda: not bench.listener.listing("CoreShowChannels"), PATIENCE_SECONDS, "no channel left")
