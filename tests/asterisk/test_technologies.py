"""Phones of another technology than PJSIP: chan_sip, which Asterisk 16 has and 22 has not."""
import contextlib

import pytest

from bench import configuration
from bench.bench import ServedBench
from bench.phone import Phone
from bench.server import PASSWORD, PBX
from bench.waiting import PATIENCE_SECONDS, until
from test_calls import Assistant

CHAN_SIP_PORT = 5070
OPTIONS = configuration.Options(files={
    "modules.conf": configuration.modules() + "load=chan_sip.so\n",
    "sip.conf": f"[general]\nudpbindaddr=127.0.0.1:{CHAN_SIP_PORT}\nallowguest=no\n"
                f"[dave]\ntype=friend\nhost=dynamic\nsecret={configuration.SECRET}\ncontext=default\ndisallow=all\n"
                "allow=ulaw\ndirectmedia=no\ncallcounter=yes\nnat=force_rport,comedia\ncallerid=Dave <1003>\n",
    "extensions.conf": configuration.dialplan().replace("[default]\n", "[default]\nexten => 1103,1,Dial(SIP/dave,120)\n"),
})
DAVE = {"id": "dave", "display_name": "Dave", "exten": "1003", "context": "default", "line_type": "sip",
        "username": "dave", "password": PASSWORD,
        "lines": [{"kind": "deskphone", "pbx": PBX, "device": "SIP/dave"}]}


@contextlib.contextmanager
def dave_of(version, pool):
    """(the bench, dave's phone, what the server lists of him)."""
    if version != "16":
        pytest.skip("Asterisk has no chan_sip from 21 on")
    with pool.alone(ServedBench, version, options=OPTIONS, more_users=[DAVE]) as bench:
        phone = Phone("dave", server_port=CHAN_SIP_PORT)
        bench.extra_phones.append(phone)
        phone.register()
        bench.server.log_in("dave")
        presence(bench, "AVAILABLE", False)
        yield bench, phone, Assistant(bench, "dave")
        bench.wait_quiet()
        presence(bench, "AVAILABLE", False)


def presence(bench, state, emitting):
    def newest():
        one = bench.server.watch.newest("dave")[1]
        return one.get("state"), one.get("emitting"), one.get("stale")
    until(lambda: newest() == (state, emitting, False), 60, lambda: f"dave {state} {emitting}, is {newest()}")


def relink(bench):
    """Cuts the link and waits for the lists that follow."""
    count = int(bench.server.get("dave")["revision"])
    bench.link.cut()
    until(lambda: int(bench.server.get("dave")["revision"]) >= count + 2 and not bench.server.get("dave")["stale"], 60,
          "dave is stale, and then no more")


def test_own_call_of_chan_sip(asterisk, pool):
    with dave_of(asterisk, pool) as (bench, phone, dave):
        since = bench.listener.mark()
        call = phone.call("1101")
        born = bench.listener.wait(lambda e: e.get("Event") == "Newchannel" and "SIP/dave" in e["Channel"], since)
        assert born["ChannelState"] == "0"  # what this test is about
        (dialing,) = dave.shows(("DIALING", "EMITTED", "1101"), name="Bob")
        presence(bench, "IN_USE", True)
        relink(bench)
        (again,) = dave.shows(("DIALING", "EMITTED", "1101"))
        assert again["id"] == dialing["id"]
        bench.answer(bench.bob)
        (answered,) = dave.shows(("ANSWERED", "EMITTED", "1101"))
        assert answered["id"] == dialing["id"] and answered["answer_time"]
        relink(bench)
        dave.shows(("ANSWERED", "EMITTED", "1101"), answer_time=answered["answer_time"])
        call.hangup()


def test_received_call_of_chan_sip(asterisk, pool):
    with dave_of(asterisk, pool) as (bench, phone, dave):
        call = bench.carol.call("1103")
        dave.shows(("RINGING", "RECEIVED", "1002"))
        presence(bench, "RINGING", False)
        phone.ringing().answer()
        (answered,) = dave.shows(("ANSWERED", "RECEIVED", "1002"))
        assert answered["answer_time"]
        presence(bench, "IN_USE", False)
        call.hangup()


def test_originate_of_chan_sip(asterisk, pool):
    with dave_of(asterisk, pool) as (bench, phone, dave):
        bench.listener.action("Originate", Channel="SIP/dave", Context="default", Exten="1101", Priority="1", Async="true")
        own = phone.ringing()
        (call,) = dave.calls()
        assert (call["state"], call["direction"]) == ("ORIGINATING", "EMITTED")
        presence(bench, "RINGING", True)
        own.answer()
        dave.shows(("DIALING", "EMITTED", "1101"))
        bench.answer(bench.bob)
        dave.shows(("ANSWERED", "EMITTED", "1101"))
        presence(bench, "IN_USE", True)
        own.hangup()
