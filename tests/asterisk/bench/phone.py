"""A SIP phone of the bench: a small user agent over UDP that does what the test tells it.

A thread per phone reads the socket and answers what a phone answers by itself; the test calls the
methods of Phone and Call, each of which waits for its effect on the wire, never for time.
"""
import itertools
import socket
import threading
import time

from . import configuration, sip
from .call import Call
from .subscription import Subscription
from .waiting import PATIENCE_SECONDS, until

ALLOW = ("allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, INFO")
RETRANSMIT_SECONDS = 0.5
REGISTER_SECONDS = 600  # asked for; Asterisk may grant less


class Transaction:
    """A request of ours that waits for its answers; sent again until one comes."""

    def __init__(self, request, call=None):
        self.request = request
        self.call = call
        self.responses = []
        self.challenged = None  # the request before the digest challenge
        self.sent_at = time.monotonic()

    @property
    def final(self):
        return next((r for r in self.responses if r.status >= 200), None)


class Phone:
    """One registered device on one port of 127.0.0.1."""

    _ports = itertools.count(6000)

    def __init__(self, user, port=None, secret=configuration.SECRET, server_port=configuration.SIP_PORT):
        self.user = user
        self.server = ("127.0.0.1", server_port)
        self.secret = secret
        self.port = port or next(Phone._ports)
        self.reset()
        self.changed = threading.Condition(threading.RLock())
        self._transactions = {}
        self._answered = {}  # (branch, method) -> bytes: a request sent again gets the same answer
        self._cseq = itertools.count(1)
        self._registration = (f"reg-{sip.new_tag()}", sip.new_tag())
        self._refresh_seconds = None  # None: it does not
        self._refreshing = None  # the transaction of the last refresh
        self._registered_at = 0.0
        self._closed = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", self.port))
        self._socket.settimeout(0.1)
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"phone-{user}")
        self._thread.start()

    def __repr__(self):
        return f"<phone {self.user}:{self.port}>"

    @property
    def contact(self):
        return f"<sip:{self.user}@127.0.0.1:{self.port}{self.contact_parameters}>"

    def close(self):
        """Pulls the plug: no unregister, no BYE."""
        self._closed = True
        self._thread.join()
        self._socket.close()

    def reset(self):
        """Factory settings; ended calls are forgotten."""
        self.on_invite = "ring"  # ring | answer (200 at once) | silent | a status code to refuse with | f(call)
        self.answers_options = True
        self.contact_parameters = ""  # such as `;ob`
        self.calls = []
        self.subscriptions = []
        self.waiting_messages = []  # bodies of the NOTIFYs about the mailbox, which come unasked

    # --- what the test tells the phone ---

    def register(self, expires=None):
        """Registers, and again by itself before that expires; with `expires` once, for so many seconds."""
        with self.changed:
            self._refresh_seconds = None
            pending = self._refreshing
        if pending:  # it would undo what comes now
            self.finish(pending)
        # A phone tries again when it is refused: an Asterisk that boots takes requests before it has read
        # its configuration, and challenges with an empty realm or refuses.
        seconds = REGISTER_SECONDS if expires is None else expires
        answers = []

        def accepted():
            answers.append(self.finish(self._send_register(seconds)))
            return answers[-1].status == 200
        until(accepted, PATIENCE_SECONDS, lambda: f"{self} registered; it was answered {answers[-1].start}")
        answer = answers[-1]
        granted = sip.parameter(answer.get("contact").rpartition(">")[2], "expires")
        self._refresh_seconds = int(granted) / 2 if expires is None else None
        self._registered_at = time.monotonic()

    def unregister(self):
        self.register(expires=0)

    def call(self, number, wait="ringing", replaces=None, name=b""):
        """Dials; returns when the far side rings (or, with wait=answered, answers; None: at once).

        With `replaces`, a call of any phone, this call takes its place. `name` is what the phone calls
        itself, in any bytes; Asterisk believes it of an endpoint without callerid.
        """
        call = Call(self, f"sip:{number}@127.0.0.1", incoming=False, name=name)
        with self.changed:
            self.calls.append(call)
            headers = [("replaces", replaces.dialog()), ("require", "replaces")] if replaces else []
            call.dialling = self.send_request(call.request("INVITE", headers, call.offer()), call)
        if wait:
            call.wait(wait)
        return call

    def subscribe(self, number):
        """A BLF key for a number; returns when it shows something."""
        key = Subscription(self, number)
        with self.changed:
            self.subscriptions.append(key)
        key.begin()
        return key

    def ringing(self, seconds=PATIENCE_SECONDS):
        """Waits until this phone rings; returns the call."""
        return self._waiting_call(lambda c: c.incoming and c.state == "ringing", seconds, "does not ring")

    def rang(self, seconds=PATIENCE_SECONDS):
        """Waits until this phone has rung since its reset, perhaps not for long; returns the call."""
        return self._waiting_call(lambda c: c.incoming and "ringing" in c.at, seconds, "has not rung")

    def talking(self, seconds=PATIENCE_SECONDS):
        """Waits until this phone talks by itself (auto-answer); returns the call."""
        return self._waiting_call(lambda c: c.state == "answered", seconds, "has no answered call")

    def live_calls(self):
        with self.changed:
            return [call for call in self.calls if call.state != "ended"]

    def wait(self, condition, seconds, what):
        with self.changed:
            if not self.changed.wait_for(condition, seconds):
                raise TimeoutError(f"{self}: not within {seconds} s: {what() if callable(what) else what}; calls: {self.calls}")

    def _waiting_call(self, matches, seconds, problem):
        found = []

        def look():
            found[:] = [call for call in self.calls if matches(call)]
            return found
        self.wait(look, seconds, problem)
        return found[-1]

    def _send_register(self, expires):
        call_id, tag = self._registration
        own = f"<sip:{self.user}@127.0.0.1>"
        return self.send_request(sip.Message("REGISTER sip:127.0.0.1 SIP/2.0", [
            ("via", self.via()), ("max-forwards", "70"), ("from", f"{own};tag={tag}"), ("to", own),
            ("call-id", call_id), ("cseq", f"{next(self._cseq)} REGISTER"),
            ("contact", f"{self.contact};expires={expires}"), ("expires", str(expires)), ALLOW]))

    def _refresh_registration(self):
        """What a phone does by itself; nobody waits for the answer."""
        with self.changed:
            if self._refresh_seconds and time.monotonic() - self._registered_at > self._refresh_seconds:
                self._registered_at = time.monotonic()
                self._refreshing = self._send_register(REGISTER_SECONDS)

    # --- the wire ---

    def via(self):
        return f"SIP/2.0/UDP 127.0.0.1:{self.port};branch={sip.new_branch()};rport"

    def send(self, message):
        self._socket.sendto(message.encode(), self.server)

    def send_datagram(self, data, port):
        self._socket.sendto(data, ("127.0.0.1", port))

    def send_request(self, request, call=None):
        transaction = Transaction(request, call)
        with self.changed:
            self._transactions[request.branch, request.method] = transaction
        self.send(request)
        return transaction

    def finish(self, transaction, seconds=PATIENCE_SECONDS):
        """Waits for the final response of a transaction (after the digest challenge, if one comes)."""
        self.wait(lambda: transaction.final, seconds, f"an answer to {transaction.request.start}")
        return transaction.final

    def _run(self):
        while not self._closed:
            self._refresh_registration()
            try:
                data = self._socket.recv(65536)
            except socket.timeout:
                self._retransmit()
                continue
            except OSError:  # an ICMP error: Asterisk is down at the moment
                continue
            if not data.strip():
                continue
            message = sip.Message.parse(data)
            with self.changed:
                (self._on_response if message.is_response else self._on_request)(message)
                self.changed.notify_all()

    def _retransmit(self):
        now = time.monotonic()
        with self.changed:
            for transaction in self._transactions.values():
                if not transaction.responses and now - transaction.sent_at > RETRANSMIT_SECONDS:
                    transaction.sent_at = now
                    self.send(transaction.request)

    def _on_response(self, response):
        transaction = self._transactions.get((response.branch, response.method))
        if transaction is None:
            return
        invite = response.method == "INVITE"
        if response.branch != transaction.request.branch:
            # Asterisk was slow and got the request twice: it challenges each.
            if invite and response.status >= 200:
                transaction.call.acknowledge(response, transaction.challenged)
            return
        if response.status in (401, 407) and not transaction.challenged:
            if invite:
                transaction.call.acknowledge(response, transaction.request)
            self._send_with_digest(transaction, response)
            return
        again = transaction.final is not None
        transaction.responses.append(response)
        if invite:
            if response.status >= 200:
                transaction.call.acknowledge(response, transaction.request)
            if not again:
                transaction.call.on_invite_response(response)

    def _send_with_digest(self, transaction, response):
        old = transaction.request
        challenge = response.get("www-authenticate") or response.get("proxy-authenticate")
        name = "authorization" if response.status == 401 else "proxy-authorization"
        method, uri = old.start.split()[:2]
        number = transaction.call.next_cseq() if transaction.call else next(self._cseq)
        replaced = {"via": self.via(), "cseq": f"{number} {method}"}
        headers = [(key, replaced.get(key, value)) for key, value in old.headers]
        headers.append((name, sip.authorization(challenge, method, uri, self.user, self.secret)))
        transaction.request = sip.Message(old.start, headers, old.body)
        transaction.challenged = old
        transaction.sent_at = time.monotonic()
        self._transactions[transaction.request.branch, method] = transaction
        self.send(transaction.request)

    def _on_request(self, request):
        key = (request.branch, request.method)
        if key in self._answered:
            if self._answered[key]:
                self.send(self._answered[key])
            return
        call = next((c for c in self.calls if c.call_id == request.get("call-id")), None)
        if request.method == "ACK":
            if call:
                call.on_ack()
        elif request.method == "OPTIONS":
            if self.answers_options:
                self.reply(request, 200, "OK", headers=[ALLOW])
        elif request.method == "INVITE" and call is None:
            self._on_new_call(request)
        elif call is not None:
            call.on_request(request)
        elif request.method in ("NOTIFY", "INFO"):
            self._on_notify(request)
            self.reply(request, 200, "OK")
        else:
            self.reply(request, 481, "Call/Transaction Does Not Exist")

    def _on_notify(self, request):
        if request.get("event").startswith("message-summary"):
            self.waiting_messages.append(request.body)
        for key in self.subscriptions:
            if key.call_id == request.get("call-id"):
                key.on_notify(request)

    def reply(self, request, status, reason, **more):
        answer = sip.response(request, status, reason, **more)
        self._answered[request.branch, request.method] = answer
        self.send(answer)

    def _on_new_call(self, request):
        call = Call(self, sip.uri_of(request.get("contact")), incoming=True, invite=request)
        self.calls.append(call)
        if self.on_invite == "silent":
            self._answered[request.branch, "INVITE"] = None
        elif self.on_invite == "ring":
            call.ring()
        elif self.on_invite == "answer":
            call.answer(wait=False)
        elif callable(self.on_invite):
            self.on_invite(call)
        else:
            call.reject(self.on_invite, wait=False)
