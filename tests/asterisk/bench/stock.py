"""An Asterisk as its package configures it, with deploy/asterisk/ included step by step as its README says.

Nothing of the shipped templates is overridden here, so the phones of the bench, which speak plain RTP,
can call from the deskphones only; the web line is there to be looked at.
"""
import fetch_asterisk

from . import configuration, deployed

ACCOUNT = "unipresence"
PEOPLE = {"alice": "1000", "carol": "1002"}


def _included(name):
    return f'\n#include "{deployed.FOLDER}/{name}"\n'


def _line(device, kind, number):
    name = device.split("_", maxsplit=1)[0]
    return f"""
[{device}](unipresence-{kind}-aor)
[{device}](unipresence-auth)
username = {device}
password = {configuration.SECRET}
[{device}](unipresence-{kind})
aors = {device}
auth = {device}
context = office
callerid = {name.capitalize()} <{number}>
mailboxes = {number}@default
set_var = UNIPRESENCE_CONTEXT=office
set_var = UNIPRESENCE_NUMBER={number}
"""


def _additions():
    """What an administrator adds to each file: (file, before or after what is there, text)."""
    users = "".join(f"exten => {number},hint,Custom:unipresence-office-{number}\n"
                    f"exten => {number},1,Gosub(unipresence-user,{number},1(office))\n" for number in PEOPLE.values())
    lines = "".join(_line(person, "deskphone", number) for person, number in PEOPLE.items())
    return {
        # What such a system has anyway: PJSIP instead of the old SIP, one transport for each kind, HTTP.
        "modules.conf": "noload = chan_sip.so\n",
        "http.conf": "[general](+)\nenabled = yes\nbindaddr = 127.0.0.1\n",
        "pjsip.conf": _included("pjsip_unipresence.conf") + f"""
[global](unipresence-global)
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{configuration.SIP_PORT}
[ws]
type = transport
protocol = ws
bind = 127.0.0.1
""" + lines + _line("alice_w", "web", "1000"),
        "extensions.conf": f"""
[office]
include => unipresence-users-office
include => unipresence-features
[unipresence-users-office]
{users}{_included("extensions_unipresence.conf")}""",
        "manager.conf": _included("manager_unipresence.conf") + f"""
[{ACCOUNT}](unipresence-rights)
secret = {configuration.SECRET}
deny = 0.0.0.0/0.0.0.0
permit = 127.0.0.1/255.255.255.255
[{configuration.LISTENER_USER}]
secret = {configuration.SECRET}
read = all
write = all
""",
        "cel.conf": _included("cel_unipresence.conf"),
    }


def options(version):
    """The package's own files with the additions; asterisk.conf and logger.conf stay the bench's."""
    folder = fetch_asterisk.cache_folder() / version / "root/etc/asterisk"
    files = {str(file.relative_to(folder)): file.read_text("utf-8", "replace") for file in folder.rglob("*.conf")
             if file.name not in ("asterisk.conf", "logger.conf")}
    for name, text in _additions().items():
        files[name] += "\n" + text
    return configuration.Options(devices=[*PEOPLE], files=files)
