"""Contacts never make a line available: what Asterisk says of the device counts. And devices that it does not know."""
import time

import pytest

from bench import configuration, expect, scenario
from bench.bench import ServedBench
from bench.scenario import IDLE
from bench.waiting import PATIENCE_SECONDS, until

DEAD = scenario.row("nobody answers OPTIONS", "UNAVAILABLE UNAVAILABLE", out="UNAVAILABLE", web="4 UNAVAILABLE",
                    desk="6 UNAVAILABLE")
REMOVED = scenario.row("the web line left pjsip.conf, its contact stays", "NOT_INUSE INVALID", out="AVAILABLE",
                       web="4 AVAILABLE", desk="6 AVAILABLE")
UNLISTED = scenario.row("no list has the web line, but its contact", "NOT_INUSE UNKNOWN", out="AVAILABLE",
                        web="4 AVAILABLE", desk="6 AVAILABLE")


def interface(bench):
    return bench.listener.database_value("unipresence/default/1000", "interface")


def wait_interface(bench, device):
    until(lambda: interface(bench) == device, PATIENCE_SECONDS, lambda: f"{device} in use, is {interface(bench)}")


def contact_is_stored(bench, device):
    return any(row["ObjectName"].startswith(device) for row in bench.listener.listing("PJSIPShowContacts"))


def restart_server(bench):
    bench.server.stop()
    bench.server.mode = "out"
    bench.server.start()
    bench.server.log_in("alice")
    bench.server.mode = "web"


@pytest.mark.parametrize("qualify", [30, 4])
def test_after_a_restart_no_dead_phone_is_available(qualify, asterisk, pool):
    """Before and after the first OPTIONS has failed; who answers is available when Asterisk says so."""
    options = configuration.Options(qualify={"alice": qualify, "alice_w": qualify})
    with pool.alone(ServedBench, asterisk, options=options) as bench:
        bench.server.set_mode("web")
        expect.settled(bench.server, IDLE, "web")
        bench.wait_contacts_on_disk()
        bench.asterisk.kill()
        for phone in (bench.alice, bench.alice_w):
            phone.answers_options = False
        since = time.monotonic()
        bench.asterisk.start()
        bench.listen()
        expect.settled(bench.server, DEAD, "web", seconds=60)
        bench.server.run("observer", "pbx", "reconcile", "main")
        expect.settled(bench.server, DEAD, "web")
        if qualify > 4:
            return
        for phone in ("alice", "alice_w"):
            bench.listener.wait(lambda e, phone=phone: e.get("Event") == "ContactStatus" and e["AOR"] == phone and
                                e["ContactStatus"] == "Unreachable", what=f"{phone} does not answer")
        expect.settled(bench.server, DEAD, "web")
        heard = [one for _, one in bench.server.watch.about("alice", since) if not one.get("stale")]
        assert {line["state"] for one in heard for line in one["lines"]} == {"UNAVAILABLE"}, \
            expect.story(bench.server, since)
        for phone in (bench.alice, bench.alice_w):
            phone.answers_options = True
        expect.settled(bench.server, IDLE, "web", seconds=60)


def test_a_contact_of_a_removed_endpoint_does_not_revive_it(asterisk, pool):
    """Neither a reconcile nor a restart of the server, nor one of Asterisk, of which no list has the line then."""
    with pool.alone(ServedBench, asterisk) as bench:
        bench.server.set_mode("web")
        expect.settled(bench.server, IDLE, "web")
        wait_interface(bench, "PJSIP/alice_w")
        bench.wait_contacts_on_disk()
        with bench.without_endpoint("alice_w"):
            expect.settled(bench.server, REMOVED, "web")
            for happens in (lambda: bench.server.run("observer", "pbx", "reconcile", "main"), lambda: restart_server(bench)):
                happens()
                assert contact_is_stored(bench, "alice_w")
                expect.settled(bench.server, REMOVED, "web", seconds=60)
                wait_interface(bench, "PJSIP/alice")
            assert "PJSIP/alice_w" in bench.server.explain("alice")
            bench.asterisk.kill()
            bench.asterisk.start()
            bench.listen()
            assert contact_is_stored(bench, "alice_w")
            expect.settled(bench.server, UNLISTED, "web", seconds=60)
            bench.server.run("observer", "pbx", "reconcile", "main")
            expect.settled(bench.server, UNLISTED, "web")
            wait_interface(bench, "PJSIP/alice")
        expect.settled(bench.server, IDLE, "web")
        wait_interface(bench, "PJSIP/alice_w")


def test_the_technology_of_a_device_counts_in_any_case_and_its_name_to_the_letter(asterisk, pool):
    """As to Asterisk itself; what it lists nowhere is said once."""
    def user(name, exten, device):
        return ["users", "add", name, "--exten", exten, "--context", "default", "--pbx", "main",
                "--deskphone", device, "--password-file", str(bench.server.folder / "password")]
    with pool.alone(ServedBench, asterisk) as bench:
        assert bench.listener.action("Getvar", Variable="DEVICE_STATE(pjsip/carol)")["Value"] == "NOT_INUSE"
        assert bench.listener.action("Getvar", Variable="DEVICE_STATE(PJSIP/Carol)")["Value"] == "INVALID"
        taken = bench.server.try_run("observer", *user("dave", "1003", "pjsip/carol"))
        assert taken.returncode != 0 and "carol" in taken.stderr, taken
        bench.server.run("observer", "users", "delete", "carol")
        bench.server.run("observer", *user("dave", "1003", "pjsip/carol"))
        bench.server.run("observer", *user("erin", "1004", "PJSIP/Carol"))
        until(lambda: bench.server.get("dave")["state"] == "AVAILABLE", PATIENCE_SECONDS, "dave is available")
        assert bench.server.get("dave")["lines"][0]["device"] == "PJSIP/carol"
        until(lambda: bench.listener.database_value("unipresence/default/1003", "interface") == "PJSIP/carol",
              PATIENCE_SECONDS, "the device as Asterisk writes it")
        call = bench.carol.call("1100")
        until(lambda: bench.server.get("dave")["state"] == "IN_USE", PATIENCE_SECONDS, "dave is in a call")
        call.cancel()
        until(lambda: "PJSIP/Carol" in bench.server.log(), PATIENCE_SECONDS, "the log tells of PJSIP/Carol")
        assert bench.server.get("erin")["state"] == "UNKNOWN"
        for _ in range(2):
            bench.server.run("observer", "pbx", "reconcile", "main")
        assert bench.server.log().count("PJSIP/Carol") == 1, bench.server.log()
