"""What a scenario is: steps of a call, and after each step the presence that alice must have.

A scenario is a generator: it makes the phones do something, waits for the effect on the phones and
yields a Row, the settled truth at that moment.  The rows were derived by hand from the fusion rules.
Whoever runs the scenario (the self-test of the bench, the tests of the server, the recorder) checks
or writes down the row before the next step.
"""
import dataclasses

RULES = {1: "LOGGED_OUT", 2: "DESKPHONE_EMITTED_CALL", 3: "SELECTED_WEBRTC", 4: "WEBRTC_UNREACHABLE",
         5: "WEBRTC_CALL", 6: "SELECTED_DESKPHONE"}
HINTS = {"AVAILABLE": 0, "IN_USE": 1, "BUSY": 2, "UNAVAILABLE": 4, "RINGING": 8, "RINGING_IN_USE": 9,
         "ON_HOLD": 16, "UNKNOWN": 4}
MODES = ["out", "web", "desk"]  # logged out; logged in with the web line, with the deskphone selected


@dataclasses.dataclass(frozen=True)
class Presence:
    """What is published of a user."""

    state: str
    rule: str
    device_in_use: str

    @property
    def hint(self):
        return HINTS[self.state]


@dataclasses.dataclass(frozen=True)
class Row:
    """The settled truth after one step."""

    what: str  # the step, for people
    deskphone: str  # line states
    webrtc: str
    presence: dict  # mode -> Presence
    emitting: bool | None  # the deskphone has a live channel that it originated itself; None: left open
    lags: str  # a line whose device state Asterisk does not report yet although it is in a call
    hold: dict  # line kind -> holding | held


def row(what, lines, out, web, desk, emitting=False, lags="", **hold):
    """lines: `DESKPHONE WEBRTC` states; out, web, desk: the presence in that mode, `RULE STATE`
    (logged out it is always rule 1, so the state alone)."""
    deskphone, webrtc = lines.split()
    presence = {"out": Presence(out, RULES[1], "DESKPHONE")}
    for mode, text in (("web", web), ("desk", desk)):
        number, state = text.split()
        # Selected WEBRTC is in use unless it cannot be reached, which is what rule 4 says.
        device = "WEBRTC" if mode == "web" and number != "4" else "DESKPHONE"
        presence[mode] = Presence(state, RULES[int(number)], device)
    return Row(what, deskphone, webrtc, presence, emitting, lags, hold)


IDLE = row("idle", "NOT_INUSE NOT_INUSE", out="AVAILABLE", web="3 AVAILABLE", desk="6 AVAILABLE")


def idle(what):
    return dataclasses.replace(IDLE, what=what)


SCENARIOS = {}


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    steps: object  # function(bench) -> generator of Rows
    group: str
    options: object  # configuration.Options for an Asterisk of its own, or None to share one


def scenario(group, options=None):
    """Registers a generator function under its own name."""
    def register(steps):
        assert steps.__name__ not in SCENARIOS, steps.__name__
        SCENARIOS[steps.__name__] = Scenario(steps.__name__, steps, group, options)
        return steps
    return register


def all_scenarios():
    from . import calls, registration, several, transfers  # noqa: F401, PLC0415  (they register themselves)
    return list(SCENARIOS.values())
