"""A user is changed while the link to Asterisk is cut: what is known of the lines that stay is kept."""
import time

import pytest

from bench import expect
from bench.bench import ServedBench
from bench.calls import desk_emits
from bench.waiting import PATIENCE_SECONDS, until

CHANGES = {
    "name": ("users", "update", "alice", "--display-name", "Alice Liddell"),
    "number": ("users", "update", "alice", "--exten", "1900"),
}


def stale(server, wanted):
    until(lambda: server.lives() and server.watch.newest("alice")[1].get("stale") is wanted, 60, f"alice stale: {wanted}")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("mode", ["web", "desk"])
def test_name_or_number_while_the_link_is_cut(mode, change, asterisk, pool):
    with pool.alone(ServedBench, asterisk) as bench:
        server = bench.server
        server.set_mode(mode)
        call, _ = bench.connect(bench.alice, "1002", bench.carol)
        row = desk_emits("alice is in a call that she emitted")
        expect.settled(server, row, mode)
        bench.link.refuse()
        try:
            stale(server, True)
            since = time.monotonic()
            server.run("observer", *CHANGES[change])
            read = server.get("alice")
            kept = {**expect.wanted(row, mode), "stale": True}
            assert not expect.difference(read, kept), expect.difference(read, kept)
        finally:
            bench.link.accept()
        stale(server, False)
        expect.settled(server, row, mode)
        # Nothing that a subscriber sees has changed but the mark.
        told = [expect.published(one) for _, one in server.watch.about("alice", since)]
        assert [one["stale"] for one in told] == [False], expect.story(server, since)
        call.hangup()
        if change == "number":
            until(lambda: bench.listener.database_value("unipresence/default/1900", "interface"), PATIENCE_SECONDS,
                  "the routing of the new number")
            until(lambda: bench.listener.database_value("unipresence/default/1000", "interface") is None,
                  PATIENCE_SECONDS, "nothing left of the old one")


def test_a_line_is_taken_away_and_given_back_while_the_link_is_cut(asterisk, pool):
    with pool.alone(ServedBench, asterisk) as bench:
        server = bench.server
        server.set_mode("desk")
        call, _ = bench.connect(bench.alice, "1002", bench.carol)
        row = desk_emits("alice is in a call that she emitted")
        expect.settled(server, row, "desk")
        bench.link.refuse()
        try:
            stale(server, True)
            server.run("observer", "users", "update", "alice", "--line-type", "sip", "--webrtc", "")
            one_line = server.get("alice")
            assert (one_line["state"], one_line["rule"], one_line["device_in_use"], one_line["stale"]) == (
                "IN_USE", "SINGLE_LINE", "DESKPHONE", True), one_line
            server.run("observer", "users", "update", "alice", "--line-type", "unique_account",
                       "--webrtc", "PJSIP/alice_w", "--pbx", "main")
            problem = expect.difference(server.get("alice"), {**expect.wanted(row, "desk"), "stale": True})
            assert not problem, problem
        finally:
            bench.link.accept()
        stale(server, False)
        expect.settled(server, row, "desk")
        call.hangup()
