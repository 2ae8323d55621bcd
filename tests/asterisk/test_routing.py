"""The choice is real: calls ring on the device in use, whatever happens to the browser, to the server or to Asterisk.

The files of deploy/asterisk/ in a real Asterisk, real phones, and the server that writes its decisions there.
"""
import contextlib
import signal
import statistics
import subprocess
import time

import pytest

from bench import deployed
from bench.bench import ServedBench
from bench.routed import Routed
from bench.server import GRPC, PASSWORD
from bench.waiting import NOISE_SECONDS, PATIENCE_SECONDS, until

import grpc_client

SWITCHES = 100
TIME_TO_LIVE = 6
# How long the answer to SelectDevice waits for Asterisk (device_selection.proto).
TOLD_WITHIN_SECONDS = 0.25
# Of a page that is reloaded, and how long it is away: neither is near the other on a busy machine.
PAGE_TIME_TO_LIVE, PAGE_AWAY = 12, 4
LINES = {"WEBRTC": "alice_w", "DESKPHONE": "alice"}
CUSTOM = "Custom:unipresence-default-1000"


@contextlib.contextmanager
def served(pool, asterisk, **settings):
    """A bench with the deployed files and alice logged in, her browser in use."""
    settings.setdefault("sessions", {"time_to_live_s": TIME_TO_LIVE})
    with pool.alone(ServedBench, asterisk, options=deployed.OPTIONS, settings=settings) as bench:
        bench.server.set_mode("web")
        wait_interface(bench, "alice_w")
        until(lambda: None not in {key(bench, name, number) for name in deployed.keys("alice")
                                   for number in deployed.NUMBERS.values()}, PATIENCE_SECONDS, "all keys of all users")
        yield bench


def key(bench, name, number="1000"):
    return bench.listener.database_value(f"unipresence/default/{number}", name)


def wait_interface(bench, device, seconds=PATIENCE_SECONDS):
    until(lambda: key(bench, "interface") == f"PJSIP/{device}", seconds,
          lambda: f"interface PJSIP/{device}, is {key(bench, 'interface')}")


def wait_hint(bench, state, seconds=PATIENCE_SECONDS):
    """Waits until the state on which the hint stands is this one."""
    def now():
        return bench.listener.action("Getvar", Variable=f"DEVICE_STATE({CUSTOM})").get("Value")
    until(lambda: now() == state, seconds, lambda: f"{CUSTOM} {state}, is {now()}")


def rings(bench, device, caller="carol"):
    """A call to alice rings this device and no other one of hers."""
    call = Routed(bench, bench.phones[caller], "1000")
    call.answered_by(bench.phones[device])
    assert call.rang == {device}
    bench.rest()


def quantiles(seconds):
    cuts = statistics.quantiles(seconds, n=100)
    return f"p50 {cuts[49] * 1000:.2f} ms, p99 {cuts[98] * 1000:.2f} ms, most {max(seconds) * 1000:.2f} ms"


def test_each_call_follows_the_switch_before_it(asterisk, pool, capsys):
    """Switch, then call, alternating: the right phone rings each time, the other never."""
    with served(pool, asterisk, sessions={"time_to_live_s": 120}) as bench, \
            contextlib.closing(grpc_client.Client(GRPC)) as client:
        client.log_in("alice", PASSWORD)
        effective, asking, late = [], [], 0
        for number in range(SWITCHES):
            device = ("DESKPHONE", "WEBRTC")[number % 2]
            began = time.monotonic()
            client.select("alice", device).result()
            if time.monotonic() - began >= TOLD_WITHIN_SECONDS:  # nothing is promised any more
                late += 1
                wait_interface(bench, LINES[device])
            rings(bench, LINES[device])
        assert late < SWITCHES
        for number in range(SWITCHES):
            device = ("DESKPHONE", "WEBRTC")[number % 2]
            client.select("alice", device).result()
            began = time.monotonic()
            while key(bench, "interface") != f"PJSIP/{LINES[device]}":
                assert time.monotonic() - began < PATIENCE_SECONDS
            effective.append(time.monotonic() - began)
            began = time.monotonic()
            key(bench, "interface")
            asking.append(time.monotonic() - began)
    with capsys.disabled():
        print(f"\nFrom the reply to SelectDevice until Asterisk {asterisk} is seen to route so, {SWITCHES} times: "
              f"{quantiles(effective)} (of which asking takes {quantiles(asking)}); {SWITCHES} calls right after a reply, all on the right phone (after {late} of them Asterisk was waited for)")


