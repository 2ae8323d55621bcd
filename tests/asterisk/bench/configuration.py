"""The Asterisk configuration of the bench, written into one run folder.

Devices: alice, bob (each a deskphone `X` and a web line `X_w`) and carol (deskphone only).
Numbers, all in context `default`, N of alice, bob, carol = 0, 1, 2:
  100N both lines ring      110N the deskphone      120N the web line
  2000 queue with the deskphones of alice      2001 queue whose member is a Local channel
  310N Local channel to the deskphone, which optimises itself away      311N one that stays (/n)
  799 park      701-720 parked calls      *8NUMBER directed pickup of a ringing number
  4000 one second of alice's deskphone, then her voicemail      5000 an application answers
"""
import dataclasses
import pathlib

SIP_PORT = 5060
AMI_PORT = 5038
SECRET = "bench-secret"
# The rights the product asks for in its own manager.conf; the listener of the bench reads all.
SERVER_USER = "unipresence"
LISTENER_USER = "listener"
DEVICES = ["alice", "alice_w", "bob", "bob_w", "carol"]


@dataclasses.dataclass
class Options:
    """What a scenario may want to be otherwise."""

    qualify: dict = dataclasses.field(default_factory=dict)  # device -> seconds between OPTIONS
    devices: list = dataclasses.field(default_factory=lambda: DEVICES)  # who has a phone
    files: dict = dataclasses.field(default_factory=dict)  # file name -> text, or f(root, run), instead


def modules():
    loaded = """
    pbx_config app_cdr app_db app_dial app_directed_pickup app_echo app_playback app_queue app_softhangup app_stack
    app_userevent app_verbose app_voicemail app_originate bridge_builtin_features
    bridge_builtin_interval_features bridge_holding bridge_native_rtp bridge_simple bridge_softmix
    cdr_manager cel_manager chan_pjsip codec_alaw codec_gsm codec_ulaw format_gsm format_pcm format_wav
    func_callerid func_cdr func_channel func_cut func_db func_devstate func_dialplan func_extstate
    func_global func_groupcount func_hangupcause func_logic func_pjsip_aor func_pjsip_contact
    func_pjsip_endpoint func_strings func_timeout func_uri res_adsi res_musiconhold res_parking
    res_http_websocket res_manager_devicestate res_manager_presencestate res_pjproject res_pjsip
    res_pjsip_acl res_pjsip_authenticator_digest res_pjsip_caller_id
    res_pjsip_dialog_info_body_generator res_pjsip_diversion res_pjsip_dtmf_info
    res_pjsip_endpoint_identifier_ip res_pjsip_endpoint_identifier_user res_pjsip_exten_state
    res_pjsip_header_funcs res_pjsip_logger res_pjsip_messaging res_pjsip_mwi
    res_pjsip_mwi_body_generator res_pjsip_nat res_pjsip_notify res_pjsip_outbound_authenticator_digest
    res_pjsip_outbound_publish res_pjsip_outbound_registration res_pjsip_path
    res_pjsip_pidf_body_generator res_pjsip_pubsub res_pjsip_refer res_pjsip_registrar
    res_pjsip_rfc3326 res_pjsip_sdp_rtp res_pjsip_session res_pjsip_transport_websocket
    res_rtp_asterisk res_sorcery_astdb res_sorcery_config res_sorcery_memory res_sorcery_realtime
    res_srtp res_timing_timerfd
    """.split()
    return "[modules]\nautoload=no\n" + "".join(f"load={name}.so\n" for name in loaded)


def asterisk(root, run):
    library = next(root.glob("usr/lib/**/asterisk/modules"))
    folders = {
        "astetcdir": run / "etc", "astmoddir": library, "astvarlibdir": run / "lib",
        "astdbdir": run / "lib", "astkeydir": run / "lib", "astdatadir": root / "usr/share/asterisk",
        "astagidir": run / "lib", "astspooldir": run / "spool", "astrundir": run / "run",
        "astlogdir": run / "log", "astsbindir": root / "usr/sbin",
    }
    lines = "".join(f"{name} => {path}\n" for name, path in folders.items())
    return f"[directories]\n{lines}[options]\nentityid=02:00:00:00:00:01\nverbose=3\ndebug=0\n"


def pjsip(options):
    text = f"[global]\ntype=global\ncontact_expiration_check_interval=1\n[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:{SIP_PORT}\n"
    for device in DEVICES:
        # A deskphone moves with its registration, a browser may have several tabs.
        aor = "max_contacts=5" if device.endswith("_w") else "max_contacts=1\nremove_existing=yes"
        qualify = options.qualify.get(device, 0)
        person = device.split("_", maxsplit=1)[0]
        number = 1000 + ["alice", "bob", "carol"].index(person)
        text += f"""
[{device}]
type=aor
{aor}
minimum_expiration=1
default_expiration=120
qualify_frequency={qualify}
qualify_timeout=3.5

[{device}]
type=auth
auth_type=userpass
username={device}
password={SECRET}

[{device}]
type=endpoint
aors={device}
auth={device}
context=default
disallow=all
allow=ulaw
direct_media=no
rtp_symmetric=no
callerid={person.capitalize()} <{number}>
mailboxes={number}@default
"""
    return text


