"""Scenarios: transfers, directed pickup and parking, with alice in each of the roles."""
from .calls import desk_emits, desk_receives, web_call
from .scenario import idle, scenario


def gone(b, *calls):
    for call in calls:
        call.wait("ended")
    b.wait_quiet()


# --- blind ---

@scenario("transfer")
def alice_transfers_blindly(b):
    caller, own = b.connect(b.carol, "1200", b.alice_w)
    own.transfer("1101")
    b.bob.ringing()
    yield idle("alice has transferred carol to bob, who rings")
    b.answer(b.bob)
    yield idle("carol and bob talk without alice")
    caller.hangup()
    gone(b, caller, b.bob.calls[-1])


@scenario("transfer")
def alice_who_emitted_is_transferred_blindly(b):
    own, other = b.connect(b.alice, "1101", b.bob)
    yield desk_emits("alice has called bob")
    other.transfer("1002")
    third = b.carol.ringing()
    yield desk_emits("bob transfers her to carol, who rings")
    b.answer(b.carol)
    yield desk_emits("carol answers: still the call that alice emitted")
    third.hangup()
    gone(b, own)


@scenario("transfer")
def alice_who_received_is_transferred_blindly(b):
    other, own = b.connect(b.bob, "1100", b.alice)
    yield desk_receives("bob has called alice", "INUSE", "IN_USE")
    other.transfer("1002")
    third = b.carol.ringing()
    yield desk_receives("bob transfers her to carol, who rings", "INUSE", "IN_USE")
    b.answer(b.carol)
    yield desk_receives("carol answers: still a call that alice received", "INUSE", "IN_USE")
    own.hangup()
    gone(b, third)


@scenario("transfer")
def a_caller_is_transferred_blindly_to_alice(b):
    caller, other = b.connect(b.carol, "1101", b.bob)
    other.transfer("1100")
    own = b.alice.ringing()
    yield desk_receives("bob transfers carol to alice, whose deskphone rings", "RINGING", "RINGING")
    b.answer(b.alice)
    yield desk_receives("alice answers", "INUSE", "IN_USE")
    caller.hangup()
    gone(b, own)


# --- attended ---

@scenario("transfer")
def alice_transfers_with_consultation(b):
    caller, own = b.connect(b.carol, "1100", b.alice)
    own.hold()
    yield desk_receives("alice has received a call and holds it", "INUSE", "IN_USE", DESKPHONE="holding")
    consult, other = b.connect(b.alice, "1101", b.bob)
    yield desk_emits("alice consults bob", DESKPHONE="holding")
    own.transfer_to(consult)
    yield idle("carol and bob talk without alice")
    caller.hangup()
    gone(b, other)


@scenario("transfer")
def alice_transfers_on_web_with_consultation(b):
    caller, own = b.connect(b.carol, "1200", b.alice_w)
    own.hold()
    consult, other = b.connect(b.alice_w, "1101", b.bob)
    yield web_call("alice holds carol and consults bob", "INUSE", "IN_USE", WEBRTC="holding")
    consult.transfer_to(own)
    yield idle("carol and bob talk without alice")
    caller.hangup()
    gone(b, other)


@scenario("transfer")
def alice_who_emitted_is_transferred_with_consultation(b):
    own, other = b.connect(b.alice, "1101", b.bob)
    other.hold()
    yield desk_emits("bob holds alice", deskphone="ONHOLD", DESKPHONE="held")
    consult, third = b.connect(b.bob, "1002", b.carol)
    other.transfer_to(consult)
    yield desk_emits("alice talks with carol: still the call that she emitted")
    third.hangup()
    gone(b, own)


@scenario("transfer")
def alice_who_received_is_transferred_with_consultation(b):
    other, own = b.connect(b.bob, "1100", b.alice)
    other.hold()
    yield desk_receives("bob holds alice", "ONHOLD", "ON_HOLD", DESKPHONE="held")
    consult, third = b.connect(b.bob, "1002", b.carol)
    other.transfer_to(consult)
    yield desk_receives("alice talks with carol: still a call that she received", "INUSE", "IN_USE")
    own.hangup()
    gone(b, third)


@scenario("transfer")
def a_caller_is_transferred_to_alice_with_consultation(b):
    caller, other = b.connect(b.carol, "1101", b.bob)
    other.hold()
    consult, own = b.connect(b.bob, "1100", b.alice)
    yield desk_receives("bob consults alice", "INUSE", "IN_USE")
    other.transfer_to(consult)
    yield desk_receives("alice talks with carol", "INUSE", "IN_USE")
    caller.hangup()
    gone(b, own)


