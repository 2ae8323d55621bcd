"""One call of one phone: its SIP dialog and what the phone can do in it."""
import re
import struct
import time
import urllib.parse

from . import sip
from .waiting import PATIENCE_SECONDS, until

# How far a call has come. `answering` and `refusing` wait for the ACK.
PROGRESS = {"calling": 0, "ringing": 1, "answering": 1, "refusing": 1, "answered": 2, "ended": 3}
REASONS = {180: "Ringing", 200: "OK", 486: "Busy Here", 603: "Decline", 487: "Request Terminated"}


class Call:
    """States: calling -> ringing -> answered -> ended."""

    def __init__(self, phone, target, incoming, invite=None, name=b""):
        self.phone = phone
        self.incoming = incoming
        self.invite = invite
        self.state = "calling"
        self.status = None  # of an ended call of ours: the refusing status
        self.reason = ""  # Reason header of the CANCEL, BYE or refusal that ended it
        self.notified = []  # the progress of a REFER, as sipfrag first lines
        self.at = {}  # state -> monotonic time
        self.call_id = invite.get("call-id") if invite else f"call-{sip.new_tag()}{sip.new_tag()}"
        self.local_tag = sip.new_tag()
        self.remote_tag = sip.parameter(invite.get("from"), "tag") if invite else ""
        self.target = target
        self.dialled = target
        self.dialling = None  # of an outgoing call: the transaction of its INVITE
        own, other = f"<sip:{phone.user}@127.0.0.1>", f"<{target}>"
        if name:
            own = f'"{name.decode("utf-8", "surrogateescape")}" {own}'
        if invite:
            own, other = invite.get("to").split(";tag")[0], invite.get("from").split(";tag")[0]
        self._own, self._other = own, other
        self._cseq = 0
        self._version = 0
        self._voice = 0
        self.remote_sdp = invite.body if invite else ""

    def __repr__(self):
        way = "in" if self.incoming else "out"
        return f"<call {way} {self.state} {self.status or ''}>"

    # --- what the test tells the phone ---

    def wait(self, state, seconds=PATIENCE_SECONDS):
        """Waits for a state; an answered call counts as one that rang, one that has ended by now as what it had been."""
        self.phone.wait(lambda: PROGRESS[self.state] >= PROGRESS[state], seconds, f"the call is {state}")
        been = [PROGRESS[one] for one in self.at if one != "ended"]
        if self.state == "ended" != state and max(been, default=0) < PROGRESS[state]:
            raise RuntimeError(f"{self.phone}: the call to {self.dialled} ended with {self.status}")
        return self

    def ring(self):
        with self.phone.changed:  # the time of a state is taken before it is told
            self._enter("ringing")
            self.phone.reply(self.invite, 180, REASONS[180], to_tag=self.local_tag,
                             headers=[("contact", self.phone.contact)])

    def answer(self, wait=True):
        """Answers 200; returns when Asterisk has acknowledged."""
        with self.phone.changed:
            self._enter("answering")
            self.phone.reply(self.invite, 200, REASONS[200], to_tag=self.local_tag, body=self.offer(),
                             headers=[("contact", self.phone.contact), ("content-type", "application/sdp")])
        if wait:
            self.wait("answered")

    def reject(self, status, wait=True, headers=()):
        """Refuses with a status such as 486 or 603."""
        with self.phone.changed:
            self.status = status
            self.phone.reply(self.invite, status, REASONS.get(status, "Refused"), to_tag=self.local_tag,
                             headers=headers)
            self._enter("refusing")
        if wait:
            self.wait("ended")

    def cancel(self):
        """Gives up a call that is not answered, once Asterisk has said anything to it (RFC 3261, 9.1)."""
        self.phone.wait(lambda: self.dialling.responses, PATIENCE_SECONDS, "a response to the INVITE to cancel")
        with self.phone.changed:
            first = self.dialling.request
            kept = [(k, v) for k, v in first.headers if k in ("via", "from", "to", "call-id", "max-forwards")]
            request = sip.Message(first.start.replace("INVITE", "CANCEL", 1),
                                  kept + [("cseq", f"{first.cseq} CANCEL")])
            self.phone.send(request)
        self.wait("ended")

    def hangup(self):
        """Ends the call; nothing happens if Asterisk was faster."""
        if self.state == "ended":
            return
        self._finish(self.request("BYE"))
        with self.phone.changed:
            self._enter("ended")
            self.phone.changed.notify_all()

    def hold(self, direction="sendonly"):
        """Re-INVITE that holds the other side (`sendonly`, or `inactive` as some phones say)."""
        self._reinvite(direction)

    def resume(self):
        self._reinvite("sendrecv")

    def transfer(self, number):
        """Blind transfer: REFER to a number; the phone leaves when it hears that the new call proceeds."""
        self._refer(f"<sip:{number}@127.0.0.1>")
        self._leave_transfer(r" (18\d|2\d\d) ")

    def transfer_to(self, other):
        """Attended transfer: the far ends of this call and of `other` are put together."""
        self._refer(f"<{other.dialled}?Replaces={urllib.parse.quote(other.dialog())}>")
        self._leave_transfer(r" 200 ")
        # Asterisk ends both. A CANCEL of a call that rings, sent before that, takes the other end along.
        other.wait("ended")

    def press(self, key):
        """Presses one key, told by SIP INFO."""
        answer = self._finish(self.request("INFO", [("content-type", "application/dtmf-relay")],
                                           f"Signal={key}\r\nDuration=100\r\n"))
        if answer.status != 200:
            raise RuntimeError(f"{self.phone}: the key {key} was answered {answer.start}")

    def send_voice(self):
        """One packet of silence to where Asterisk listens for this call."""
        port = re.search(r"m=audio (\d+)", self.remote_sdp)
        self._voice += 1
        packet = struct.pack("!BBHII", 0x80, 0, self._voice & 0xFFFF, self._voice * 160, 1) + b"\xff" * 160
        self.phone.send_datagram(packet, int(port[1]))

    def _leave_transfer(self, status):
        """Hangs up once Asterisk has notified this progress, unless it ended the call itself."""
        self.phone.wait(lambda: self.state == "ended" or any(re.search(status, n) for n in self.notified),
                        PATIENCE_SECONDS,
                        lambda: f"NOTIFY{status}of the transfer, had {self.notified}")
        self.hangup()

    # --- the dialog ---

    def next_cseq(self):
        self._cseq += 1
        return self._cseq

    def dialog(self):
        """The dialog as a Replaces header names it to Asterisk."""
        return f"{self.call_id};to-tag={self.remote_tag};from-tag={self.local_tag}"

    def offer(self, direction="sendrecv"):
        self._version += 1
        return sip.sdp(30000 + self.phone.port, direction, self._version)

    def request(self, method, headers=(), body="", cseq=None):
        """A request inside this dialog (or the INVITE that makes it)."""
        to = self._other + (f";tag={self.remote_tag}" if self.remote_tag else "")
        content = [("content-type", "application/sdp")] if body and method == "INVITE" else []
        return sip.Message(f"{method} {self.target} SIP/2.0", [
            ("via", self.phone.via()), ("max-forwards", "70"), ("from", f"{self._own};tag={self.local_tag}"),
            ("to", to), ("call-id", self.call_id), ("cseq", f"{cseq or self.next_cseq()} {method}"),
            ("contact", self.phone.contact), *headers, *content], body)

    def acknowledge(self, response, request):
        """ACK: of a success in the dialog, of a refusal in the transaction of the INVITE."""
        if response.status < 300:
            self.remote_tag = sip.parameter(response.get("to"), "tag")
            self.target = sip.uri_of(response.get("contact")) or self.target
            self.phone.send(self.request("ACK", cseq=response.cseq))
            return
        kept = [(k, v) for k, v in request.headers if k in ("via", "from", "call-id", "max-forwards")]
        self.phone.send(sip.Message(request.start.replace("INVITE", "ACK", 1),
                                    kept + [("to", response.get("to")), ("cseq", f"{response.cseq} ACK")]))

    def on_invite_response(self, response):
        if self.state == "answered":
            return  # a re-INVITE: the test waits for its transaction
        if response.status < 200:
            if response.status > 100:
                self.remote_tag = sip.parameter(response.get("to"), "tag")
                self._enter("ringing")
        elif response.status < 300:
            self.remote_sdp = response.body
            self._enter("answered")
        else:
            self.status, self.reason = response.status, response.get("reason")
            self._enter("ended")

    def on_ack(self):
        if self.state == "answering":
            self._enter("answered")
        elif self.state == "refusing":
            self._enter("ended")

    def on_request(self, request):
        if request.method == "INVITE":
            self.remote_sdp = request.body
            direction = sip.mirrored(request.body)
            self.phone.reply(request, 200, "OK", to_tag=self.local_tag, body=self.offer(direction),
                             headers=[("contact", self.phone.contact), ("content-type", "application/sdp")])
        elif request.method == "CANCEL":
            self.reason = request.get("reason")
            self.phone.reply(request, 200, "OK", to_tag=self.local_tag)
            if self.state in ("calling", "ringing"):
                self.phone.reply(self.invite, 487, REASONS[487], to_tag=self.local_tag)
                self._enter("refusing")
        else:
            if request.method == "NOTIFY":
                self.notified.append(request.body.split("\r\n")[0] + " ")
            self.phone.reply(request, 200, "OK", to_tag=self.local_tag)
            if request.method == "BYE":
                self.reason = request.get("reason")
                self._enter("ended")

    def _enter(self, state):
        self.state = state
        self.at.setdefault(state, time.monotonic())

    def _finish(self, request):
        return self.phone.finish(self.phone.send_request(request, self))

    def _reinvite(self, direction):
        """Asks again while Asterisk is changing the session by itself (491; RFC 3261, 14.1)."""
        def answered():
            answer = self._finish(self.request("INVITE", body=self.offer(direction)))
            return answer.status != 491 and answer
        answer = until(answered, PATIENCE_SECONDS, "an end of Asterisk's own re-INVITE")
        if answer.status != 200:
            raise RuntimeError(f"{self.phone}: re-INVITE answered {answer.start}")

    def _refer(self, refer_to):
        answer = self._finish(self.request("REFER", headers=[("refer-to", refer_to),
                                                             ("referred-by", f"<sip:{self.phone.user}@127.0.0.1>")]))
        if answer.status != 202:
            raise RuntimeError(f"{self.phone}: REFER answered {answer.start}")
