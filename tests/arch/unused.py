#!/usr/bin/python3
"""Nothing is declared that nobody uses: a function of a product header occurs somewhere else than where it is
declared and defined. What tests alone use is named in FOR_TESTS, with what they see by it.

usage: unused.py SOURCE_DIR

It compares words, so a name that several functions share, such as that of a port's function and of what
implements it, is taken for used.
"""
import collections
import pathlib
import re
import sys

import verdict

PRODUCT = ("aggregator", "server", "clients")

# "file: function" -> what tests see by it.
FOR_TESTS = {
    "aggregator/ami/framer.h: pending_bytes": "that nothing is left over, and never more than a message",
    "aggregator/ami/session.h: shutting_down": "whether a lost link was an orderly stop",
    "aggregator/base/problem.h: ProblemAs": "the problem of a status; what tells it to people goes by its number",
    "aggregator/engine/pbx_table.h: AllSynced": "when a benchmark or a test may begin",
    "aggregator/engine/engine.h: GetForwardings": "what the engine goes by, apart from what it tells",
    "aggregator/pbx/contact_table.h: memory_bytes": "its bound",
    "aggregator/pbx/write_back.h: record_count": "its bound",
}

STRIPPED = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"", re.DOTALL)
WORD = re.compile(r"[A-Za-z_]\w*")
FUNCTION = re.compile(r"^[ \t]*[A-Za-z_\[][\w:<>,&*\[\] ]*?[ &*](?P<name>[A-Za-z_]\w*)"
                      r"\((?P<rest>[^;{}]*)(?P<end>[;{])", re.MULTILINE)
NO_NAMES = ("alignas", "decltype", "sizeof", "return")


def words_of(files):
    return collections.Counter(word for text in files.values() for word in WORD.findall(text))


def read(root, folder):
    return {path: STRIPPED.sub(" ", path.read_text(encoding="utf-8"))
            for path in sorted((root / folder).rglob("*")) if path.suffix in (".cc", ".h")}


def declared(text):
    """(name, how often it occurs where it is declared and defined) of each function of a header."""
    for match in FUNCTION.finditer(text):
        name, rest = match["name"], match["rest"]
        if name in NO_NAMES or "return " in match[0] or "= delete" in rest or "override" in rest:
            continue
        yield name, 2 if match["end"] == ";" and "= 0" not in rest else 1


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    product = {path: text for folder in PRODUCT for path, text in read(root, folder).items()}
    in_product, in_tests = words_of(product), words_of(read(root, "tests"))
    errors, excused, count = [], set(), 0
    for path, text in product.items():
        if path.suffix != ".h":
            continue
        for name, own in declared(text):
            count += 1
            if in_product[name] > own:
                continue
            what = f"{path.relative_to(root).as_posix()}: {name}"
            if in_tests[name] == 0:
                errors.append(f"{what}: nobody uses it; delete it")
            elif what in FOR_TESTS:
                excused.add(what)
            else:
                errors.append(f"{what}: only tests use it; delete it, or say in {pathlib.Path(__file__).name} why")
    errors += [f"{what}: is no more, or used by now; take it out of FOR_TESTS" for what in FOR_TESTS.keys() - excused]
    verdict.give(errors, "functions are not used", f"each of {count} functions of headers is used")


if __name__ == "__main__":
    main()
