"""What an Asterisk says that is not meant for the server, and what it does not say: nobody pays for it."""
import json
import time

from bench import configuration, expect
from bench.bench import ServedBench
from bench.calls import desk_emits
from bench.scenario import IDLE
from bench.waiting import until

LINES = 75  # of nearly 1,000 bytes, what Asterisk reads at most


def became_stale(server, since):
    return [one for _, one in server.watch.about("alice", since) if one.get("stale")]


def said(server, *words):
    return [line for line in server.log().splitlines() if all(word in line for word in words)]


def test_huge_events_cost_themselves_only(asterisk, pool):
    """71 kB of another tool: the link stays up, nobody becomes stale, what follows is heard."""
    with pool.alone(ServedBench, asterisk) as bench:
        bench.server.set_mode("desk")
        expect.settled(bench.server, IDLE, "desk")
        since = time.monotonic()
        huge = {f"Header{i}": "x" * 960 for i in range(LINES)}
        for _ in range(11):
            assert bench.listener.action("UserEvent", UserEvent="OtherTool", **huge)["Response"] == "Success"
        call = bench.alice.call("1002")
        expect.settled(bench.server, desk_emits("a call behind the huge events"), "desk")
        call.cancel()
        expect.settled(bench.server, IDLE, "desk")
        assert not became_stale(bench.server, since)
        assert len(said(bench.server, "event UserEvent OtherTool", "was passed over")) == 1, bench.server.log()
        assert not said(bench.server, "next attempt in")
        status = json.loads(bench.server.run("observer", "pbx", "status", "main", "-o", "json"))
        assert '"message_count": 0' not in json.dumps(status), status


def test_an_orderly_stop_is_no_error(asterisk, pool):
    with pool.alone(ServedBench, asterisk) as bench:
        bench.server.set_mode("desk")
        bench.wait_contacts_on_disk()
        expect.settled(bench.server, IDLE, "desk")
        bench.asterisk.terminate()
        until(lambda: said(bench.server, "info ami", "stopped in an orderly way"), 20, "the stop is told")
        bench.asterisk.start()
        bench.listen()
        expect.settled(bench.server, IDLE, "desk", seconds=60)
        assert not said(bench.server, "warning", "ami "), bench.server.log()


def test_what_is_refused_is_said_once_with_the_right_advice(asterisk, pool):
    """An account that may not ask for lists: once in the log however often it is asked."""
    rights = configuration.manager().replace("write=system,call,originate", "write=call")
    options = configuration.Options(files={"manager.conf": rights})
    with pool.alone(ServedBench, asterisk, options=options) as bench:
        until(lambda: said(bench.server, "warning", "PJSIPShowEndpoints: Permission denied"), 30, "the refusal is told")
        until(lambda: bench.server.try_run("observer", "pbx", "reconcile", "main").returncode == 0, 60, "it is synced")
        for _ in range(3):
            bench.server.run("observer", "pbx", "reconcile", "main")
        refused = said(bench.server, "warning", "Permission denied")
        assert all("give the manager account" in line for line in refused), refused
        names = [line.split(": Permission denied")[0].split()[-1] for line in refused]
        assert len(names) == len(set(names)), refused
