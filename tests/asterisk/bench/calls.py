"""Scenarios: plain calls, emitted and received, hold, call waiting, Originate, queue, Local."""
from .scenario import idle, row, scenario
from .waiting import PATIENCE_SECONDS, until


def desk_emits(what, deskphone="INUSE", **more):
    """alice's deskphone is in a call that it emitted, her web line is free."""
    states = {"INUSE": "IN_USE", "ONHOLD": "ON_HOLD", "RINGING": "RINGING", "RINGINUSE": "RINGING_IN_USE"}
    state = states[deskphone]
    return row(what, f"{deskphone} NOT_INUSE", out=state, web="2 IN_USE", desk=f"6 {state}", emitting=True, **more)


def desk_receives(what, deskphone, state, **more):
    """alice's deskphone is in a call that it received, her web line is free."""
    return row(what, f"{deskphone} NOT_INUSE", out=state, web="3 AVAILABLE", desk=f"6 {state}", **more)


def web_call(what, webrtc, state, **more):
    """alice's web line is in a call of either direction, her deskphone is free."""
    return row(what, f"NOT_INUSE {webrtc}", out="AVAILABLE", web=f"3 {state}", desk=f"5 {state}", **more)


# --- emitted ---

@scenario("emitted")
def desk_emits_answered(b):
    call = b.alice.call("1002")
    yield desk_emits("alice dials on her deskphone, carol rings")
    b.answer(b.carol)
    call.wait("answered")
    yield desk_emits("carol answers")
    call.hangup()
    yield idle("alice hangs up")


@scenario("emitted")
def desk_emits_answered_and_hung_up_by_the_other(b):
    call = b.alice.call("1002")
    b.answer(b.carol)
    yield desk_emits("carol answers")
    b.carol.talking().hangup()
    call.wait("ended")
    yield idle("carol hangs up")


@scenario("emitted")
def desk_emits_cancelled(b):
    call = b.alice.call("1002")
    yield desk_emits("carol rings")
    call.cancel()
    yield idle("alice gives up")


@scenario("emitted")
def desk_emits_to_a_silent_phone(b):
    b.carol.on_invite = "silent"
    call = b.alice.call("1002", wait=None)
    until(b.carol.live_calls, PATIENCE_SECONDS, "the INVITE at carol")
    yield desk_emits("carol's phone has the INVITE and says nothing yet", lags="deskphone")
    b.carol.live_calls()[0].ring()
    call.wait("ringing")
    yield desk_emits("carol's phone rings at last")
    call.cancel()
    yield idle("alice gives up")


@scenario("emitted")
def desk_emits_to_a_busy_phone(b):
    b.carol.on_invite = 486
    call = b.alice.call("1002", wait=None)
    call.wait("ended")
    assert call.status == 486, call.status
    yield idle("carol is busy: alice's call ends by itself")


@scenario("emitted")
def desk_emits_to_an_application(b):
    call = b.alice.call("5000", wait="answered")
    yield desk_emits("Asterisk itself answers")
    call.hangup()
    yield idle("alice hangs up")


@scenario("emitted")
def web_emits_answered(b):
    call = b.alice_w.call("1002")
    yield web_call("alice dials in the browser, carol rings", "INUSE", "IN_USE")
    b.answer(b.carol)
    call.wait("answered")
    yield web_call("carol answers", "INUSE", "IN_USE")
    call.hangup()
    yield idle("alice hangs up")


@scenario("emitted")
def web_emits_to_a_silent_phone_and_cancels(b):
    b.carol.on_invite = "silent"
    call = b.alice_w.call("1002", wait=None)
    until(b.carol.live_calls, PATIENCE_SECONDS, "the INVITE at carol")
    yield web_call("carol's phone says nothing yet", "INUSE", "IN_USE", lags="webrtc")
    b.carol.live_calls()[0].ring()
    call.wait("ringing")
    yield web_call("carol's phone rings at last", "INUSE", "IN_USE")
    call.cancel()
    yield idle("alice gives up")


# --- received ---

@scenario("received")
def desk_received(b):
    call = b.carol.call("1100")
    yield desk_receives("alice's deskphone rings", "RINGING", "RINGING")
    b.answer(b.alice)
    yield desk_receives("alice answers", "INUSE", "IN_USE")
    call.hangup()
    b.alice.calls[-1].wait("ended")
    yield idle("carol hangs up")


@scenario("received")
def web_received(b):
    call = b.carol.call("1200")
    yield web_call("the browser rings", "RINGING", "RINGING")
    b.answer(b.alice_w)
    yield web_call("alice answers", "INUSE", "IN_USE")
    b.alice_w.talking().hangup()
    call.wait("ended")
    yield idle("alice hangs up")


