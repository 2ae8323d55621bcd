"""What the server writes into a real Asterisk: it is there, stays there, and follows at once."""
import json
import statistics
import time

import pytest

from bench.bench import ServedBench
from bench.waiting import PATIENCE_SECONDS, until

FAMILY = "unipresence/default/1000"
STATE = "unipresence-default-1000"
ALICE = {"user": "alice", "interface": "PJSIP/alice", "deskphone": "PJSIP/alice", "webrtc": "PJSIP/alice_w",
         "line_type": "unique_account", "dnd": "0", "forward/unconditional": "", "forward/busy": "",
         "forward/no_answer": "", "ring_seconds": "30", "mailbox": ""}
SWITCHES = 40


def get(bench, key, family=FAMILY):
    """What AstDB holds, or None."""
    return bench.listener.database_value(family, key)


def held(bench):
    """All that Asterisk holds of alice's number, with her state."""
    values = {key: get(bench, key) for key in ALICE}
    values["state"] = get(bench, STATE, "CustomDevstate")
    return values


def wait_held(bench, seconds=PATIENCE_SECONDS, **differences):
    wanted = {**ALICE, "state": "NOT_INUSE", **differences}
    until(lambda: held(bench) == wanted, seconds, lambda: f"{held(bench)} becomes {wanted}")


def on_disk(bench, key):
    """What a SIGKILL cannot take away."""
    return bench.asterisk.database_on_disk().get(f"/{FAMILY}/{key}")


def wait_all_on_disk(bench):
    """Whatever had to be written of anybody is written, and Asterisk has committed it."""
    reconcile(bench)
    bench.listener.action("DBPut", Family="bench", Key="committed", Val="1")
    until(lambda: "/bench/committed" in bench.asterisk.database_on_disk(), PATIENCE_SECONDS, "AstDB on the disk")


def reconcile(bench):
    """Returns once everything was looked at; what was written before, of anybody, is settled then."""
    return json.loads(bench.server.run("observer", "pbx", "reconcile", "main", "-o", "json"))


def test_asterisk_holds_what_the_server_decides(asterisk, pool):
    with pool.alone(ServedBench, asterisk) as bench:
        wait_held(bench)
        bench.server.set_mode("web")
        wait_held(bench, interface="PJSIP/alice_w")
        bench.server.run("alice", "dnd", "on")
        wait_held(bench, interface="PJSIP/alice_w", dnd="1")
        bench.server.run("alice", "dnd", "off")
        bench.carol.call("1200")
        bench.alice_w.ringing()
        wait_held(bench, interface="PJSIP/alice_w", state="RINGING")
        bench.forget_calls()
        bench.server.log_out("alice")
        wait_held(bench, seconds=40)


def test_a_deleted_user_leaves_nothing_behind(asterisk, pool):
    with pool.alone(ServedBench, asterisk) as bench:
        wait_held(bench)
        since = bench.listener.mark()
        bench.server.run("observer", "users", "delete", "alice")
        until(lambda: set(held(bench).values()) == {None}, PATIENCE_SECONDS, lambda: f"{held(bench)} is gone")
        assert get(bench, "user", "unipresence/default/1001") == "bob"
        bench.listener.wait(lambda e: e.get("Event") == "DeviceStateChange" and e.get("State") == "UNAVAILABLE"
                            and e.get("Device") == f"Custom:{STATE}", since, what="the state of a number that is gone")


@pytest.mark.parametrize("end", ["kill", "terminate"])
def test_a_choice_outlives_asterisk(end, asterisk, pool):
    """AstDB loses its last second in a crash: what was switched just before holds all the same."""
    with pool.alone(ServedBench, asterisk) as bench:
        bench.server.set_mode("desk")
        wait_held(bench)
        wait_all_on_disk(bench)
        until(lambda: on_disk(bench, "interface") == "PJSIP/alice", PATIENCE_SECONDS, "the first choice on the disk")
        bench.wait_contacts_on_disk()
        bench.server.select("alice", "webrtc")
        until(lambda: get(bench, "interface") == "PJSIP/alice_w", PATIENCE_SECONDS, "the new choice in Asterisk")
        lost = on_disk(bench, "interface") == "PJSIP/alice"
        getattr(bench.asterisk, end)()
        bench.asterisk.start()
        bench.listen()
        wait_held(bench, seconds=60, interface="PJSIP/alice_w")
        until(lambda: get(bench, "selected_device") == "webrtc", PATIENCE_SECONDS, "the choice as the phone's code reads it")
        if end == "kill" and lost:
            assert reconcile(bench)["rewrite_count"] == 0, "the resync has written it again already"