# --- The browser goes, in every way a browser goes ---

class Network:
    """Drops what goes to and comes from ports of this namespace."""

    def __init__(self):
        self._nft("add table inet cut; add chain inet cut input { type filter hook input priority 0; }")

    def drop(self, protocol, port):
        for side in ("sport", "dport"):
            self._nft(f"add rule inet cut input {protocol} {side} {port} drop")

    @classmethod
    def mend(cls):
        """The kernel may give such a port to somebody else."""
        cls._nft("add table inet cut; delete table inet cut")

    @staticmethod
    def _nft(rules):
        subprocess.run(["nft", rules], check=True)


def port_of(process):
    """The local TCP port of a process that has one connection."""
    listing = subprocess.run(["ss", "-Htnp"], check=True, capture_output=True, text=True).stdout
    own = [line for line in listing.splitlines() if f"pid={process.pid}," in line]
    assert len(own) == 1, listing
    return own[0].split()[3].rpartition(":")[2]


def log_out(bench):
    bench.server.log_out("alice")


def kill(bench):
    """The process is killed: no unregister, no log-out, no end of a stream that says why."""
    bench.server.holder("alice").send_signal(signal.SIGKILL)
    bench.alice_w.close()


def unregister(bench):
    bench.alice_w.unregister()


def let_expire(bench):
    bench.alice_w.register(expires=2)


def cut_network(bench):
    network = Network()
    network.drop("udp", bench.alice_w.port)
    network.drop("tcp", port_of(bench.server.holder("alice")))


def seconds_until_deskphone_rings(bench, since):
    """Calls alice again and again, as impatient people do, until the deskphone rings."""
    while True:
        call = bench.carol.call("1000", wait=None)
        with contextlib.suppress(TimeoutError):
            bench.alice.ringing(seconds=0.4)
            took = time.monotonic() - since
            call.cancel()
            return took
        assert time.monotonic() - since < 60, "the deskphone never rings"
        with contextlib.suppress(TimeoutError):
            call.cancel()


# Until the deskphone rings at the latest. Who logs out or unregisters says so; who lets a registration
# of 2 s expire is found by the check of each second.
@pytest.mark.parametrize("how, bound", [
    (log_out, 0), (unregister, 0), (let_expire, 3), (kill, TIME_TO_LIVE + 1), (cut_network, TIME_TO_LIVE + 1)],
    ids=lambda value: getattr(value, "__name__", ""))
def test_calls_ring_on_the_deskphone_when_the_browser_goes(how, bound, asterisk, pool, capsys):
    with served(pool, asterisk) as bench, contextlib.ExitStack() as stack:
        stack.callback(Network.mend)
        rings(bench, "alice_w")
        since = time.monotonic()
        how(bench)
        took = seconds_until_deskphone_rings(bench, since)
        assert took <= bound + NOISE_SECONDS
    with capsys.disabled():
        print(f"\n{how.__name__}: the deskphone rings {took:.2f} s later (time-to-live {TIME_TO_LIVE} s), "
              f"Asterisk {asterisk}")


