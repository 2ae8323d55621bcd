#!/usr/bin/python3
"""Records what Asterisk says over AMI during scenarios, for tests that replay byte streams.

For each scenario on a fresh Asterisk it writes into traces/:
  NAME.VERSION.ami        every byte from the banner on, as a server with the rights of ours reads it
  NAME.VERSION.ami.idx    seconds, offset and length of each chunk; EOF at the end if Asterisk ended it
  NAME.VERSION.notes      what was done when, on the same clock
  expected/NAME.VERSION.txt   the settled truth about alice at that second: line states, whether she
                          emits, who holds.  Everything read up to that second must lead to it.
"""
import argparse
import pathlib
import sys
import time

from bench import lists, namespace, scenario
from bench.ami import Listener
from bench.bench import Bench
from bench.configuration import SERVER_USER
from bench.settle import settle

FOLDER = pathlib.Path(__file__).resolve().parent / "traces"


class Recorder:
    """Writes one trace. A second connection of the bench looks after the states, unseen in the bytes."""

    def __init__(self, name, folder=FOLDER):
        self.name, self.folder = name, folder
        self.notes, self.truths = [], []
        self.listener = Listener(SERVER_USER)
        self.listener.wait_booted()

    def seconds(self):
        return time.monotonic() - self.listener.started

    def note(self, text):
        self.notes.append(f"{self.seconds():8.3f} {text}\n")

    def truth(self, row):
        """Notes the row, which has settled by now."""
        holds = "".join(f" {kind.lower()}={hold.replace(' ', ',')}" for kind, hold in row.hold.items())
        self.truths.append(f"{self.seconds():8.3f} {row.deskphone} {row.webrtc} "
                           f"{'emitting' if row.emitting else '-'}{holds}\n")

    def write(self):
        (self.folder / "expected").mkdir(parents=True, exist_ok=True)
        offset, index = 0, []
        for at, data in self.listener.chunks:
            index.append(f"{at - self.listener.started:.6f} {offset} {len(data)}\n")
            offset += len(data)
        if self.listener.ended:
            index.append("EOF\n")
        file = self.folder / self.name
        file.with_name(self.name + ".ami").write_bytes(b"".join(data for _, data in self.listener.chunks))
        file.with_name(self.name + ".ami.idx").write_text("".join(index))
        file.with_name(self.name + ".notes").write_text("".join(self.notes))
        (self.folder / "expected" / f"{self.name}.txt").write_text("".join(self.truths))
        print(f"{self.name}: {offset} bytes, {len(self.truths)} settled states")


def register_all(bench, recorder):
    for phone in bench.phones.values():
        phone.register()
    recorder.note("alice, alice_w, bob, bob_w, carol register")
    settle(bench, scenario.IDLE)
    recorder.truth(scenario.IDLE)


def record(one, version):
    """One scenario from the first registration on."""
    with Bench(version, one.options, boot=False) as bench:
        bench.boot(register=False)
        recorder = Recorder(f"{one.name}.{version}")
        register_all(bench, recorder)
        for row in one.steps(bench):
            recorder.note(row.what)
            settle(bench, row)
            recorder.truth(row)
        bench.wait_quiet()
        settle(bench, scenario.IDLE)
        recorder.truth(scenario.IDLE)
        recorder.write()


def record_end(version, end):
    """alice is in a call when Asterisk ends; it comes back; her phone registers again."""
    name = f"{'sigkill' if end == 'kill' else 'sigterm'}_during_a_call"
    with Bench(version, boot=False) as bench:
        bench.boot(register=False)
        recorder = Recorder(f"{name}.{version}")
        register_all(bench, recorder)
        bench.connect(bench.alice, "1002", bench.carol)
        recorder.note("alice (deskphone) is in a call with carol")
        row = scenario.row("in a call", "INUSE NOT_INUSE", out="IN_USE", web="2 IN_USE", desk="6 IN_USE", emitting=True)
        settle(bench, row)
        recorder.truth(row)
        bench.wait_contacts_on_disk()
        recorder.note(f"Asterisk gets {'SIGKILL' if end == 'kill' else 'SIGTERM'}")
        getattr(bench.asterisk, end)()
        recorder.listener.wait_end()
        recorder.note("the connection ended")
        recorder.write()
        bench.asterisk.start()
        after = Recorder(f"{name}.after.{version}")
        lists.ask_all(after.listener)
        after.note("asked for all lists, nothing has registered since the restart")
        bench.listen()
        settle(bench, scenario.IDLE)
        after.truth(scenario.IDLE)
        bench.alice.register()
        after.note("alice (deskphone) registers again")
        settle(bench, scenario.IDLE)
        after.truth(scenario.IDLE)
        after.write()


def record_lists(version):
    """All lists, asked while alice emits on the deskphone and her browser rings."""
    with Bench(version, boot=False) as bench:
        bench.boot(register=False)
        recorder = Recorder(f"lists_in_calls.{version}")
        lists.ask_all(recorder.listener)
        recorder.note("asked for all lists, nothing is registered")
        register_all(bench, recorder)
        bench.connect(bench.alice, "1101", bench.bob)
        bench.carol.call("1200")
        bench.alice_w.ringing()
        row = scenario.row("two calls", "INUSE RINGING", out="IN_USE", web="2 IN_USE", desk="2 IN_USE", emitting=True)
        recorder.note("alice (deskphone) talks with bob, carol rings on the browser")
        settle(bench, row)
        recorder.truth(row)
        lists.ask_all(recorder.listener)
        recorder.note("asked for all lists")
        recorder.truth(row)
        recorder.write()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", help="scenario, group, `lists`, `terminate` or `kill`")
    parser.add_argument("--asterisk", action="append", choices=["22", "16"])
    arguments = parser.parse_args()
    namespace.enter()
    known = scenario.all_scenarios()
    wanted = [one for one in known if one.name in arguments.name or one.group in arguments.name]
    for version in arguments.asterisk or ["22", "16"]:
        for one in wanted:
            record(one, version)
        if "lists" in arguments.name:
            record_lists(version)
        for end in {"kill", "terminate"} & set(arguments.name):
            record_end(version, end)
    return 0


if __name__ == "__main__":
    sys.exit(main())