def both_ring(what):
    return row(what, "RINGING RINGING", out="RINGING", web="3 RINGING", desk="5 RINGING")


@scenario("received")
def both_ring_web_answers(b):
    call = b.carol.call("1000")
    b.alice.ringing()
    b.alice_w.ringing()
    yield both_ring("carol calls, both devices ring")
    b.answer(b.alice_w)
    b.alice.calls[-1].wait("ended")
    yield web_call("alice answers in the browser", "INUSE", "IN_USE")
    call.hangup()
    yield idle("carol hangs up")


@scenario("received")
def both_ring_desk_answers(b):
    call = b.carol.call("1000")
    b.alice.ringing()
    b.alice_w.ringing()
    yield both_ring("carol calls, both devices ring")
    b.answer(b.alice)
    b.alice_w.calls[-1].wait("ended")
    yield desk_receives("alice answers on the deskphone", "INUSE", "IN_USE")
    call.hangup()
    yield idle("carol hangs up")


@scenario("received")
def caller_gives_up(b):
    call = b.carol.call("1000")
    b.alice.ringing()
    b.alice_w.ringing()
    yield both_ring("carol calls, both devices ring")
    call.cancel()
    b.alice.calls[-1].wait("ended")
    b.alice_w.calls[-1].wait("ended")
    yield idle("carol gives up")


@scenario("received")
def desk_is_busy_by_itself(b):
    b.alice.on_invite = 486
    call = b.carol.call("1100", wait=None)
    call.wait("ended")
    assert call.status == 486, call.status
    yield idle("the deskphone refuses with 486 without ringing")


@scenario("received")
def web_rejects(b):
    call = b.carol.call("1200")
    yield web_call("the browser rings", "RINGING", "RINGING")
    b.alice_w.ringing().reject(603)
    call.wait("ended")
    yield idle("alice declines")


@scenario("received")
def no_answer_then_voicemail(b):
    call = b.carol.call("4000")
    b.alice.rang()
    call.wait("answered")  # by the voicemail, a second later
    b.alice.calls[-1].wait("ended")
    yield idle("nobody answers, the voicemail takes the call")
    call.hangup()
    yield idle("carol hangs up")


@scenario("received")
def web_answers_by_itself(b):
    b.alice_w.on_invite = "answer"
    call = b.carol.call("1200", wait="answered")
    yield web_call("the browser answers at once, without ringing", "INUSE", "IN_USE")
    call.hangup()
    yield idle("carol hangs up")


@scenario("received")
def desk_answers_by_itself(b):
    b.alice.on_invite = "answer"
    call = b.carol.call("1100", wait="answered")
    yield desk_receives("the deskphone answers at once: in use without ringing, yet received", "INUSE", "IN_USE")
    call.hangup()
    yield idle("carol hangs up")


# --- hold ---

@scenario("hold")
def desk_emits_with_holds(b):
    call = b.alice.call("1002")
    other = b.answer(b.carol)
    call.wait("answered").hold()
    yield desk_emits("alice holds", deskphone="INUSE", DESKPHONE="holding")
    call.resume()
    yield desk_emits("alice resumes")
    other.hold()
    yield desk_emits("carol holds", deskphone="ONHOLD", DESKPHONE="held")
    call.hold()
    yield desk_emits("alice holds as well", deskphone="ONHOLD", DESKPHONE="holding held")
    other.resume()
    call.resume()
    yield desk_emits("both resume")
    call.hangup()
    yield idle("alice hangs up")


@scenario("hold")
def desk_received_with_holds(b):
    call = b.carol.call("1100")
    own = b.answer(b.alice)
    own.hold("inactive")
    yield desk_receives("alice holds, her phone says inactive", "INUSE", "IN_USE", DESKPHONE="holding")
    own.resume()
    call.hold()
    yield desk_receives("carol holds", "ONHOLD", "ON_HOLD", DESKPHONE="held")
    call.hangup()
    yield idle("carol hangs up without resuming")


@scenario("hold")
def web_received_with_holds(b):
    call = b.carol.call("1200")
    own = b.answer(b.alice_w)
    own.hold()
    yield web_call("alice holds", "INUSE", "IN_USE", WEBRTC="holding")
    own.resume()
    yield web_call("alice resumes", "INUSE", "IN_USE")
    call.hold()
    yield web_call("carol holds", "ONHOLD", "ON_HOLD", WEBRTC="held")
    call.resume()
    yield web_call("carol resumes", "INUSE", "IN_USE")
    own.hangup()
    yield idle("alice hangs up")
