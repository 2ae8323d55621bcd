"""Asterisk's configuration made from users: applied, phones work with it; refused, the former one stays."""
import contextlib
import json
import subprocess

from bench import configuration, deployed
from bench.bench import ServedBench
from bench.link import PORT
from bench.phone import Phone
from bench.waiting import PATIENCE_SECONDS, until

FILES = ["extensions_unipresence_users.conf", "pjsip_unipresence_users.conf", "voicemail_unipresence_users.conf"]


def options(rendered):
    """An Asterisk whose users are in `rendered` only, as deploy/asterisk/README.md says."""
    shipped = deployed.FOLDER
    return configuration.Options(devices=[], files={
        "modules.conf": deployed.modules(), "manager.conf": deployed.manager(),
        "pjsip.conf": f"""#include "{shipped}/pjsip_unipresence.conf"
[global](unipresence-global)
[udp]
type=transport
protocol=udp
bind=127.0.0.1:{configuration.SIP_PORT}
#include "{rendered}/pjsip_unipresence_users.conf"
""",
        "extensions.conf": f"""[globals]
[default]
include => unipresence-users-default
include => unipresence-features
#include "{shipped}/extensions_unipresence.conf"
#include "{rendered}/extensions_unipresence_users.conf"
""",
        "voicemail.conf": f"""[general]
format=wav
maxsecs=60
minsecs=0
#include "{rendered}/voicemail_unipresence_users.conf"
""",
    })


@contextlib.contextmanager
def served(pool, asterisk, folder):
    rendered = folder / "rendered"
    rendered.mkdir()
    for name in FILES:
        (rendered / name).write_text("")
    settings = {"pbx": [{"name": "main", "host": "127.0.0.1", "port": PORT, "secret": configuration.SECRET,
                         "username": configuration.SERVER_USER, "configuration_folder": str(rendered)}]}
    with pool.alone(ServedBench, asterisk, options=options(rendered), settings=settings) as bench:
        yield bench, rendered


def client(bench, *arguments):
    words = bench.server._words("observer", *arguments, "--timeout", "60")
    return subprocess.run(words, capture_output=True, text=True, timeout=90, check=False)


def apply(bench, *flags):
    result = client(bench, "asterisk", "apply", "-o", "json", *flags)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def add(bench, name, number, *more):
    result = client(bench, "users", "add", name, "--display-name", f'{name}; "the {name}" \\ [x]', "--exten", number,
                    "--context", "default", "--pbx", "main", "--deskphone", f"PJSIP/{name}", *more)
    assert result.returncode == 0, result.stderr


def secret(rendered, name):
    """What the server made up for that line."""
    lines = (rendered / "pjsip_unipresence_users.conf").read_text().splitlines()
    return lines[lines.index(f"username = {name}") + 1].removeprefix("password = ")


def talk(bench, caller, number, callee):
    call, other = bench.connect(caller, number, callee)
    shown = other.invite.get("from")
    call.hangup()
    bench.wait_quiet()
    return shown


def wait_routed(bench, *numbers):
    """Waits until AstDB has all that a call to these numbers reads."""
    until(lambda: None not in {bench.listener.database_value(f"unipresence/default/{number}", key)
                               for number in numbers for key in deployed.keys("alice")},
          PATIENCE_SECONDS, f"the routing of {numbers} in AstDB")


def test_users_work_after_apply_and_a_broken_configuration_leaves_them_so(asterisk, pool, tmp_path):
    with served(pool, asterisk, tmp_path) as (bench, rendered):
        add(bench, "dora", "2001")
        add(bench, "erik", "2002", "--webrtc", "PJSIP/erik_w")
        difference = apply(bench, "--dry-run")
        assert difference["outcome"] == "VALIDATED" and not (rendered / FILES[1]).read_text()
        applied = apply(bench)
        assert applied["outcome"] == "APPLIED" and applied["changes"] == difference["changes"]
        assert "password = ***" in applied["changes"][1]["diff"]
        assert secret(rendered, "dora") not in json.dumps(applied)
        assert apply(bench)["outcome"] == "UNCHANGED"

        phones = {name: Phone(name, secret=secret(rendered, name)) for name in ("dora", "erik")}
        bench.phones.update(phones)
        for name, phone in phones.items():
            phone.register()
            bench.wait_device(name, "NOT_INUSE")
        wait_routed(bench, "2001", "2002")
        shown = talk(bench, bench.dora, "2002", bench.erik)
        assert "dora" in shown and "<sip:2001@" in shown, shown

        # Somebody breaks pjsip.conf: the next configuration is not loaded, and taken back.
        pjsip = bench.asterisk.run / "etc/pjsip.conf"
        good = pjsip.read_text()
        pjsip.write_text(good + "\n[broken\n")
        former = {name: (rendered / name).read_text() for name in FILES}
        add(bench, "frida", "2003")
        refused = client(bench, "asterisk", "apply")
        assert refused.returncode == 6, refused
        assert "endpoints frida" in refused.stderr, refused.stderr
        assert {name: (rendered / name).read_text() for name in FILES} == former
        assert {path.name for path in rendered.iterdir()} == set(FILES)
        for phone in phones.values():
            phone.register()
        talk(bench, bench.erik, "2001", bench.dora)

        pjsip.write_text(good)
        assert apply(bench)["outcome"] == "APPLIED"
        frida = bench.phones["frida"] = Phone("frida", secret=secret(rendered, "frida"))
        frida.register()
        bench.wait_device("frida", "NOT_INUSE")
        wait_routed(bench, "2003")
        talk(bench, bench.dora, "2003", frida)
