"""Asterisk's configuration made from users: applied, phones work with it; refused, the former one stays."""
import contextlib
import json
import subprocess

import pytest

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
    words = bench.server._words("observer", *arguments)
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
        assert "cannot read its pjsip.conf" in refused.stderr, refused.stderr
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


# Made by hand: what it is called, in which file it stands, what stands there. The rendering brings the
# endpoints, AORs and auths dora (and later erik), the hint 2001 and the box 2001@default.
BY_HAND = {
    "endpoint": ("endpoint erik", "pjsip.conf", "[erik]\ntype=endpoint\ncontext=default\nallow=ulaw\n"),
    "aor": ("aor erik", "pjsip.conf", "[erik]\ntype=aor\nmax_contacts=1\n"),
    "auth": ("auth erik", "pjsip.conf", "[erik]\ntype=auth\nauth_type=userpass\nusername=erik\npassword=by-hand\n"),
    "other case": ("endpoint Erik", "pjsip.conf", "[Erik]\ntype=endpoint\ncontext=default\nallow=ulaw\n"),
    "from a template": ("endpoint erik", "pjsip.conf", "[tpl](!)\ntype=endpoint\nallow=ulaw\n[erik](tpl)\n"),
    "rendered already": ("endpoint dora", "pjsip.conf", "[dora]\ntype=endpoint\ncontext=default\nallow=ulaw\n"),
    "hint": ("hint 2002@unipresence-users-default", "extensions.conf",
             "[unipresence-users-default]\nexten => 2002,hint,PJSIP/erik\n"),
    "hint before": ("hint 2002@default", "extensions.conf", "[default](+)\nexten => 2002,hint,PJSIP/erik\n"),
    "box": ("voicemail box 2002@default", "voicemail.conf", "[default]\n2002 => 1234,Erik\n"),
}


def state(rendered):
    """Bytes, mode and time of every file there."""
    return {path.name: (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns) for path in rendered.iterdir()}


def status(bench):
    return json.loads(client(bench, "pbx", "status", "-o", "json").stdout.splitlines()[0])


def restart(bench, *names):
    """Restarts Asterisk and waits until the server follows it; the phones of these register again, as phones do."""
    before = int(status(bench)["resync_count"])
    bench.asterisk.terminate()
    bench.asterisk.start()
    bench.listen()
    for name in names:
        def registers(phone=bench.phones[name]):
            with contextlib.suppress(AssertionError, TimeoutError, RuntimeError):
                phone.register()
                return True
            return False
        until(registers, PATIENCE_SECONDS, f"{name} registers")
        # Asterisk kept the contact, and asks it at some moment of qualify_frequency whether it is there.
        bench.asterisk.command(f"pjsip qualify {name}")
        bench.wait_device(name, "NOT_INUSE")
    until(lambda: int(status(bench)["resync_count"]) > before, PATIENCE_SECONDS, "the server follows the new Asterisk")


def phone(bench, rendered, name):
    bench.phones[name] = Phone(name, secret=secret(rendered, name))
    bench.phones[name].register()
    bench.wait_device(name, "NOT_INUSE")


@pytest.mark.parametrize("loaded", [False, True], ids=["not loaded yet", "loaded"])
def test_names_made_by_hand_are_told_and_nothing_is_written(asterisk, pool, tmp_path, loaded):
    with served(pool, asterisk, tmp_path) as (bench, rendered):
        etc = bench.asterisk.run / "etc"
        add(bench, "dora", "2001", "--voicemail", "2001")
        assert apply(bench)["outcome"] == "APPLIED"
        phone(bench, rendered, "dora")
        add(bench, "erik", "2002", "--voicemail", "2002")
        before = state(rendered)
        for kind, (name, file, text) in BY_HAND.items():
            good = (etc / file).read_text()
            (etc / file).write_text(good + "\n" + text)
            if loaded:
                bench.asterisk.command("core reload")
            refused = client(bench, "asterisk", "apply")
            assert refused.returncode == 6, (kind, refused)
            assert name in refused.stderr and "nothing was written" in refused.stderr, (kind, refused.stderr)
            assert state(rendered) == before, kind
            (etc / file).write_text(good)
            if loaded:
                bench.asterisk.command("core reload")
        restart(bench, "dora")
        assert apply(bench)["outcome"] == "APPLIED", "nothing by hand is left"
        phone(bench, rendered, "erik")
        restart(bench, "dora", "erik")


def test_what_is_told_to_be_loaded_is_what_asterisk_holds(asterisk, pool, tmp_path):
    with served(pool, asterisk, tmp_path) as (bench, rendered):
        for name in FILES:
            (rendered / name).chmod(0o666)
        add(bench, "dora", "2001", "--voicemail", "2001")
        assert apply(bench)["outcome"] == "APPLIED"
        assert {path.stat().st_mode & 0o777 for path in rendered.iterdir()} == {0o640}
        # The same names, another secret: the former endpoint answers to the name as well.
        assert client(bench, "users", "update", "dora", "--display-name", "Other").returncode == 0
        assert apply(bench)["outcome"] == "APPLIED"
        shown = bench.listener.listing("PJSIPShowEndpoint", Endpoint="dora")[0]
        assert "Other" in shown["Callerid"], shown
        # The files are right and Asterisk cannot load them: that is no success.
        voicemail = bench.asterisk.run / "etc/voicemail.conf"
        good = voicemail.read_text()
        voicemail.write_text(good.replace("#include", ";include"))
        before = state(rendered)
        refused = client(bench, "asterisk", "apply")
        assert refused.returncode == 6 and "the files are as they should be, but" in refused.stderr, refused
        assert state(rendered) == before
        voicemail.write_text(good)
        assert apply(bench)["outcome"] == "UNCHANGED"
        # Deleted by hand: Asterisk cannot read its files for want of them.
        for name in FILES:
            (rendered / name).unlink()
        assert apply(bench)["outcome"] == "APPLIED"
        assert state(rendered).keys() == before.keys()
        phone(bench, rendered, "dora")
        restart(bench, "dora")


def test_who_is_new_is_known_at_once_and_no_correction(asterisk, pool, tmp_path):
    with served(pool, asterisk, tmp_path) as (bench, rendered):
        def corrections():
            return status(bench)["correction_count"]
        before = corrections()
        add(bench, "dora", "2001")
        # Made by hand, with the account kept there: not ours to write, and no conflict.
        pjsip = bench.asterisk.run / "etc/pjsip.conf"
        pjsip.write_text(pjsip.read_text() + BY_HAND["endpoint"][2])
        add(bench, "erik", "2002", "--no-sip-account")
        assert apply(bench)["outcome"] == "APPLIED"
        for name in ("dora", "erik"):
            shown = json.loads(client(bench, "get", "presence", name, "-o", "json").stdout)
            assert shown["lines"][0]["state"] not in (None, "UNKNOWN"), shown
        assert "[erik]" not in (rendered / FILES[1]).read_text()
        assert corrections() == before
