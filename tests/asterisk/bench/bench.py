"""One Asterisk with its phones and its listener, ready for calls."""
import contextlib
import pathlib
import re
import shutil
import tempfile

from . import configuration
from .ami import Listener
from .asterisk import Asterisk
from .link import PORT as LINK_PORT
from .link import Link
from .phone import Phone
from .server import Server
from .waiting import PATIENCE_SECONDS, until


class Bench:
    """Use as a context manager. Phones are attributes: alice, alice_w, bob, bob_w, carol (Options.devices)."""

    def __init__(self, version, options=None, boot=True):
        self.version = version
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"unipresence-asterisk{version}-"))
        self.asterisk = Asterisk(version, self.folder / "asterisk", options)
        self.listener = None
        self.phones = {user: Phone(user) for user in self.asterisk.options.devices}
        self.extra_phones = []
        if boot:
            try:
                self.boot()
            except Exception:
                self.close(keep=True)
                raise

    def __getattr__(self, name):
        phones = self.__dict__.get("phones", {})
        if name in phones:
            return phones[name]
        raise AttributeError(name)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close(keep=kind is not None)

    def boot(self, register=True):
        """Starts Asterisk, waits until it is fully booted and all phones are registered."""
        self.asterisk.start()
        self.listen()
        if register:
            self.register_all()

    def register_all(self):
        for phone in self.phones.values():
            phone.register()
        for user in self.phones:
            self.wait_device(user, "NOT_INUSE")

    def listen(self):
        """Opens a new AMI connection of the bench, once Asterisk takes one."""
        def connect():
            with contextlib.suppress(OSError, RuntimeError, TimeoutError):
                return Listener()
            return None
        if self.listener:
            self.listener.close()
        self.listener = until(connect, 60, "an AMI connection of the bench")
        self.listener.wait_booted()

    def wait_device(self, device, state, seconds=PATIENCE_SECONDS):
        """Waits until Asterisk itself reports this state of PJSIP/device."""
        until(lambda: self.listener.device_state(device) == state, seconds,
              lambda: f"PJSIP/{device} {state}, is {self.listener.device_state(device)}")

    def wait_contacts_on_disk(self):
        """Waits until Asterisk has committed the contacts: it does so up to a second later."""
        def stored():
            contacts = [key for key in self.asterisk.database_on_disk() if key.startswith("/registrar/contact/")]
            return {key.split("/")[3].split(";")[0] for key in contacts} >= set(self.phones)
        until(stored, PATIENCE_SECONDS, "the contacts in Asterisk's database file")

    @contextlib.contextmanager
    def without_endpoint(self, device):
        """Takes a device out of pjsip.conf and reloads it; puts it back at the end."""
        file = self.asterisk.run / "etc/pjsip.conf"
        text = file.read_text(encoding="utf-8")
        sections = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
        try:
            self._reload_pjsip(file, "".join(one for one in sections if not one.startswith(f"[{device}]")))
            self.wait_device(device, "INVALID")
            yield
        finally:
            self._reload_pjsip(file, text)

    def _reload_pjsip(self, file, text):
        file.write_text(text, encoding="utf-8")
        self.asterisk.command("module reload res_pjsip.so")

    def answer(self, phone):
        """The phone answers what rings; returns its call once Asterisk has bridged it.

        A person is never faster than the bridge; a phone of the bench would be.
        """
        since = self.listener.mark()
        call = phone.ringing()
        call.answer()
        self.wait_bridged(phone, since)
        return call

    def wait_bridged(self, phone, since):
        """Waits until a channel of this phone, since a mark of the listener, shares a bridge with another one."""
        def entered(event, bridge=None):
            return event.get("Event") == "BridgeEnter" and bridge in (None, event["BridgeUniqueid"])

        def is_own(event):
            return entered(event) and event["Channel"].rpartition("-")[0] == f"PJSIP/{phone.user}"
        bridge = self.listener.wait(is_own, since, what=f"the call of {phone} in a bridge")["BridgeUniqueid"]
        self.listener.wait(lambda e: entered(e, bridge) and e["BridgeNumChannels"] == "2", since,
                           what=f"both ends of the call of {phone} in one bridge")

    def connect(self, caller, number, callee):
        """A call that is answered: (call of the caller, call of the callee)."""
        call = caller.call(number)
        other = self.answer(callee)
        return call.wait("answered"), other

    def speak(self, *calls, until_true):
        """Sends voice on these calls until the condition holds: Local channels leave only on a frame."""
        def spoken():
            for call in calls:
                call.send_voice()
            return until_true()
        until(spoken, PATIENCE_SECONDS, "the effect of voice")

    def press(self, call, keys):
        """Presses keys one by one, each heard by Asterisk, which hears a key end only while voice comes."""
        for key in keys:
            since = self.listener.mark()
            call.press(key)
            self.speak(call, until_true=lambda: any(e.get("Event") == "DTMFEnd" for e in self.listener.events[since:]))

    def extra_phone(self, user):
        """A further phone (browser tab) of the same device."""
        phone = Phone(user)
        self.extra_phones.append(phone)
        return phone

    def forget_calls(self):
        """For phones whose calls died with Asterisk."""
        for phone in self.all_phones():
            phone.reset()

    def all_phones(self):
        return [*self.phones.values(), *self.extra_phones]

    def wait_quiet(self, seconds=PATIENCE_SECONDS):
        """Waits until no phone has a call and Asterisk has no channel."""
        until(lambda: not any(phone.live_calls() for phone in self.all_phones()), seconds,
              lambda: f"all calls ended: {[(p, p.live_calls()) for p in self.all_phones()]}")
        until(lambda: not self.listener.listing("CoreShowChannels"), seconds, "no channel left in Asterisk")

    def rest(self):
        """Back to the beginning after a scenario: phones as they were, nobody in a call."""
        self.wait_quiet()
        for phone in self.extra_phones:
            phone.close()
        self.extra_phones.clear()
        for phone in self.phones.values():
            phone.reset()

    def close(self, keep=False):
        """Ends everything that was started here; the run folder stays for a look if keep."""
        for phone in self.all_phones():
            phone.close()
        if self.listener:
            self.listener.close()
        self.asterisk.kill()
        if keep:
            print(f"the logs of Asterisk are in {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


class ServedBench(Bench):
    """A bench with the server under test on it, behind a link that can be cut."""

    def __init__(self, version, options=None, boot=True, settings=None, **more):
        """`settings` goes into the configuration of the server as it is, `more` is for the server."""
        self.server = self.link = None
        super().__init__(version, options, boot)
        try:
            self.link = Link()
            self.server = Server(self.folder / "server", lambda: self.listener, ami_port=LINK_PORT, settings=settings, **more)
            if boot:
                self.server.start()
        except Exception:
            self.close(keep=True)
            raise

    def close(self, keep=False):
        if self.server:
            self.server.kill()
        if self.link:
            self.link.close()
        super().close(keep)
