"""deploy/asterisk/ included into the configuration that the package of Asterisk brings along."""
import re

import pytest

from bench import configuration, deployed, stock
from bench.ami import Listener
from bench.bench import Bench


@pytest.fixture(scope="module", name="bench")
def installed(asterisk, pool):
    with pool.alone(Bench, asterisk, options=stock.options(asterisk)) as bench:
        for person, number in stock.PEOPLE.items():
            for key, value in deployed.keys(person, webrtc="").items():
                bench.listener.action("DBPut", Family=f"unipresence/office/{number}", Key=key, Val=value)
        yield bench


def test_asterisk_has_nothing_to_complain_of(bench):
    log = (bench.asterisk.run / "log/messages").read_text("utf-8", "replace")
    about_ours = re.compile(r"(WARNING|ERROR)\[.*(_unipresence.conf|alice|carol|office)")
    complaints = [line for line in log.splitlines() if about_ours.search(line)]
    assert not complaints


def test_every_context_is_there(bench):
    text = (deployed.FOLDER / "extensions_unipresence.conf").read_text()
    contexts = re.findall(r"^\[([\w-]+)\]", text, re.M)
    assert len(contexts) > 10
    shown = bench.asterisk.command("dialplan show")
    assert [name for name in contexts if f"Context '{name}'" not in shown] == []


def test_every_module_of_the_list_is_loaded(bench):
    text = (deployed.FOLDER / "modules_unipresence.conf").read_text()
    modules = re.findall(r"^load = (\S+)\.so", text, re.M)
    shown = bench.asterisk.command("module show")
    assert [name for name in modules if f"{name}.so" not in shown] == []


@pytest.mark.parametrize(("command", "wanted"), [
    ("pjsip show endpoint alice_w", r"webrtc +: yes"),
    ("pjsip show endpoint alice_w", r"rtp_timeout +: 20"),
    ("pjsip show endpoint alice_w", r"dtls_auto_generate_cert +: Yes"),
    ("pjsip show aor alice_w", r"maximum_expiration +: 60"),
    ("pjsip show aor alice_w", r"qualify_frequency +: 5"),
    ("pjsip show aor alice", r"qualify_frequency +: 30"),
    ("cel show status", r"CEL Tracking Application: +voicemail"),
    ("cel show status", r"CEL Tracking Event: +(ATTENDEDTRANSFER|BLINDTRANSFER)"),
    ("core show hints", r"1000@unipresence-\S+ *: Custom:unipresence-"),
    ("dialplan show 1000@office", r"Gosub\(unipresence-user,1000,1\(office\)\)"),
    ("dialplan show *98@office", r"unipresence-code,voicemail"),
])
def test_the_settings_are_in_force(command, wanted, bench):
    shown = bench.asterisk.command(command)
    assert re.search(wanted, shown), shown


def test_the_account_of_the_server_works(bench):
    server = Listener(stock.ACCOUNT)
    server.wait_booted()
    assert server.action("DBPut", Family="unipresence/office/1000", Key="dnd", Val="0")["Response"] == "Success"
    assert server.listing("DeviceStateList")
    server.close()


def test_a_call_rings(bench):
    call, _ = bench.connect(bench.carol, "1000", bench.alice)
    call.hangup()
    bench.wait_quiet()
