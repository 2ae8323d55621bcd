"""Many users switch at once: all effective in a real Asterisk, its AMI never cut off, another PBX undisturbed."""
import contextlib
import dataclasses
import json
import subprocess
import time

from bench import child, deployed
from bench.bench import ServedBench
from bench.server import GRPC, binary
from bench.waiting import until

import grpc_client

USERS = 1000
FIRST_NUMBER = 20000
ROUNDS = 4
PASSWORD = "bench-password"
# Of this password, at the least cost libsodium has: a thousand log-ins are not what is tested.
PASSWORD_HASH = ("$argon2id$v=19$m=8,t=1,p=1$EgEjTuPUB5Amu2iXhwU5Dw"
                 "$1A7iv9iilVrj+1by2qwzLceXWi5QPj3MaAG5+i49Lts")
LINES = {"DESKPHONE": "{}", "WEBRTC": "{}_w"}
CROWD = [f"u{number}" for number in range(FIRST_NUMBER, FIRST_NUMBER + USERS)]


def user(name, exten, pbx, **more):
    return {"id": name, "display_name": name, "exten": exten, "context": "crowd", "line_type": "unique_account",
            "username": name, **more, "lines": [
                {"kind": kind.lower(), "pbx": pbx, "device": f"PJSIP/{line.format(name)}"}
                for kind, line in LINES.items()]}


def options():
    """Every line of the crowd is there: a contact that nobody asks, which counts as reachable."""
    lines = "".join(
        f"[{line}]\ntype=aor\ncontact=sip:{line}@127.0.0.1:7999\n"
        f"[{line}]\ntype=endpoint\naors={line}\ncontext=default\nallow=!all,ulaw\n"
        for name in CROWD for line in (line.format(name) for line in LINES.values()))
    files = {**deployed.OPTIONS.files, "pjsip.conf": deployed.OPTIONS.files["pjsip.conf"] + lines}
    return dataclasses.replace(deployed.OPTIONS, files=files)


@contextlib.contextmanager
def branch(folder):
    """A second PBX, simulated: its people call each other all the time."""
    people = folder / "branch.yaml"
    people.write_text(json.dumps([user(f"b{i}", str(1000 + i), "branch", password=PASSWORD) for i in range(5)]))
    words = [binary("unipresence-pbxsim"), "--listen", "127.0.0.1:0", "--pbx-name", "branch", "--users-file",
             str(people), "--demo", "--pace-ms", "20"]
    process = child.start(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = int(json.loads(process.stdout.readline())["ami"].rpartition(":")[2])
        yield {"name": "branch", "host": "127.0.0.1", "port": port, "username": "unipresence",
               "secret": "unipresence"}, json.loads(people.read_text())
    finally:
        process.terminate()
        process.wait()


def links(server):
    """{PBX: (state of the link, how often it was lost)}"""
    lines = server.run("observer", "pbx", "status", "-o", "json").splitlines()
    return {pbx["name"]: (pbx["link_state"], pbx["disconnect_count"]) for pbx in map(json.loads, lines)}


def wrong(bench, device):
    """Users whose calls do not ring on this device in Asterisk."""
    return [name for name in CROWD if bench.listener.database_value(
        f"unipresence/crowd/{name[1:]}", "interface") != f"PJSIP/{LINES[device].format(name)}"]


def test_a_thousand_users_switch_at_once(asterisk, pool, capsys, tmp_path):
    crowd = [user(name, name[1:], "main", password_hash=PASSWORD_HASH) for name in CROWD]
    with branch(tmp_path) as (pbx, people), pool.alone(
            ServedBench, asterisk, options=options(), settings={"sessions": {"time_to_live_s": 600}},
            more_users=[*crowd, *people], more_pbxs=[pbx]) as bench, \
            contextlib.closing(grpc_client.Client(GRPC)) as client:
        for name in CROWD:
            client.log_in(name, PASSWORD)
        until(lambda: not wrong(bench, "WEBRTC"), 120, lambda: f"{len(wrong(bench, 'WEBRTC'))} users are not effective")
        until(lambda: {state for state, _ in links(bench.server).values()} == {"READY"}, 60,
              lambda: f"both PBXs are ready: {links(bench.server)}")
        before = links(bench.server)
        replied, effective, began = [], [], time.monotonic()
        for number in range(ROUNDS):
            device = ("DESKPHONE", "WEBRTC")[number % 2]
            start = time.monotonic()
            for answer in [client.select(name, device, timeout=60) for name in CROWD]:
                answer.result()
            replied.append(time.monotonic() - start)
            # The last one's keys are written last.
            until(lambda: not wrong(bench, device), 120, lambda: f"{len(wrong(bench, device))} users are not effective")
            effective.append(time.monotonic() - start)
        seen = [one for person in people for _, one in bench.server.watch.about(person["id"], began)]
        assert links(bench.server) == before
        assert len(seen) > 10 and not any(one["stale"] for one in seen)
    with capsys.disabled():
        print(f"\n{USERS} users switch at once, Asterisk {asterisk}, {ROUNDS} times: all replies after "
              f"{max(replied):.2f} s at most, all seen effective (1,000 DBGet) after {max(effective):.2f} s; "
              f"{len(seen)} changes of the other PBX meanwhile")