def test_a_reload_of_the_page_does_not_flap(asterisk, pool):
    """The page leaves and comes back with the same session: nobody sees a change of the device in use."""
    with served(pool, asterisk, sessions={"time_to_live_s": PAGE_TIME_TO_LIVE}) as bench, \
            contextlib.closing(grpc_client.Client(GRPC)) as page:
        page.log_in("alice", PASSWORD)
        bench.server.log_out("alice")
        since = time.monotonic()
        for _ in range(3):
            page.connect(GRPC)
            page.keep_alive("alice")
            time.sleep(PAGE_AWAY)  # the page is away; nothing is waited for
        call = Routed(bench, bench.carol, "1000")
        bench.alice_w.ringing()
        shown = bench.server.watch
        until(lambda: shown.newest("alice")[1]["state"] == "RINGING", PATIENCE_SECONDS, "alice rings")
        assert call.rang == {"alice_w"}
        call.call.cancel()
        until(lambda: shown.newest("alice")[1]["state"] == "AVAILABLE", PATIENCE_SECONDS, "alice is available again")
        assert {one["device_in_use"] for _, one in shown.about("alice", since)} == {"WEBRTC"}
        bench.rest()


# --- The server goes ---

def test_calls_are_routed_while_the_server_is_down(asterisk, pool):
    """The last decision holds; a browser that is gone swallows no call; codes on the phone work."""
    with served(pool, asterisk, sessions={"time_to_live_s": 60}) as bench:
        bench.server.leave()
        rings(bench, "alice_w")
        bench.alice_w.unregister()
        bench.wait_device("alice_w", "UNAVAILABLE")
        rings(bench, "alice")
        bench.alice_w.register()
        bench.wait_device("alice_w", "NOT_INUSE")
        rings(bench, "alice_w")
        bench.alice.call("*50", wait="answered").wait("ended")  # toggles the device
        bench.rest()
        rings(bench, "alice")


def test_a_started_server_sets_right_what_was_changed_meanwhile(asterisk, pool):
    with served(pool, asterisk, sessions={"time_to_live_s": 120}) as bench:
        bench.server.leave()
        family = "unipresence/default/1000"
        for name, value in {"interface": "PJSIP/carol", "forward/unconditional": "1001", "user": "bob"}.items():
            bench.listener.action("DBPut", Family=family, Key=name, Val=value)
        for name in ("deskphone", "ring_seconds", "line_type"):
            bench.listener.action("DBDel", Family=family, Key=name)
        bench.listener.action("Setvar", Variable=f"DEVICE_STATE({CUSTOM})", Value="BUSY")
        bench.listener.action("DBPut", Family=family, Key="user", Val="alice")
        bench.alice.call("*78", wait="answered").wait("ended")  # do not disturb, from the phone
        assert "do_not_disturb=1" in key(bench, "phone_changes")
        bench.rest()
        bench.server.mode = "out"
        bench.server.start()
        want = deployed.keys("alice", interface="PJSIP/alice_w", selected_device="webrtc", dnd="1")
        until(lambda: {name: key(bench, name) for name in want} == want and not key(bench, "phone_changes"), 60,
              lambda: f"{want}, is { {name: key(bench, name) for name in want} }")
        wait_hint(bench, "NOT_INUSE")
        until(lambda: bench.server.get("alice")["do_not_disturb"], PATIENCE_SECONDS, "do-not-disturb by the phone")
        bench.alice.call("*79", wait="answered").wait("ended")
        until(lambda: not bench.server.get("alice")["do_not_disturb"], PATIENCE_SECONDS, "do-not-disturb off by the phone")
        bench.rest()
        rings(bench, "alice_w")


def test_the_choice_survives_a_killed_asterisk(asterisk, pool):
    """SIGKILL right after the switch: AstDB has lost its last second, the server has not."""
    with served(pool, asterisk, sessions={"time_to_live_s": 120}) as bench:
        bench.wait_contacts_on_disk()
        for device in ("DESKPHONE", "WEBRTC", "DESKPHONE"):
            bench.server.select("alice", device.lower())
            bench.asterisk.kill()
            bench.asterisk.start()
            bench.listen()
            wait_interface(bench, LINES[device], 60)
            # A phone that is asked for signs of life is unavailable until it has answered the first.
            bench.wait_device(LINES[device], "NOT_INUSE", 60)
            rings(bench, LINES[device])


