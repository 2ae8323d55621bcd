"""Compares what the server publishes about alice with a row of a scenario."""
import dataclasses

from .waiting import PATIENCE_SECONDS, until, until_settled


def wanted(row, mode):
    """What must be published in this mode: logged out, web line selected, deskphone selected."""
    presence = row.presence[mode]
    fields = {
        "state": presence.state, "rule": presence.rule, "device_in_use": presence.device_in_use,
        "hint": presence.hint, "logged_in": mode != "out", "stale": False,
        "DESKPHONE": row.deskphone, "WEBRTC": row.webrtc,
    }
    if row.emitting is not None:
        fields["emitting"] = row.emitting
    if mode != "out":
        fields["selected_device"] = {"web": "WEBRTC", "desk": "DESKPHONE"}[mode]
    for kind in ("DESKPHONE", "WEBRTC"):
        hold = row.hold.get(kind, "")
        if hold != "any":
            fields[f"{kind} holding"] = "holding" in hold.split()
            fields[f"{kind} held"] = "held" in hold.split()
    return fields


def published(presence):
    """The same fields of a published presence."""
    fields = {name: presence.get(name) for name in (
        "state", "rule", "device_in_use", "hint", "logged_in", "emitting", "stale", "selected_device")}
    for line in presence.get("lines", []):
        kind = line["kind"]
        fields[kind] = line["state"]
        fields[f"{kind} holding"], fields[f"{kind} held"] = line.get("holding"), line.get("held")
    return fields


def difference(presence, fields):
    """`field: published, wanted` for each that differs; empty if none does."""
    seen = published(presence)
    return "; ".join(f"{name}: {seen.get(name)}, wanted {value}" for name, value in fields.items()
                     if seen.get(name) != value)


def problem_of(server, row, mode, user):
    """A function that tells what is wrong with the watcher's newest presence, empty if nothing."""
    fields = wanted(row, mode)
    return lambda: server.lives() and difference(server.watch.newest(user)[1], fields)


def reached(server, row, mode, seconds=PATIENCE_SECONDS, user="alice"):
    """Waits until the watcher's newest presence is that of the row."""
    until_settled(problem_of(server, row, mode, user), seconds, f"[{mode}] {row.what}", stays=0)


def settled(server, row, mode, seconds=PATIENCE_SECONDS, user="alice"):
    """Waits until the watcher's newest presence is that of the row and stays so for 100 ms.

    Of what Asterisk has told by now: a presence that is still under way would otherwise count as right.
    """
    server.catch_up(seconds)
    until_settled(problem_of(server, row, mode, user), seconds, f"[{mode}] {row.what}")


def read_agrees(server, row, mode, user="alice"):
    """A read gives the same as the watcher."""
    problem = difference(server.get(user), wanted(row, mode))
    assert not problem, f"[{mode}] {row.what}: get presence: {problem}"


def revisions_rise(server, since, user="alice"):
    """No presence of a user comes twice or goes back."""
    numbers = [one["revision"] for _, one in server.watch.about(user, since) if not one.get("refresh")]
    assert all(int(a) < int(b) for a, b in zip(numbers, numbers[1:])), numbers


def story(server, since, user="alice"):
    """What was published since a time, one change a line, for messages."""
    return "\n".join(f"  {at - since:7.3f} rev {one.get('revision')} " +
                     " ".join(f"{k}={v}" for k, v in published(one).items() if v not in (False, None))
                     for at, one in server.watch.about(user, since))


def tellable(row, kind, hold):
    """Music without ONHOLD (a parked call) is heard when it starts and stands in no list afterwards."""
    state = row.deskphone if kind == "DESKPHONE" else row.webrtc
    return "any" if "held" in hold and state != "ONHOLD" else hold


def settled_again(server, row, mode, since, seconds=60, user="alice"):
    """After the link broke at `since`: stale, and nothing else changed, then the row again."""
    row = dataclasses.replace(row, hold={kind: tellable(row, kind, hold) for kind, hold in row.hold.items()})
    until(lambda: any(one.get("stale") for _, one in server.watch.about(user, since)), seconds,
          f"[{mode}] {row.what}: stale")
    settled(server, row, mode, seconds, user)
    fields = {**wanted(row, mode), "stale": True}
    for _, one in server.watch.about(user, since):
        problem = difference(one, fields if one.get("stale") else wanted(row, mode))
        assert not problem, f"[{mode}] {row.what}: while the link was down: {problem}"
