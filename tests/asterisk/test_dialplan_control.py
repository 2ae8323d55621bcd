"""deploy/asterisk/ under the actions of a server: click to call, blind transfer, with its own AMI account.

What README.md of that folder says of these actions is what these tests do.
"""
import contextlib

import pytest

from bench.ami import Listener
from bench.configuration import LISTENER_USER, SERVER_USER
from bench.deployed import HISTORY_USER, UNFILTERED_USER, lease
from bench.routed import Routed
from bench.waiting import PATIENCE_SECONDS, until


@contextlib.contextmanager
def controlled(pool, version):
    """A DeployedBench and a connection with the rights and filters that the server has."""
    with lease(pool, version) as bench, contextlib.closing(Listener(SERVER_USER)) as server:
        yield bench, server


def channel_of(bench, user):
    """The name of the user's only channel."""
    (name,) = {e["Channel"] for e in bench.listener.listing("CoreShowChannels")
               if e["Channel"].startswith(f"PJSIP/{user}-")}
    return name


def emitted(bench):
    """alice has called carol: (her call, carol's)."""
    return bench.connect(bench.alice, "1002", bench.carol)


def received(bench):
    """carol has called alice: (alice's call, carol's)."""
    other, own = bench.connect(bench.carol, "1000", bench.alice)
    return own, other


def together(bench, *users):
    """Whether each of these users has a channel, and nobody else."""
    names = {e["Channel"].split("/")[1].rpartition("-")[0] for e in bench.listener.listing("CoreShowChannels")
             if e["Channel"].startswith("PJSIP/")}
    bridges = {e.get("BridgeId") for e in bench.listener.listing("CoreShowChannels")}
    return names == set(users) and "" not in bridges


def test_click_to_call_shows_each_side_the_other(asterisk, pool):
    with controlled(pool, asterisk) as (bench, server):
        since = server.mark()
        answer = server.action("Originate", Channel="PJSIP/alice", Context="default", Exten="1002", Priority="1",
                               Variable="CONNECTEDLINE(num)=1002", Async="true", Timeout="20000")
        assert answer["Response"] == "Success"
        own = bench.alice.ringing()
        assert "sip:1002@" in own.invite.get("from")
        own.answer()
        assert '"Alice" <sip:1000@' in bench.carol.ringing().invite.get("from")
        bench.answer(bench.carol)
        server.wait(lambda e: e.get("Event") == "OriginateResponse" and e["Response"] == "Success", since)
        own.hangup()


def test_click_to_a_number_that_does_not_exist(asterisk, pool):
    with controlled(pool, asterisk) as (_, server):
        answer = server.action("Originate", Channel="PJSIP/alice", Context="default", Exten="7777", Priority="1",
                               Async="true")
        assert (answer["Response"], answer["Message"]) == ("Error", "Extension does not exist.")


@pytest.mark.parametrize(("number", "exists"), [("1001", "1"), ("0912", "1"), ("*98", "1"), ("7777", "0")])
def test_whether_a_context_reaches_a_number(number, exists, asterisk, pool):
    with controlled(pool, asterisk) as (_, server):
        assert server.action("Getvar", Variable=f"DIALPLAN_EXISTS(default,{number},1)")["Value"] == exists


@pytest.mark.parametrize("direction", [emitted, received])
def test_blind_transfer(direction, asterisk, pool):
    with controlled(pool, asterisk) as (bench, server):
        own, other = direction(bench)
        server.action("BlindTransfer", Channel=channel_of(bench, "alice"), Context="default", Exten="1001")
        bench.answer(bench.bob)
        own.wait("ended")
        until(lambda: together(bench, "carol", "bob"), PATIENCE_SECONDS, "carol talks to bob")
        other.hangup()


# --- Attended transfer ----------------------------------------------------------------------------

