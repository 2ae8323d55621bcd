"""The bench as an administrator would have it: the files of deploy/asterisk/ included into an Asterisk.

Devices as ever, and `trunk`, who calls from outside.  Users alice 1000, bob 1001 (both with a deskphone
and a web line) and carol 1002 (deskphone only), all in context `default`:
  1000..1002 the users      33100N (context `from-trunk`) their direct numbers, 34100N those of context `sales`
  *21 *22 *23 *25 *50 *78 *79 *8 *98 the codes of unipresence-features
  5000 an application answers      6000 rings alice through a Local channel that stays
  09. a trunk, which is the phone `trunk`; the users show their direct number there
`Bench(version, deployed.OPTIONS)` has no keys in AstDB (the server writes them);
DeployedBench writes them itself, for tests without a server.
"""
import contextlib
import pathlib

from . import configuration
from .bench import Bench
from .waiting import NOISE_SECONDS

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "deploy/asterisk"
NUMBERS = {"alice": "1000", "bob": "1001", "carol": "1002"}
# Beside the account of the server: one that also takes CEL, and one with the rights but no filters.
HISTORY_USER = "historian"
UNFILTERED_USER = "unfiltered"
DEVICES = [*configuration.DEVICES, "trunk"]
# What Asterisk itself and its SIP need; func_shell, that nothing may reach; the rest comes with the product's own list.
MODULES = """
    app_echo app_cdr func_shell bridge_builtin_features bridge_builtin_interval_features bridge_holding bridge_native_rtp
    bridge_simple bridge_softmix cdr_manager chan_pjsip codec_alaw codec_gsm codec_ulaw format_gsm
    format_pcm format_wav res_pjproject res_pjsip res_pjsip_authenticator_digest
    res_pjsip_dtmf_info res_pjsip_endpoint_identifier_user res_pjsip_nat
    res_pjsip_outbound_authenticator_digest res_pjsip_registrar res_pjsip_sdp_rtp res_pjsip_session
    res_rtp_asterisk res_sorcery_astdb res_sorcery_config res_sorcery_memory res_timing_timerfd
""".split()


PATIENT = f"qualify_frequency=10\nqualify_timeout={NOISE_SECONDS}\n"


def _include(name):
    return f'#include "{FOLDER}/{name}"\n'


def modules():
    return ("[modules]\nautoload=no\n" + "".join(f"load={name}.so\n" for name in MODULES) +
            _include("modules_unipresence.conf"))


def _line(device, web, qualify):
    """One line of a user, as the server renders it; `web` is put into web lines, `qualify` into their AORs."""
    person = device.split("_", maxsplit=1)[0]
    number = NUMBERS[person]
    kind = "web" if device.endswith("_w") else "deskphone"
    # What the phones of the bench do otherwise: plain RTP in ulaw, from the port of their SIP; their
    # registrations may be short; and on a busy machine they may be slow to answer OPTIONS.
    plain = "rtp_symmetric=no\nallow=!all,ulaw\n" + (f"webrtc=no\n{web}" if kind == "web" else "")
    return f"""
[{device}](unipresence-{kind}-aor)
minimum_expiration=1
{qualify if kind == "web" else PATIENT}[{device}](unipresence-auth)
username={device}
password={configuration.SECRET}
[{device}](unipresence-{kind})
{plain}aors={device}
auth={device}
context=default
callerid={person.capitalize()} <{number}>
mailboxes={number}@default
set_var=UNIPRESENCE_CONTEXT=default
set_var=UNIPRESENCE_NUMBER={number}
set_var=UNIPRESENCE_OUTGOING_CALLER_ID={person.capitalize()} <33{number}>
"""


def pjsip(web="", qualify=PATIENT):
    return (_include("pjsip_unipresence.conf") + f"""
[global](unipresence-global)
contact_expiration_check_interval=1
[udp]
type=transport
protocol=udp
bind=127.0.0.1:{configuration.SIP_PORT}
""" + "".join(_line(device, web, qualify) for device in configuration.DEVICES) + f"""
[trunk]
type=aor
max_contacts=1
[trunk](unipresence-auth)
username=trunk
password={configuration.SECRET}
[trunk]
type=endpoint
aors=trunk
auth=trunk
context=from-trunk
trust_id_inbound=yes
allow=!all,ulaw
direct_media=no
""")