def test_what_somebody_changed_by_hand_is_mended(asterisk, pool):
    with pool.alone(ServedBench, asterisk) as bench:
        wait_held(bench)
        reconcile(bench)  # what the server writes at first is written
        assert reconcile(bench)["rewrite_count"] == 0
        bench.listener.action("DBPut", Family=FAMILY, Key="interface", Val="PJSIP/carol")
        bench.listener.action("DBPut", Family=FAMILY, Key="forward/unconditional", Val="666")
        bench.listener.action("DBDel", Family=FAMILY, Key="ring_seconds")
        bench.listener.action("Setvar", Variable=f"DEVICE_STATE(Custom:{STATE})", Value="BUSY")
        found = reconcile(bench)
        assert found["rewrite_count"] == 4, found
        wait_held(bench)


def test_a_server_that_was_away_writes_what_changed(asterisk, pool):
    with pool.alone(ServedBench, asterisk) as bench:
        bench.server.set_mode("web")
        wait_held(bench, interface="PJSIP/alice_w")
        bench.server.kill()
        for key in ALICE:
            bench.listener.action("DBDel", Family=FAMILY, Key=key)
        bench.server.mode = "out"
        bench.server.start()
        bench.server.log_in("alice")
        wait_held(bench, interface="PJSIP/alice_w")


def test_what_a_phone_changed_is_adopted(asterisk, pool):
    """While the server listens, and while it is away: the phone's change wins and is kept."""
    def change(setting, value, **keys):
        for key, text in keys.items():
            bench.listener.action("DBPut", Family=FAMILY, Key=key.replace("__", "/"), Val=text)
        note = get(bench, "phone_changes") or ""
        bench.listener.action("DBPut", Family=FAMILY, Key="phone_changes", Val=f"{note}{setting}={value}&")
        bench.listener.action("UserEvent", UserEvent="UnipresenceSetting", User="alice", Context="default",
                              Number="1000", Setting=setting, Value=value)

    with pool.alone(ServedBench, asterisk) as bench:
        wait_held(bench)
        change("do_not_disturb", "1", dnd="1")
        until(lambda: bench.server.get("alice")["do_not_disturb"], PATIENCE_SECONDS, "do not disturb in the presence")
        until(lambda: get(bench, "phone_changes") is None, PATIENCE_SECONDS, "the note is deleted")
        wait_held(bench, dnd="1")
        bench.server.kill()
        change("do_not_disturb", "0", dnd="0")
        change("forward/busy", "1002", forward__busy="1002")
        bench.server.start()
        until(lambda: get(bench, "phone_changes") is None, PATIENCE_SECONDS, "the note is deleted")
        wait_held(bench, **{"forward/busy": "1002"})
        until(lambda: not bench.server.get("alice")["do_not_disturb"], PATIENCE_SECONDS, "no more of it in the presence")
        bench.server.kill()  # it was durable before the note went
        bench.server.start()
        wait_held(bench, **{"forward/busy": "1002"})


def test_latency_from_the_choice_to_asterisk(asterisk, pool, capsys):
    """Prints how long after the answer to SelectDevice AstDB holds the new interface."""
    with pool.alone(ServedBench, asterisk) as bench:
        bench.server.set_mode("desk")
        wait_held(bench)
        spans = []
        for switch in range(SWITCHES):
            device, interface = [("webrtc", "PJSIP/alice_w"), ("deskphone", "PJSIP/alice")][switch % 2]
            bench.server.select("alice", device)
            began = time.monotonic()
            until(lambda: get(bench, "interface") == interface, PATIENCE_SECONDS, f"{interface} in AstDB")
            spans.append(time.monotonic() - began)
        cuts = statistics.quantiles(spans, n=100)
    with capsys.disabled():
        print(f"\nFrom the answer to SelectDevice to DBGet, Asterisk {asterisk}, {SWITCHES} switches: "
              f"p50 {cuts[49] * 1000:.2f} ms, p99 {cuts[98] * 1000:.2f} ms")