def consult(bench, server, number):
    """alice, called by carol, asks `number`, as the server has it done: (her call, carol's)."""
    own, other = received(bench)
    alice, carol = (channel_of(bench, user) for user in ("alice", "carol"))
    for name, value in (("HELD", carol), ("CONSULT_CONTEXT", "default"), ("TRANSFERRED", "")):
        server.action("Setvar", Channel=alice, Variable=f"UNIPRESENCE_{name}", Value=value)
    answer = server.action("Redirect", Channel=alice, Context="unipresence-consult", Exten=number, Priority="1",
                           ExtraChannel=carol, ExtraContext="unipresence-hold", ExtraExten="s", ExtraPriority="1")
    assert answer["Response"] == "Success", answer
    return own, other


@pytest.mark.parametrize("answered", [False, True], ids=["ringing", "answered"])
def test_who_hangs_up_in_a_consultation_leaves_nobody_waiting(answered, asterisk, pool):
    with controlled(pool, asterisk) as (bench, server):
        own, other = consult(bench, server, "1001")
        third = bench.answer(bench.bob) if answered else bench.bob.ringing()
        own.hangup()
        third.wait("ended")
        other.wait("ended")


def test_a_call_that_came_back_and_goes_on_elsewhere_is_not_ended(asterisk, pool):
    with controlled(pool, asterisk) as (bench, server):
        own, other = consult(bench, server, "1001")
        bench.bob.ringing().reject(486)
        until(lambda: together(bench, "alice", "carol"), PATIENCE_SECONDS, "carol is back with alice")
        own.transfer("1001")
        third = bench.answer(bench.bob)
        own.wait("ended")
        until(lambda: together(bench, "carol", "bob"), PATIENCE_SECONDS, "carol talks to bob")
        assert other.state == third.state == "answered"
        other.hangup()


def test_a_consultation_outside_shows_the_own_number(asterisk, pool):
    with controlled(pool, asterisk) as (bench, server):
        own, _ = consult(bench, server, "090001")
        assert '"Alice" <sip:331000@' in bench.trunk.ringing().invite.get("from")
        own.hangup()


def test_the_account_cannot_do_what_it_does_not_need(asterisk, pool):
    with controlled(pool, asterisk) as (_, server):
        for action, headers in (("Command", {"Command": "core show version"}), ("UserEvent", {"UserEvent": "x"}),
                                ("UpdateConfig", {"SrcFilename": "manager.conf", "DstFilename": "manager.conf"})):
            answer = server.action(action, **headers)
            assert (answer["Response"], answer["Message"]) == ("Error", "Permission denied"), action


# --- What the filters spare ---------------------------------------------------------------------

# What the tracker of the server reads (aggregator/pbx/tracker.h), and what the server waits for besides.
WANTED = {
    "DeviceStateChange", "ContactStatus", "Newchannel", "Newstate", "NewConnectedLine", "DialBegin", "Hangup",
    "Rename", "Pickup", "Hold", "Unhold", "MusicOnHoldStart", "MusicOnHoldStop", "BridgeEnter", "BridgeLeave",
    "MessageWaiting", "OriginateResponse", "FullyBooted", "Shutdown", "UserEvent"}
ACCOUNTS = {"everything": LISTENER_USER, "the rights alone": UNFILTERED_USER, "rights and filters": SERVER_USER,
            "with CEL for history": HISTORY_USER}


def live_events(listener, since=0, end=None):
    """What was told between two marks and was not asked for: [(name, all its headers)]."""
    return [(e["Event"], tuple(sorted(e.items()))) for e in listener.events[since:end]
            if "Event" in e and "ActionID" not in e]


def size_of(listener):
    """Bytes that were read."""
    return sum(len(data) for _, data in listener.chunks)


