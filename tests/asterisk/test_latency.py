"""Prints how long after the phone's event the subscriber has the presence. Asserts no figure."""
import statistics
import time

from bench import expect
from bench.bench import ServedBench
from bench.scenario import IDLE
from bench.waiting import PATIENCE_SECONDS, until

CALLS = 60


def arrival(watch, since, state):
    """Waits for this state of alice after `since`; returns when its line came."""
    found = []

    def look():
        found[:] = [at for at, one in watch.about("alice", since) if one["state"] == state]
        return found
    until(look, PATIENCE_SECONDS, f"alice {state}")
    return found[0]


def spans_of(bench, watches):
    """{(event, way): seconds of each call} for calls that ring, are answered and end."""
    spans = {}

    def note(what, began, state):
        for way, watch in watches.items():
            spans.setdefault((what, way), []).append(arrival(watch, began, state) - began)
    for _ in range(CALLS):
        bench.carol.call("1100")
        own = bench.alice.ringing()
        note("rings", own.at["ringing"], "RINGING")
        own.answer()
        note("answers", own.at["answering"], "IN_USE")
        began = time.monotonic()
        own.hangup()
        note("hangs up", began, "AVAILABLE")
        bench.rest()
    return spans


def test_latency_from_the_phone_to_the_subscriber(asterisk, pool, capsys):
    with pool.alone(ServedBench, asterisk) as bench:
        bench.server.set_mode("desk")
        expect.settled(bench.server, IDLE, "desk")
        with bench.server.watch_zeromq() as zeromq:
            until(lambda: zeromq.newest("alice")[1], PATIENCE_SECONDS, "a first presence by ZeroMQ")
            spans = spans_of(bench, {"gRPC": bench.server.watch, "ZeroMQ": zeromq})
    with capsys.disabled():
        print(f"\nFrom the phone's event to a line of `unipresence watch`, Asterisk {asterisk}, {CALLS} calls:")
        for (what, way), seconds in sorted(spans.items()):
            cuts = statistics.quantiles(seconds, n=100)
            print(f"  {way:6} the phone {what:9} p50 {cuts[49] * 1000:6.2f} ms   p99 {cuts[98] * 1000:6.2f} ms")
