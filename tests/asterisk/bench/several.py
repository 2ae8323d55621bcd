"""Scenarios: several calls at once, Originate, queues and Local channels."""
from .calls import desk_emits, desk_receives, web_call
from .scenario import idle, row, scenario


@scenario("several")
def call_waiting_on_web(b):
    first = b.carol.call("1200")
    own = b.answer(b.alice_w)
    second = b.bob.call("1200")
    yield web_call("a second call rings while alice talks", "RINGINUSE", "RINGING_IN_USE")
    own.hold()
    b.answer(b.alice_w)
    yield web_call("alice holds the first and answers the second", "INUSE", "IN_USE", WEBRTC="holding")
    second.hangup()
    yield web_call("the second caller hangs up", "INUSE", "IN_USE", WEBRTC="holding")
    own.resume()
    first.hangup()
    yield idle("the first caller hangs up")


@scenario("several")
def call_waiting_on_desk(b):
    first = b.carol.call("1100")
    b.answer(b.alice)
    second = b.bob.call("1100")
    yield desk_receives("a second call rings while alice talks", "RINGINUSE", "RINGING_IN_USE")
    second.cancel()
    yield desk_receives("the second caller gives up", "INUSE", "IN_USE")
    first.hangup()
    yield idle("the first caller hangs up")


@scenario("several")
def second_emitted_call_ends_first(b):
    first = b.alice.call("1002")
    b.answer(b.carol)
    first.wait("answered").hold()
    second = b.alice.call("1101")
    yield desk_emits("alice holds carol and dials bob", DESKPHONE="holding")
    b.answer(b.bob)
    second.wait("answered").hangup()
    yield desk_emits("alice ends the second call, the first is still hers", DESKPHONE="holding")
    first.hangup()
    yield idle("alice hangs up")


@scenario("several")
def emitted_call_beside_a_received_one(b):
    received = b.carol.call("1100")
    b.answer(b.alice)
    yield desk_receives("alice receives a call", "INUSE", "IN_USE")
    emitted = b.alice.call("1101")
    yield desk_emits("alice dials bob beside it")
    emitted.cancel()
    yield desk_receives("the emitted call is gone, the received one lives", "INUSE", "IN_USE")
    received.hangup()
    yield idle("carol hangs up")


@scenario("several")
def desk_emits_while_web_talks(b):
    received = b.carol.call("1200")
    b.answer(b.alice_w)
    yield web_call("alice talks in the browser", "INUSE", "IN_USE")
    emitted = b.alice.call("1101")
    yield row("and dials on the deskphone", "INUSE INUSE", out="IN_USE", web="2 IN_USE", desk="2 IN_USE",
              emitting=True)
    received.hold()
    yield row("the browser call is put on hold by carol: still a deskphone call", "INUSE ONHOLD",
              out="IN_USE", web="2 IN_USE", desk="2 IN_USE", emitting=True, WEBRTC="held")
    emitted.cancel()
    yield web_call("the deskphone call is gone", "ONHOLD", "ON_HOLD", WEBRTC="held")
    received.hangup()
    yield idle("carol hangs up")


@scenario("several")
def web_rings_while_desk_emits(b):
    emitted = b.alice.call("1101")
    b.answer(b.bob)
    emitted.wait("answered")
    received = b.carol.call("1200")
    yield row("the browser rings while the deskphone emits", "INUSE RINGING", out="IN_USE", web="2 IN_USE",
              desk="2 IN_USE", emitting=True)
    emitted.hangup()
    yield web_call("the deskphone call ends", "RINGING", "RINGING")
    received.cancel()
    yield idle("carol gives up")


@scenario("several")
def web_rings_while_desk_received(b):
    first = b.bob.call("1100")
    b.answer(b.alice)
    second = b.carol.call("1200")
    yield row("a received deskphone call does not break precedence", "INUSE RINGING", out="IN_USE",
              web="3 RINGING", desk="5 RINGING")
    second.cancel()
    first.hangup()
    yield idle("both callers are gone")


# --- AMI Originate: the user's own phone rings first, for a call that he emits ---

def originate(b, channel):
    answer = b.listener.action("Originate", Channel=channel, Context="default", Exten="1002", Priority="1",
                               Timeout="120000", Async="true", CallerID="1002")
    assert answer["Response"] == "Success", answer


@scenario("originate")
def click_to_call_on_desk(b):
    originate(b, "PJSIP/alice")
    own = b.alice.ringing()
    yield desk_emits("her own deskphone rings for a call that alice emits", deskphone="RINGING")
    own.answer()
    b.carol.ringing()
    yield desk_emits("alice picks up her own phone, carol rings")
    b.answer(b.carol)
    yield desk_emits("carol answers")
    own.hangup()
    yield idle("alice hangs up")


@scenario("originate")
def click_to_call_on_desk_not_picked_up(b):
    originate(b, "PJSIP/alice")
    own = b.alice.ringing()
    yield desk_emits("her own deskphone rings", deskphone="RINGING")
    own.reject(486)
    yield idle("alice does not want to")


@scenario("originate")
def click_to_call_on_web(b):
    originate(b, "PJSIP/alice_w")
    own = b.alice_w.ringing()
    yield web_call("her own browser rings", "RINGING", "RINGING")
    own.answer()
    b.answer(b.carol)
    yield web_call("carol answers", "INUSE", "IN_USE")
    own.hangup()
    yield idle("alice hangs up")


