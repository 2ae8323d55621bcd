"""Prints how long after the phone's event the subscriber has the presence. Asserts no figure."""
import statistics
import time

from bench import expect
from bench.bench import ServedBench
from bench.scenario import IDLE
from bench.waiting import until

CALLS = 60


def arrival(server, since, state):
    """Waits for this state of alice after `since`; returns when its line came."""
    found = []

    def look():
        found[:] = [at for at, one in server.watch.about("alice", since) if one["state"] == state]
        return found
    until(look, 5, f"alice {state}")
    return found[0]


def test_latency_from_the_phone_to_the_subscriber(asterisk, pool, capsys):
    spans = {"rings": [], "answers": [], "hangs up": []}
    with pool.alone(ServedBench, asterisk) as bench:
        bench.server.set_mode("desk")
        expect.settled(bench.server, IDLE, "desk")
        for _ in range(CALLS):
            bench.carol.call("1100")
            own = bench.alice.ringing()
            began = own.at["ringing"]
            spans["rings"].append(arrival(bench.server, began, "RINGING") - began)
            own.answer()
            began = own.at["answering"]
            spans["answers"].append(arrival(bench.server, began, "IN_USE") - began)
            began = time.monotonic()
            own.hangup()
            spans["hangs up"].append(arrival(bench.server, began, "AVAILABLE") - began)
            bench.rest()
    with capsys.disabled():
        for what, seconds in spans.items():
            cuts = statistics.quantiles(seconds, n=100)
            print(f"\nasterisk {asterisk}: the phone {what} -> a subscriber of `watch` has it: "
                  f"p50 {cuts[49] * 1000:.2f} ms, p99 {cuts[98] * 1000:.2f} ms ({len(seconds)} times)", end="")
        print()