@scenario("transfer")
def alice_who_emitted_joins_an_older_call(b):
    caller, older = b.connect(b.carol, "1101", b.bob)
    older.hold()
    own, consult = b.connect(b.alice, "1101", b.bob)
    yield desk_emits("alice calls bob, who holds carol")
    consult.transfer_to(older)
    yield desk_emits("bob puts alice and carol together: the linked id is carol's, alice still emits")
    caller.hangup()
    gone(b, own)


@scenario("transfer")
def alice_transfers_to_a_ringing_phone(b):
    caller, own = b.connect(b.carol, "1100", b.alice)
    own.hold()
    consult = b.alice.call("1101")
    b.bob.ringing()
    yield desk_emits("alice holds carol and dials bob, who rings", DESKPHONE="holding")
    own.transfer_to(consult)
    yield idle("alice transfers before bob answers")
    other = b.answer(b.bob)
    yield idle("bob answers")
    caller.hangup()
    gone(b, other)


@scenario("transfer")
def alice_transfers_to_an_application(b):
    caller, own = b.connect(b.carol, "1100", b.alice)
    own.hold()
    consult = b.alice.call("5000", wait="answered")
    yield desk_emits("alice holds carol and calls an application", DESKPHONE="holding")
    own.transfer_to(consult)
    yield idle("carol is in the application without alice")
    caller.hangup()
    gone(b)


@scenario("transfer")
def web_takes_over_the_call_of_the_desk(b):
    caller, own = b.connect(b.carol, "1100", b.alice)
    yield desk_receives("alice talks on the deskphone", "INUSE", "IN_USE")
    moved = b.alice_w.call("1100", wait="answered", replaces=own)
    own.wait("ended")
    yield web_call("the browser has replaced the deskphone (INVITE with Replaces)", "INUSE", "IN_USE")
    caller.hangup()
    gone(b, moved)


# --- pickup ---

@scenario("pickup")
def alice_picks_up_carols_call(b):
    caller = b.bob.call("1002")
    b.carol.ringing()
    own = b.alice.call("*81002", wait="answered")
    caller.wait("answered")
    b.carol.calls[-1].wait("ended")
    yield desk_receives("alice dialled the pickup code: the call she has now is a received one", "INUSE", "IN_USE")
    own.hangup()
    gone(b, caller)
    yield idle("alice hangs up")
    again = b.alice.call("1002")
    yield desk_emits("her next call is emitted again")
    again.cancel()


@scenario("pickup")
def alice_picks_up_on_web(b):
    caller = b.bob.call("1002")
    b.carol.ringing()
    b.alice_w.call("*81002", wait="answered")
    caller.wait("answered")
    yield web_call("alice picks up in the browser", "INUSE", "IN_USE")
    caller.hangup()


@scenario("pickup")
def somebody_picks_up_alices_call(b):
    caller = b.carol.call("1100")
    b.alice.ringing()
    yield desk_receives("alice's deskphone rings", "RINGING", "RINGING")
    other = b.bob.call("*81100", wait="answered")
    b.alice.calls[-1].wait("ended")
    yield idle("bob has taken the call")
    other.hangup()
    gone(b, caller)


@scenario("pickup")
def pickup_of_nothing(b):
    own = b.alice.call("*81002", wait=None)
    own.wait("ended")
    yield idle("nothing rings: the pickup fails")


# --- parking ---

def park(b, call):
    """Transfers the far end of this call to the car park."""
    since = b.listener.mark()
    call.transfer("799")
    b.listener.wait(lambda e: e.get("Event") == "ParkedCall", since, what="ParkedCall")


def take_from_park(b, phone):
    """The phone dials the parking place; returns its call once both ends are in one bridge."""
    since = b.listener.mark()
    call = phone.call("701", wait="answered")
    b.wait_bridged(phone, since)
    return call


@scenario("parking")
def alice_parks_and_retrieves(b):
    caller, own = b.connect(b.carol, "1100", b.alice)
    park(b, own)
    yield idle("alice has parked carol")
    back = take_from_park(b, b.alice)
    yield desk_emits("alice dials the place: she emitted this call")
    caller.hangup()
    gone(b, back)


@scenario("parking")
def alice_who_emitted_is_parked(b):
    own, other = b.connect(b.alice, "1101", b.bob)
    park(b, other)
    yield desk_emits("bob has parked alice, she hears music", DESKPHONE="held")
    third = take_from_park(b, b.carol)
    yield desk_emits("carol takes her from the place: still the call that alice emitted")
    third.hangup()
    gone(b, own)


@scenario("parking")
def alice_who_received_is_parked(b):
    other, own = b.connect(b.bob, "1100", b.alice)
    park(b, other)
    yield desk_receives("bob has parked alice", "INUSE", "IN_USE", DESKPHONE="held")
    third = take_from_park(b, b.carol)
    yield desk_receives("carol takes her from the place", "INUSE", "IN_USE")
    own.hangup()
    gone(b, third)
