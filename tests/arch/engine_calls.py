#!/usr/bin/python3
"""State has one way in: what changes a user in the engine is called in one place of the server.

usage: engine_calls.py SOURCE_DIR
"""
import pathlib
import re
import sys

import verdict

# The engine's method -> the one file under server/ that calls it.
FEED = "server/account/change_feed.cc"
CALLERS = {
    "AddUser": FEED,
    "UpdateUser": FEED,
    "RemoveUser": FEED,
    "SelectDevice": FEED,
    "SetDoNotDisturb": FEED,
    "SetForwardings": FEED,
    "SetLoggedIn": "server/account/session_keeper.cc",
}

# A call on what is named engine or writer: `core.writer.AddUser(`, `engine_->AddUser(`, `engine().AddUser(`.
CALL = re.compile(r"\b(?:engine|writer)_?(?:\(\))?\s*(?:\.|->)\s*(" + "|".join(CALLERS) + r")\s*\(")


def main():
    root = pathlib.Path(sys.argv[1])
    errors, called = [], set()
    for file in sorted((root / "server").rglob("*")):
        if file.suffix not in (".h", ".cc"):
            continue
        name = str(file.relative_to(root))
        text = file.read_text(encoding="utf-8")
        for call in CALL.finditer(text):
            method = call.group(1)
            if name == CALLERS[method]:
                called.add(method)
            else:
                line = text.count("\n", 0, call.start()) + 1
                errors.append(f"{name}:{line}: calls the engine's {method}; commit it to the store, and "
                              f"{CALLERS[method]} does so")
    errors += [f"{CALLERS[method]}: calls no {method} any more; change {pathlib.Path(__file__).name}"
               for method in CALLERS if method not in called]
    verdict.give(errors, "calls that go past the feed of changes", "state has one way in")


if __name__ == "__main__":
    main()