# --- Settings from both sides ---

def test_forwarding_set_by_a_client_and_by_the_phone_are_one(asterisk, pool):
    with served(pool, asterisk, sessions={"time_to_live_s": 120}) as bench:
        bench.server.run("alice", "forward", "set", "unconditional", "1001")
        until(lambda: key(bench, "forward/unconditional") == "1001", PATIENCE_SECONDS, "the forwarding in AstDB")
        Routed(bench, bench.carol, "1000").answered_by(bench.bob)
        bench.rest()
        bench.alice.call("*21", wait="answered").wait("ended")
        until(lambda: "1001" not in bench.server.run("alice", "forward", "get") or
              bench.server.get("alice")["active_forwardings"] == [], PATIENCE_SECONDS, "the forwarding is off for clients too")
        bench.rest()
        rings(bench, "alice_w")
        bench.alice_w.call("*231001", wait="answered").wait("ended")
        until(lambda: "BUSY" in str(bench.server.get("alice")["active_forwardings"]).upper(), PATIENCE_SECONDS,
              "the busy forwarding is shown")
        bench.rest()


# --- The keys of colleagues' phones ---

# What dialog-info can say of a presence: a key knows no more than these.
IDLE, TALKS, RINGS = "terminated", "confirmed", "early"


def test_the_keys_of_colleagues_show_the_fused_presence(asterisk, pool):
    """A BLF key of carol's phone, sentence by sentence: not the lines, but what they come to."""
    with served(pool, asterisk, sessions={"time_to_live_s": 120}) as bench:
        choose(bench, "out", "alice")
        key_of_alice = bench.carol.subscribe("1000")
        key_of_alice.wait_state(IDLE)

        # Logged out: the deskphone, whatever the browser does.
        call, _ = bench.connect(bench.bob, "1000", bench.alice)
        key_of_alice.wait_state(TALKS)
        call.hangup()
        key_of_alice.wait_state(IDLE)
        web = bench.alice_w.call("5000", wait="answered")
        still(bench, key_of_alice, IDLE)

        # Logged in, the browser selected: the browser.
        bench.server.set_mode("web")
        key_of_alice.wait_state(TALKS)
        web.hangup()
        key_of_alice.wait_state(IDLE)
        # A call that the deskphone received does not count beside it,
        choose(bench, "desk", "alice")
        call, _ = bench.connect(bench.bob, "1000", bench.alice)
        key_of_alice.wait_state(TALKS)
        bench.server.set_mode("web")
        key_of_alice.wait_state(IDLE)
        call.hangup()
        # one that it emits does: In Use.
        emitted = bench.alice.call("5000", wait="answered")
        key_of_alice.wait_state(TALKS)
        emitted.hangup()
        key_of_alice.wait_state(IDLE)

        # Logged in, the deskphone selected: the deskphone,
        choose(bench, "desk", "alice")
        call = bench.bob.call("1000")
        bench.alice.ringing()
        key_of_alice.wait_state(RINGS)
        # and the browser before it: it is answered there while the deskphone rings.
        web = bench.alice_w.call("5000", wait="answered")
        key_of_alice.wait_state(TALKS)
        web.hangup()
        key_of_alice.wait_state(RINGS)
        call.cancel()
        key_of_alice.wait_state(IDLE)
        key_of_alice.end()


def choose(bench, mode, device):
    """Brings alice into a mode; returns when calls ring on the device."""
    bench.server.set_mode(mode)
    wait_interface(bench, device)


def still(bench, key_of_somebody, state):
    """The key shows this also when what came later has arrived: a call of bob's, on his key."""
    marker = bench.carol.subscribe("1001")
    call = bench.bob.call("5000", wait="answered")
    marker.wait_state(TALKS)
    assert key_of_somebody.state() == state
    call.hangup()
    marker.wait_state(IDLE)
    marker.end()
