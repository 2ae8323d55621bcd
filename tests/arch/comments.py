#!/usr/bin/python3
"""Comments of C++ and of the protos are manual pages: whole lines, samples as they were written.

usage: comments.py SOURCE_DIR

The formatter leaves comments alone, so nobody else sees a line that was broken where it was full, with its
rest alone on the next one. What counts as such:
  width   a line beyond 100 columns
  rule    a section rule ("--- Users ---") whose dashes begin a line of their own
  item    the rest of a "- point" or a "NAME   text" row that begins under the point or the name
  sample  the rest of a line of an indented sample that begins under that line; statements run together
  rest    a full line, then a short one in the middle of a sentence, then more of the paragraph
  pushed  a member that a long remark behind it has pushed off its type: the remark goes above
"""
import pathlib
import re
import sys

import verdict

WIDTH = 100
SHORT = 80      # a line that people broke earlier for its looks is longer than that
FOLDERS = ("aggregator", "server", "clients", "proto", "tests")
SUFFIXES = (".h", ".cc", ".proto")

COMMENT = re.compile(r"^(\s*)//( ?)(.*)$")
POINT = re.compile(r"(-|\*|\d+\.) +\S")
ROW = re.compile(r"\S+( \S+){0,3} {2,}\S")          # NAME   text
SAMPLE_INDENT = 2
MID_SENTENCE = re.compile(r"[\w,'\"`)>-]$")
MID_CODE = re.compile(r"([\w,(=&|<]|->|//)$")
CODE = re.compile(r"[;(){}=]")
TYPE = re.compile(r"\s+[\w:<>,\s&*]*[\w>&*]$")
MEMBER = re.compile(r"\s+[\w]+( = [^;]*| ?\{[^;]*\})?;\s+//")
STATEMENT = re.compile(r"(if|while|for|switch) \(|(return )?[\w:.>*&\[\]-]*\w\(|\w[\w:<>*& ]* = ")


# What the formatter once made of pages here: each must be found, or this check sees nothing any more.
BROKEN = (
    ("rule", """\
  // --- Users
  // -------------------------------------------------------------------------------------- Unique:
  // the id; the username (without regard to ASCII case); the number within its context; the device
"""),
    ("item", """\
//   - Lists are complete only after FullyBooted. It comes right after the login when Asterisk was
//   up.
"""),
    ("item", """\
//   UNAVAILABLE          kPbxUnavailable: the link is down, or the PBX does not answer; of a
//   command
//                        that was sent already it is not known whether the PBX obeyed
"""),
    ("sample", """\
//     if (message->Event() == "DeviceStateChange") Use(message->Get("Device"),
//     message->Get("State"));
"""),
    ("sample", """\
//   void OnEvent(const ami::Message& event, ami::ActionToken list) { tracker.OnEvent(event, list);
//   } void OnReadEnd() {
"""),
    ("rest", """\
// How a command fails: the exit code for scripts, and what is written to stderr for people and,
// with
// `-o json`, for programs. Pure.
"""),
)


class Line:
    """One line of a comment: `indent` is that of its text behind the slashes, `columns` all of it."""

    def __init__(self, number, raw, margin, text):
        self.number, self.margin, self.columns = number, margin, len(raw.rstrip())
        self.indent = len(text) - len(text.lstrip())
        self.text = text.strip()
        self.point = bool(POINT.match(self.text))
        self.row = bool(ROW.match(self.text)) and not self.point and not self.text.startswith("//")
        self.code = bool(CODE.search(self.text))
        self.remark = " //" in self.text    # behind code, in a sample
        self.words = self.text.split()

    def full_before(self, other):
        return self.columns + 1 + len(other.words[0]) > WIDTH

    def has_room_for(self, other):
        return self.columns <= SHORT and self.columns + 1 + len(other.words[0]) <= WIDTH


def blocks(lines):
    """Runs of comment lines with one margin; a line without text parts them into paragraphs."""
    block = []
    for number, raw in enumerate(lines, 1):
        match = COMMENT.match(raw)
        line = match and Line(number, raw, len(match[1]), match[3])
        if line is None or not line.text or (block and block[-1].margin != line.margin):
            if block:
                yield block
            block = []
        if line is not None and line.text:
            block.append(line)
    if block:
        yield block


def run_together(text):
    """Two statements in one line of a sample, where a person would have parted them."""
    if re.match(r"\} (?!else\b|while\b|catch\b)\w|\}[)]*; \w", text):
        return True
    if not STATEMENT.match(text):
        return False
    depth = 0
    for place, char in enumerate(text):
        depth += (char in "({[") - (char in ")}]")
        if text.startswith("//", place):
            return False
        if char == ";" and depth <= 0 and text[place - 1] == ")" and re.match(r"; [a-zA-Z]", text[place:]):
            return True
    return False


def faults(block):
    base = min(line.indent for line in block)
    for place, line in enumerate(block):
        following = block[place + 1] if place + 1 < len(block) else None
        after = block[place + 2] if place + 2 < len(block) else None
        sample = line.indent >= base + SAMPLE_INDENT or base >= SAMPLE_INDENT
        if line.columns > WIDTH:
            yield line, "width", f"{line.columns} columns"
        if re.match(r"-{4,}$|-{10,} ", line.text):
            yield line, "rule", "dashes without their words"
        if sample and run_together(line.text):
            yield line, "sample", "statements run together"
        if following is None:
            continue
        under = following.indent == line.indent and not following.point and not following.row
        if under and line.point:
            if line.full_before(following):
                yield following, "item", "the rest of the point above"
        elif under and line.row and line.full_before(following) and not (line.remark and following.code):
            yield following, "item", "the rest of the row above"
        elif (under and sample and line.full_before(following) and MID_CODE.search(line.text)
              and STATEMENT.match(line.text) and not (line.remark and following.code)):
            yield following, "sample", "the rest of the line above"
        elif (after is not None and line.full_before(following) and following.has_room_for(after)
              and following.indent == line.indent and not following.point and not after.point
              and not after.row and after.indent >= following.indent
              and MID_SENTENCE.search(following.text)):
            yield following, "rest", "the rest of the line above, alone"


def check_itself(errors):
    for kind, text in BROKEN:
        if kind not in {found for block in blocks(text.splitlines()) for _, found, _ in faults(block)}:
            errors.append(f"this check does not find what is broken here ({kind}):\n{text}")


def is_pushed(line, following):
    deeper = len(line) - len(line.lstrip()) < len(following) - len(following.lstrip())
    return deeper and TYPE.match(line) and MEMBER.match(following)


def check(path, name, errors):
    lines = path.read_text(encoding="utf-8").splitlines()
    for block in blocks(lines):
        for line, kind, why in faults(block):
            errors.append(f"{name}:{line.number}: {kind}: {why}: {line.text[:60]}")
    for number, (line, following) in enumerate(zip(lines, lines[1:]), 2):
        if is_pushed(line, following):
            errors.append(f"{name}:{number}: pushed: off its type by its remark: {following.strip()[:60]}")


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    errors, count = [], 0
    check_itself(errors)
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SUFFIXES:
                count += 1
                check(path, path.relative_to(root).as_posix(), errors)
    verdict.give(errors, "comments are broken", f"the comments of {count} files are whole")


if __name__ == "__main__":
    main()