def dialplan():
    text = "[globals]\n[default]\n"
    for index, person in enumerate(["alice", "bob", "carol"]):
        web = f"&PJSIP/{person}_w" if person != "carol" else ""
        text += f"""
exten => 100{index},hint,PJSIP/{person}{web}
exten => 100{index},1,Dial(PJSIP/{person}{web},120)
 same => n,Goto(failed,s,1)
exten => 110{index},1,Dial(PJSIP/{person},120)
 same => n,Goto(failed,s,1)
exten => 120{index},1,Dial(PJSIP/{person}_w,120)
 same => n,Goto(failed,s,1)
exten => 310{index},1,Dial(Local/110{index}@default,120)
exten => 311{index},1,Dial(Local/110{index}@default/n,120)
"""
    return text + """
exten => 2000,1,Answer()
 same => n,Queue(support,,,,120)
exten => 2001,1,Answer()
 same => n,Queue(local,,,,120)
exten => _*8.,1,Pickup(${EXTEN:2}@default)

exten => 4000,1,Dial(PJSIP/alice,1)
 same => n,VoiceMail(1000@default,us)
exten => 5000,1,Answer()
 same => n,Echo()
include => parkedcalls

[failed]
exten => s,1,GotoIf($["${DIALSTATUS}"="BUSY"]?busy)
 same => n,Hangup(${HANGUPCAUSE})
 same => n(busy),Hangup(17)
"""


def manager():
    text = f"[general]\nenabled=yes\nport={AMI_PORT}\nbindaddr=127.0.0.1\ntimestampevents=yes\n"
    rights = {SERVER_USER: ("system,call,cdr,user", "system,call,originate"), LISTENER_USER: ("all", "all")}
    for user, (read, write) in rights.items():
        text += f"\n[{user}]\nsecret={SECRET}\nread={read}\nwrite={write}\nwritetimeout=5000\n"
    return text


OTHERS = {
    "logger.conf": "[general]\ndateformat=%H:%M:%S.%3q\n[logfiles]\nmessages => notice,warning,error,verbose\n",
    "cdr.conf": "[general]\nenable=yes\n",
    "cdr_manager.conf": "[general]\nenabled=yes\n",
    "cel.conf": "[general]\nenable=yes\napps=dial,park,queue\nevents=ALL\n[manager]\nenabled=yes\n",
    "cli.conf": "", "rtp.conf": "[general]\nrtpstart=20000\nrtpend=20999\nstrictrtp=no\n", "http.conf": "[general]\nenabled=no\n",
    "udptl.conf": "", "ccss.conf": "", "indications.conf": "[general]\ncountry=us\n[us]\ndescription=us\nringcadence=2000,4000\ndial=350+440\nbusy=480+620/500,0/500\nring=440+480/2000,0/4000\ncongestion=480+620/250,0/250\n",
    "features.conf": "", "acl.conf": "", "pjproject.conf": "", "pjsip_notify.conf": "", "sorcery.conf": "",
    "res_parking.conf": "[general]\n[default]\nparkext=799\nparkpos=701-720\ncontext=parkedcalls\n"
                        "parkingtime=120\nfindslot=first\ncomebacktoorigin=no\n",
    "queues.conf": "[general]\n[support]\nstrategy=ringall\ntimeout=120\nringinuse=no\nmember => PJSIP/alice\n"
                   "[local]\nstrategy=ringall\ntimeout=120\nmember => Local/1100@default/n,0,Alice,PJSIP/alice\n",
    "voicemail.conf": "[general]\nformat=wav\nmaxsecs=60\nminsecs=0\n"
                      "[default]\n1000 => 1234,Alice\n1001 => 1234,Bob\n",
}


def write(root: pathlib.Path, run: pathlib.Path, options: Options):
    """Writes every file Asterisk needs below `run`; the unpacked tree in `root` is only read."""
    for folder in ("etc", "lib", "spool", "run", "log", "moh"):
        (run / folder).mkdir(parents=True, exist_ok=True)
    (run / "moh/silence.ulaw").write_bytes(b"\xff" * 16000)  # without a file no music starts
    files = {
        "asterisk.conf": asterisk(root, run), "modules.conf": modules(), "pjsip.conf": pjsip(options),
        "extensions.conf": dialplan(), "manager.conf": manager(),
        "musiconhold.conf": f"[default]\nmode=files\ndirectory={run}/moh\n", **OTHERS,
        **options.files,
    }
    for name, given in files.items():
        text = given(root, run) if callable(given) else given
        file = run / "etc" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
