"""A phone's SUBSCRIBE to what somebody does (a BLF key), and the NOTIFYs that come."""
import re

from . import sip
from .waiting import PATIENCE_SECONDS

DIALOG = ("dialog", "application/dialog-info+xml")
EXPIRES_SECONDS = 600  # it is not refreshed


def _state(body):
    state = re.search(r"<state>(\w+)</state>", body)
    held = re.search(r'pname="\+sip.rendering" pvalue="no"', body)
    return (state[1] if state else "none") + (" held" if held else "")


class Subscription:
    """One subscription to the dialogs of a number; ends with the phone or by end()."""

    def __init__(self, phone, number, package=DIALOG):
        self.phone = phone
        self.notified = []  # bodies, in the order in which they came
        self.call_id = f"sub-{sip.new_tag()}{sip.new_tag()}"
        self._target = f"sip:{number}@127.0.0.1"
        self._package = package
        self._tags = (sip.new_tag(), "")
        self._cseq = 0

    def begin(self):
        self._send(EXPIRES_SECONDS, 200)
        self.phone.wait(lambda: self.notified, PATIENCE_SECONDS, f"a first NOTIFY about {self._target}")

    def end(self):
        self._send(0, 200)

    def states(self):
        """What the key has shown, as each NOTIFY says: the dialog's state, `held` if it is on hold."""
        return [_state(body) for body in self.notified]

    def state(self):
        """What the key shows now."""
        return _state(self.notified[-1])

    def wait_state(self, state, seconds=PATIENCE_SECONDS):
        self.phone.wait(lambda: self.state() == state, seconds, lambda: f"the key shows {state}, shows {self.state()}")

    def on_notify(self, request):
        self.notified.append(request.body)

    def next_cseq(self):
        self._cseq += 1
        return self._cseq

    def _send(self, expires, status):
        own, (tag, remote_tag) = f"<sip:{self.phone.user}@127.0.0.1>", self._tags
        event, accept = self._package
        request = sip.Message(f"SUBSCRIBE {self._target} SIP/2.0", [
            ("via", self.phone.via()), ("max-forwards", "70"), ("from", f"{own};tag={tag}"),
            ("to", f"<{self._target}>" + (f";tag={remote_tag}" if remote_tag else "")), ("call-id", self.call_id),
            ("cseq", f"{self.next_cseq()} SUBSCRIBE"), ("contact", self.phone.contact), ("event", event),
            ("accept", accept), ("expires", str(expires))])
        answer = self.phone.finish(self.phone.send_request(request, self))
        if answer.status != status:
            raise RuntimeError(f"{self.phone}: SUBSCRIBE {self._target} answered {answer.start}")
        self._tags = (tag, sip.parameter(answer.get("to"), "tag"))