def all_told(bench, listeners):
    """Waits until each listener has heard of a device state that only this test sets; returns the mark behind it of each.

    All hear the same in the same order: what is between two such marks can be compared.
    """
    since = [listener.mark() for listener in listeners]
    for state in ("INUSE", "NOT_INUSE"):
        bench.listener.action("Setvar", Variable="DEVICE_STATE(Custom:end)", Value=state)

    def is_end(event):
        return event.get("Device") == "Custom:end" and event.get("State") == "NOT_INUSE"
    marks = []
    for listener, begin in zip(listeners, since):
        listener.wait(is_end, begin)
        marks.append(next(at for at, event in enumerate(listener.events) if at >= begin and is_end(event)) + 1)
    return marks


def test_what_the_filters_spare_for_an_answered_call(asterisk, pool, capsys):
    with lease(pool, asterisk) as bench, contextlib.ExitStack() as stack:
        listeners = {what: stack.enter_context(contextlib.closing(Listener(user))) for what, user in ACCOUNTS.items()}
        all_told(bench, [*listeners.values()])
        counts = {}
        before = {what: (listener.mark(), size_of(listener)) for what, listener in listeners.items()}
        Routed(bench, bench.carol, "1000").answered_by(bench.alice)
        for what, listener in listeners.items():
            events, size = before[what]
            for user in ("alice", "carol"):
                listener.wait(lambda e, user=user: e.get("Device") == f"PJSIP/{user}" and e["State"] == "NOT_INUSE",
                              events)
            counts[what] = (len(live_events(listener, events)), size_of(listener) - size)
    with capsys.disabled():
        print(f"\nOne answered call through unipresence-user, Asterisk {asterisk}, to an AMI listener with")
        for what, (messages, size) in counts.items():
            print(f"  {what:22} {messages:4} messages {size / 1000:6.1f} kB")
    assert counts["rights and filters"][0] * 3 < counts["the rights alone"][0] * 2


def test_the_filters_let_through_what_the_server_reads(asterisk, pool):
    with lease(pool, asterisk) as bench, contextlib.ExitStack() as stack:
        plain, server, history = listeners = [stack.enter_context(contextlib.closing(Listener(user)))
                                              for user in (UNFILTERED_USER, SERVER_USER, HISTORY_USER)]
        for listener in listeners:
            listener.wait_booted()  # to each when it logs in
        begins = all_told(bench, listeners)
        bench.alice_w.unregister()
        bench.alice_w.register()
        bench.set_user("bob", dnd="1")
        Routed(bench, bench.carol, "1001").refused()
        own, other = received(bench)
        since = plain.mark()
        own.hold()
        plain.wait(lambda e: e.get("Event") == "MusicOnHoldStart", since)
        own.resume()
        plain.wait(lambda e: e.get("Event") == "MusicOnHoldStop", since)
        server.action("BlindTransfer", Channel=channel_of(bench, "alice"), Context="default", Exten="1001")
        other.wait("ended")
        bench.wait_quiet()
        ends = all_told(bench, listeners)
        by_rights, by_filters, by_history = map(live_events, listeners, begins, ends)
        wanted = sorted(e for e in by_rights if e[0] in WANTED)
        assert {"UserEvent", "ContactStatus", "Hold", "MusicOnHoldStart"} < {name for name, _ in wanted}
        assert sorted(by_filters) == wanted
        assert sorted(e for e in by_history if e[0] != "CEL") == wanted
        assert any(name == "CEL" for name, _ in by_history)


def test_history_hears_who_took_a_call_that_no_device_answered(asterisk, pool):
    with lease(pool, asterisk) as bench, contextlib.closing(Listener(HISTORY_USER)) as history:
        bench.set_user("alice", dnd="1", mailbox="1000@default")
        call = Routed(bench, bench.carol, "1000")
        call.hang_up()
        told = history.wait(lambda e: e.get("Event") == "CEL" and e["EventName"] == "APP_START")
        assert (told["Application"], told["AppData"]) == ("VoiceMail", "1000@default,b")
        history.wait(lambda e: e.get("Event") == "CEL" and e["EventName"] == "LINKEDID_END")