def dialplan():
    return f"""[globals]
[default]
include => unipresence-users-default
include => unipresence-features
exten => 5000,1,Answer()
 same => n,Echo()
exten => 6000,1,Dial(Local/1000@default/n,30)
exten => _09X.,1,Gosub(unipresence-outgoing,s,1)
 same => n,Dial(PJSIP/${{EXTEN:1}}@trunk,30)
[from-trunk]
exten => _33100X,1,Gosub(unipresence-did,${{EXTEN:2}},1(default))
exten => _34100X,1,Gosub(unipresence-did,${{EXTEN:2}},1(sales))
{_include("extensions_unipresence.conf")}
[unipresence-users-default]
""" + "".join(f"exten => {number},hint,Custom:unipresence-default-{number}\n"
              f"exten => {number},1,Gosub(unipresence-user,{number},1(default))\n" for number in NUMBERS.values())


def manager():
    return (_include("manager_unipresence.conf") +
            f"[general]\nenabled=yes\nport={configuration.AMI_PORT}\nbindaddr=127.0.0.1\ntimestampevents=yes\n"
            f"[{configuration.SERVER_USER}](unipresence-rights)\nsecret={configuration.SECRET}\n"
            f"[{HISTORY_USER}](unipresence-rights,unipresence-history)\nsecret={configuration.SECRET}\n"
            f"[{UNFILTERED_USER}]\nsecret={configuration.SECRET}\nread=system,call,user\n"
            f"[{configuration.LISTENER_USER}]\nsecret={configuration.SECRET}\nread=all\nwrite=all\n"
            "writetimeout=5000\n")


def voicemail():
    boxes = "".join(f"{number} => 1234,{person.capitalize()}\n" for person, number in NUMBERS.items())
    return f"[general]\nformat=wav\nmaxsecs=60\nminsecs=0\n[default]\n{boxes}"


def options(web="", qualify=PATIENT, **files):
    """An Asterisk with the product's files; `web` is put into web lines, `qualify` into their AORs, `files` replaces others."""
    return configuration.Options(devices=DEVICES, files={
        "modules.conf": modules(), "pjsip.conf": pjsip(web, qualify), "extensions.conf": dialplan(),
        "manager.conf": manager(), "voicemail.conf": voicemail(),
        "cel.conf": "[general]\n[manager]\n" + _include("cel_unipresence.conf"),
    } | {name.replace("_", "."): text for name, text in files.items()})


OPTIONS = options()


def keys(person, **changes):
    """What the server writes about a user at rest: deskphone in use, nothing set, a short ring."""
    web = f"PJSIP/{person}_w" if person != "carol" else ""
    given = {"user": person, "interface": f"PJSIP/{person}", "selected_device": "deskphone", "deskphone": f"PJSIP/{person}", "webrtc": web,
             "line_type": "unique_account" if web else "sip", "dnd": "0", "forward/unconditional": "",
             "forward/busy": "", "forward/no_answer": "", "ring_seconds": "30", "mailbox": ""}
    return given | {name.replace("forward_", "forward/"): value for name, value in changes.items()}


class DeployedBench(Bench):
    """A bench whose users are in AstDB, as if a server had written them and gone away."""

    def __init__(self, version, options=None, boot=True):
        super().__init__(version, options or OPTIONS, boot)

    def boot(self, register=True):
        super().boot(register)
        for person in NUMBERS:
            self.set_user(person)

    def rest(self):
        super().rest()
        for user, phone in self.phones.items():
            if self.listener.device_state(user) != "NOT_INUSE":
                phone.register()
                self.wait_device(user, "NOT_INUSE")
        for person in NUMBERS:
            self.set_user(person)

    def set_user(self, person, context="default", **changes):
        """Writes all keys of a user: those of keys() with these changes (forward_busy="1002" and so on)."""
        for key, value in keys(person, **changes).items():
            answer = self.listener.action("DBPut", Family=self.family(person, context), Key=key, Val=value)
            assert answer["Response"] == "Success", (key, value, answer)
        if self.key(person, "phone_changes") is not None:
            self.listener.action("DBDel", Family=self.family(person), Key="phone_changes")

    def key(self, person, name):
        """A key of a user as AstDB has it, or None if it is not there."""
        return self.listener.database_value(self.family(person), name)

    @staticmethod
    def family(person, context="default"):
        return f"unipresence/{context}/{NUMBERS[person]}"

    def set_presence(self, person, state):
        """Sets the fused state on which the hint stands."""
        device = f"DEVICE_STATE(Custom:unipresence-default-{NUMBERS[person]})"
        answer = self.listener.action("Setvar", Variable=device, Value=state)
        assert answer["Response"] == "Success", (state, answer)


@contextlib.contextmanager
def lease(pool, version):
    """A DeployedBench of the pool; says what Asterisk did if the body fails."""
    with pool.lease(DeployedBench, version) as bench:
        since = bench.listener.mark()
        try:
            yield bench
        except Exception:
            print(bench.listener.said(since, "Newexten", "UserEvent", "Newstate", "Hangup"))
            raise
