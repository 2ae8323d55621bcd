"""Voicemail counts: a message left in a real app_voicemail reaches GetMailbox and the watch streams."""
import contextlib
import json
import subprocess

import yaml

from bench import deployed, server
from bench.bench import ServedBench
from bench.server import Watch
from bench.waiting import PATIENCE_SECONDS, until
from test_dialplan_lines import leave_message, wait_lamps


@contextlib.contextmanager
def served(pool, asterisk, folder):
    """The deployed files, and users with the boxes of voicemail.conf."""
    people = server.users()
    for person in people:
        if person["id"] in deployed.NUMBERS:
            person["voicemail"] = {"number": person["exten"], "password": "1234"}
    file = folder / "users.yaml"
    file.write_text(yaml.safe_dump(people))
    with pool.alone(ServedBench, asterisk, options=deployed.OPTIONS, settings={"users_file": str(file)}) as bench:
        yield bench


def mailbox(bench, user="alice"):
    return json.loads(bench.server.run("observer", "voicemail", user, "-o", "json"))


def counts(box):
    return box["new_message_count"], box["old_message_count"], box["stale"]


def wait_counts(bench, wanted, user="alice", seconds=PATIENCE_SECONDS):
    until(lambda: counts(mailbox(bench, user)) == wanted, seconds,
          lambda: f"{user}'s box {wanted}, is {mailbox(bench, user)}")


class Mailboxes(Watch):
    """`unipresence watch --mailboxes`: the boxes it has told of."""

    def __init__(self, bench):
        super().__init__(bench.server._words("observer", "watch", "--mailboxes", "-o", "json"), bench.server._errors)

    def wait(self, wanted, user="alice"):
        def told():
            return [counts(line) for _, line in self.about(user) if line.get("event") == "MAILBOX"]
        until(lambda: told() and told()[-1] == wanted, PATIENCE_SECONDS, lambda: f"MAILBOX {wanted} of {user}, told: {told()}")


def test_a_message_is_counted_told_and_survives_everything(asterisk, pool, tmp_path):
    with served(pool, asterisk, tmp_path) as bench:
        wait_counts(bench, (0, 0, False))
        assert mailbox(bench)["mailbox"] == "1000@default" and mailbox(bench)["pbx"] == "main"
        with Mailboxes(bench) as watch:
            watch.wait((0, 0, False))
            bench.server.run("observer", "dnd", "on", "--user", "alice")
            until(lambda: bench.listener.database_value("unipresence/default/1000", "dnd") == "1", PATIENCE_SECONDS, "dnd in AstDB")
            leave_message(bench, "1000")
            watch.wait((1, 0, False))
            wait_counts(bench, (1, 0, False))
            wait_lamps(bench, "yes", "1/0")
            # Without a link the last counts stay, marked.
            bench.link.refuse()
            watch.wait((1, 0, True))
            wait_counts(bench, (1, 0, True))
            bench.link.accept()
            watch.wait((1, 0, False))
        # A new server finds them by its resync.
        bench.server.stop()
        bench.server.start()
        wait_counts(bench, (1, 0, False))
        with Mailboxes(bench) as watch:
            watch.wait((1, 0, False))
            # What happened while nobody listened is found too: an urgent message is a new one.
            inbox = bench.asterisk.run / "spool/voicemail/default/1000/INBOX"
            urgent = inbox.parent / "Urgent"
            urgent.mkdir(exist_ok=True)
            for file in inbox.glob("msg0000.*"):
                file.rename(urgent / file.name)
            bench.server.run("observer", "pbx", "reconcile", "main")
            watch.wait((1, 0, False))
            for file in urgent.glob("msg0000.*"):
                old = inbox.parent / "Old"
                old.mkdir(exist_ok=True)
                file.rename(old / file.name)
            bench.server.run("observer", "pbx", "reconcile", "main")
            watch.wait((0, 1, False))
        # Who has no box is told so.
        words = bench.server._words("observer", "voicemail", "observer")
        assert "no voicemail box" in _stderr(words)


def _stderr(words):
    result = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 5, result
    return result.stderr
