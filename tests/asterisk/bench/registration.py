"""Scenarios: contacts that come, move, expire or fall silent."""
from . import configuration
from .calls import web_call
from .scenario import IDLE, idle, row, scenario


def web_gone(what):
    return row(what, "NOT_INUSE UNAVAILABLE", out="AVAILABLE", web="4 AVAILABLE", desk="6 AVAILABLE")


def desk_gone(what):
    return row(what, "UNAVAILABLE NOT_INUSE", out="UNAVAILABLE", web="3 AVAILABLE", desk="6 UNAVAILABLE")


@scenario("registration")
def web_unregisters_and_returns(b):
    b.alice_w.unregister()
    yield web_gone("the browser unregisters")
    b.alice_w.register()
    yield idle("the browser is back")


@scenario("registration")
def desk_unregisters_and_returns(b):
    b.alice.unregister()
    yield desk_gone("the deskphone unregisters")
    b.alice_w.unregister()
    yield row("and the browser too", "UNAVAILABLE UNAVAILABLE", out="UNAVAILABLE", web="4 UNAVAILABLE",
              desk="6 UNAVAILABLE")
    b.alice_w.register()
    b.alice.register()
    yield idle("both are back")


@scenario("registration")
def web_has_two_tabs(b):
    tab = b.extra_phone("alice_w")
    tab.register()
    yield idle("a second tab registers")
    b.alice_w.unregister()
    yield idle("the first tab unregisters: the second is there")
    tab.unregister()
    yield web_gone("the second tab unregisters too")
    b.alice_w.register()
    yield idle("the browser is back")


@scenario("registration")
def desk_moves(b):
    moved = b.extra_phone("alice")
    moved.register()
    yield idle("the deskphone registers from another address, the old contact is removed")
    call = b.carol.call("1100")
    moved.ringing()
    yield row("and rings there", "RINGING NOT_INUSE", out="RINGING", web="3 AVAILABLE", desk="6 RINGING")
    call.cancel()
    b.alice.register()
    yield idle("it moves back")


@scenario("registration")
def web_registration_expires(b):
    b.alice_w.register(expires=1)
    b.wait_device("alice_w", "UNAVAILABLE", seconds=30)
    yield web_gone("the browser fell silent, its registration expired")
    b.alice_w.register()
    yield idle("the browser is back")


@scenario("registration")
def web_unregisters_during_a_call(b):
    call = b.carol.call("1200")
    b.answer(b.alice_w)
    b.alice_w.unregister()
    yield web_call("the line unregisters during a call: the channel lives on", "INUSE", "IN_USE")
    call.hangup()
    yield web_gone("the call ends")
    b.alice_w.register()
    yield idle("the browser is back")


@scenario("qualify", options=configuration.Options(qualify={"alice_w": 4}))
def web_stops_answering_options(b):
    b.wait_device("alice_w", "NOT_INUSE")
    yield IDLE
    b.alice_w.answers_options = False
    b.wait_device("alice_w", "UNAVAILABLE", seconds=30)
    yield web_gone("the browser no longer answers OPTIONS")
    b.alice_w.answers_options = True
    b.wait_device("alice_w", "NOT_INUSE", seconds=30)
    yield idle("it answers again")
