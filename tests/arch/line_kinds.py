#!/usr/bin/python3
"""A line kind is an addition: who has to tell kinds apart asks for a trait (aggregator/model/line_kind.h).

usage: line_kinds.py SOURCE_DIR

Outside of ROOMS no code names a kind of line or a line type, be it as the model's value, as the API's or as a
word in quotes, except in FILES, each for its reason. The names are those of the enums in presence.proto.
"""
import pathlib
import re
import sys

import verdict

FOLDERS = ("aggregator", "server", "clients")
ENUMS = {"LineKind": "LINE_KIND_", "LineType": "LINE_TYPE_"}

# Who may: the values with their traits, the rules, Asterisk's spelling.
ROOMS = ("aggregator/model/", "aggregator/fusion/", "aggregator/pbx/")

FILES = {
    "server/config/users_file.cc": "the example of a users file",
    "server/service/explain.cc": "the sentence of each rule, and the API's fields for D and W",
}

COMMENT = re.compile(r"//.*$", re.M)

# Each must be found, or this check sees nothing any more.
BREACHES = (
    "if (line.kind == LineKind::kDeskphone) return line;",
    'const char* suffix = kind == v1::LINE_KIND_WEBRTC ? "_w" : "";',
    'if (word == "webrtc") Select(user);',
    'return FieldInvalid("device", word, "LINE_KIND_DESKPHONE or LINE_KIND_WEBRTC");',
    "const bool both = user.line_type == LineType::kUniqueAccount;",
)
FINE = (
    "case CallProblem::kDeskphoneUnreachable:  // kDeskphone, kWebrtc",
    'out.set_webrtc_state(state); options.deskphone_call = DeskphoneCall::kAny; Log("the deskphone");',
)


def names(proto):
    """(prefix, name) of the values of the enums: ("LINE_KIND_", "WEBRTC")."""
    found = []
    for enum, prefix in ENUMS.items():
        body = re.search(rf"^enum {enum} {{(.*?)^}}", proto, re.S | re.M).group(1)
        values = re.findall(rf"^\s*{prefix}(\w+) = \d+;", body, re.M)
        found += [(prefix, name) for name in values if name != "UNSPECIFIED"]
    return found


def pattern(values):
    words = sorted({name for _, name in values})
    constants = "|".join("k" + name.title().replace("_", "") for name in words)
    quoted = "|".join(words + [name.lower() for name in words])
    api = "|".join(prefix + name for prefix, name in values)
    return re.compile(rf'\b(?:{constants})\b|\b(?:{api})\b|"(?:{quoted})"')


def breaches(code, named):
    """(line number, what it names) of each."""
    for number, line in enumerate(COMMENT.sub("", code).splitlines(), 1):
        for match in named.finditer(line):
            yield number, match.group()


def main():
    root = pathlib.Path(sys.argv[1])
    named = pattern(names((root / "proto/unipresence/v1/presence.proto").read_text(encoding="utf-8")))
    errors = [f"line_kinds.py does not see: {code}" for code in BREACHES if not list(breaches(code, named))]
    errors += [f"line_kinds.py complains of: {code}" for code in FINE if list(breaches(code, named))]
    unused = set(FILES)
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.suffix not in (".h", ".cc") or name.startswith(ROOMS):
                continue
            for number, what in breaches(path.read_text(encoding="utf-8"), named):
                unused.discard(name)
                if name not in FILES:
                    errors.append(f"{name}:{number}: names {what}; ask for a trait of it (line_kind.h)")
    errors += [f"line_kinds.py: {name} names no kind any more; take it off FILES" for name in sorted(unused)]
    verdict.give(errors, "places name a kind of line", "no code outside of its rooms names a kind of line")


if __name__ == "__main__":
    main()