@scenario("originate")
def originate_through_local_is_received(b):
    originate(b, "Local/1100@default")
    own = b.alice.ringing()
    yield desk_receives("a dialplan calls alice: received", "RINGING", "RINGING")
    own.answer()
    other = b.answer(b.carol)
    b.speak(own, other, until_true=no_local_channel(b))
    yield desk_receives("alice and carol talk, the Local channel optimised away", "INUSE", "IN_USE")
    own.hangup()
    yield idle("alice hangs up")


# --- queue and Local ---

@scenario("queue")
def queue_call_received_on_desk(b):
    call = b.carol.call("2000", wait="answered")
    own = b.alice.ringing()
    yield desk_receives("a queue call rings", "RINGING", "RINGING")
    b.answer(b.alice)
    yield desk_receives("alice answers", "INUSE", "IN_USE")
    call.hangup()
    own.wait("ended")
    yield idle("the caller hangs up")


@scenario("queue")
def queue_call_through_local(b):
    call = b.carol.call("2001", wait="answered")
    own = b.alice.ringing()
    yield desk_receives("a queue call rings through a Local channel", "RINGING", "RINGING")
    b.answer(b.alice)
    yield desk_receives("alice answers", "INUSE", "IN_USE")
    own.hangup()
    call.hangup() if call.state == "answered" else None
    yield idle("alice hangs up")


@scenario("queue")
def web_calls_the_queue_of_the_own_desk(b):
    call = b.alice_w.call("2000", wait="answered")
    b.alice.ringing()
    # Music on hold in a queue: whether that is "held" is left open.
    yield row("the browser emits, the deskphone receives", "RINGING INUSE", out="RINGING", web="3 IN_USE",
              desk="5 IN_USE", WEBRTC="any")
    call.hangup()
    b.alice.calls[-1].wait("ended")
    yield idle("alice leaves the queue")


def no_local_channel(b):
    return lambda: not any(e["Channel"].startswith("Local/") for e in b.listener.listing("CoreShowChannels"))


def desk_receives_through(b, number, lasting):
    call = b.carol.call(number)
    own = b.alice.ringing()
    yield desk_receives("rings through a Local channel", "RINGING", "RINGING")
    b.answer(b.alice)
    call.wait("answered")
    if not lasting:
        b.speak(call, own, until_true=no_local_channel(b))
    yield desk_receives("alice answers", "INUSE", "IN_USE")
    call.hangup()
    yield idle("carol hangs up")


@scenario("local")
def desk_receives_through_local(b):
    yield from desk_receives_through(b, "3100", lasting=False)


@scenario("local")
def desk_receives_through_lasting_local(b):
    yield from desk_receives_through(b, "3110", lasting=True)


def desk_emits_through(b, number, lasting):
    call = b.alice.call(number)
    yield desk_emits("carol rings through a Local channel")
    other = b.answer(b.carol)
    call.wait("answered")
    if lasting:
        yield desk_emits("carol answers")
        other.hold()
        yield desk_emits("carol holds: the Local channel hears the music, alice's line is not held")
    else:
        b.speak(call, other, until_true=no_local_channel(b))
        yield desk_emits("carol answers, the Local channel leaves")
        other.hold()
        yield desk_emits("carol holds", deskphone="ONHOLD", DESKPHONE="held")
    other.resume()
    other.hangup()
    call.wait("ended")
    yield idle("carol hangs up")


@scenario("local")
def desk_emits_through_local(b):
    yield from desk_emits_through(b, "3102", lasting=False)


@scenario("local")
def desk_emits_through_lasting_local(b):
    yield from desk_emits_through(b, "3112", lasting=True)


# --- AMI Redirect: the channel of a line without dialplan moves by masquerade ---

def redirect(b, user, number):
    """Somebody moves the only channel of a user to a number; returns when it is there."""
    channel = next(e["Channel"] for e in b.listener.listing("CoreShowChannels")
                   if e["Channel"].startswith(f"PJSIP/{user}-"))
    since = b.listener.mark()
    answer = b.listener.action("Redirect", Channel=channel, Context="default", Exten=number, Priority="1")
    assert answer["Response"] == "Success", answer
    b.listener.wait(lambda e: e.get("Event") == "Newexten" and e.get("Exten") == number
                    and e.get("Channel", "").startswith(f"PJSIP/{user}-"), since, what=f"{user} at {number}")


@scenario("redirect")
def received_call_is_redirected(b):
    caller, own = b.connect(b.carol, "1100", b.alice)
    redirect(b, "alice", "5000")
    caller.wait("ended")
    yield desk_receives("alice's channel runs an application now: still received", "INUSE", "IN_USE")
    own.hangup()
    yield idle("alice hangs up")


@scenario("redirect")
def emitted_call_is_redirected(b):
    own, other = b.connect(b.alice, "1002", b.carol)
    redirect(b, "alice", "5000")
    other.wait("ended")
    yield desk_emits("alice's channel runs an application now: still emitted")
    own.hangup()
    yield idle("alice hangs up")


@scenario("redirect")
def other_side_of_an_emitted_call_is_redirected(b):
    own, other = b.connect(b.alice, "1002", b.carol)
    redirect(b, "carol", "1101")
    own.wait("ended")
    b.bob.ringing()
    yield idle("carol's channel calls bob: alice is out of it")
    other.hangup()
