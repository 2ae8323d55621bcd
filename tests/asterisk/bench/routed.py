"""What became of a call in the dialplan: where it rang, what was executed, how it ended for the caller."""
import re

from .waiting import PATIENCE_SECONDS


class Routed:
    """One call of a caller on a DeployedBench, from its INVITE until nobody is in it any more."""

    def __init__(self, bench, caller, number):
        self.bench = bench
        self.caller = caller
        self._since = bench.listener.mark()
        self._ended = False
        self.call = caller.call(number, wait=None)

    def refused(self, seconds=PATIENCE_SECONDS):
        """Waits until Asterisk has refused the call; returns (SIP status, Q.850 cause)."""
        self.call.wait("ended", seconds)
        self._finish()
        cause = re.search(r"cause=(\d+)", self.call.reason)
        return self.call.status, int(cause[1]) if cause else None

    def answered_by(self, phone, seconds=PATIENCE_SECONDS):
        """Waits until this phone rings, answers, and ends the call."""
        phone.ringing(seconds)
        self.bench.answer(phone)
        self.hang_up()

    def hang_up(self, seconds=PATIENCE_SECONDS):
        """Waits until Asterisk or somebody answers, and ends the call."""
        self.call.wait("answered", seconds)
        self.call.hangup()
        self._finish()

    def _finish(self):
        self.bench.wait_quiet()
        # The last that is said about the caller's channel: everything else has been said by then.
        self.bench.listener.wait(lambda e: e.get("Event") == "Hangup" and self._own(e), self._since,
                                 what="the end of the caller's channel")

    def _own(self, event):
        return event.get("Channel", "").rpartition("-")[0] == f"PJSIP/{self.caller.user}"

    def _said(self, name):
        return [e for e in self.bench.listener.events[self._since:] if e.get("Event") == name]

    @property
    def rang(self):
        """The devices that were called, as a set of names."""
        return {phone.user for phone in self.bench.all_phones() if any(call.incoming for call in phone.calls)}

    @property
    def dialled_outside(self):
        """The numbers that the trunk was asked for."""
        return [re.search(r"sip:([^@]*)@", call.invite.start)[1] for call in self.bench.trunk.calls if call.incoming]

    @property
    def dial_statuses(self):
        """How each Dial of the caller's channel ended."""
        ends = []
        for event in self._said("VarSet"):
            if event["Variable"] == "DIALSTATUS" and self._own(event):
                if not event["Value"]:  # a Dial begins; a bridged one tells its end twice
                    ends.append("")
                ends[-1] = event["Value"]
        return ends

    @property
    def outcomes(self):
        """What the dialplan told of it, as `OUTCOME destination forwarding`."""
        return [" ".join(filter(None, (e["Outcome"], e["Destination"], e["Forwarding"])))
                for e in self._said("UserEvent") if e["UserEvent"] == "UnipresenceOutcome"]

    def ran(self, application):
        """The arguments with which the caller's channel ran an application."""
        return [e["AppData"] for e in self._said("Newexten") if self._runs(e, application)]

    def wait_runs(self, application, seconds=PATIENCE_SECONDS):
        """Waits until the caller's channel runs an application; returns its arguments."""
        event = self.bench.listener.wait(lambda e: self._runs(e, application), self._since, seconds, application)
        return event["AppData"]

    def _runs(self, event, application):
        return event.get("Event") == "Newexten" and event["Application"] == application and self._own(event)
