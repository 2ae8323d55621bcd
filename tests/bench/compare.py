#!/usr/bin/env python3
"""Runs the benchmarks of two builds in turn and prints their ratios.

usage: compare.py BEFORE_BUILD AFTER_BUILD [--rounds N] [--only NAME] [--json FILE]

A build is a directory that holds the benchmarks, or some of them. In each
round every benchmark runs once in both builds, the order of the two changing from round to round, so that a
machine that is slower for a minute slows both. The ratio is after / before of the work done per second (or
before / after of the time it took): above 1, the second build is faster. The table has the ratio of the best
rounds of both, which other work on the machine disturbs least, then the median of the ratios of the rounds and
their quartiles; a benchmark that only one build has is named and not compared.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

GOOGLE = ["ami_parse_bench", "channel_bench", "engine_bench", "follower_bench"]
END_TO_END = "end_to_end_bench"


def google(binary, options):
    """Speeds (runs per second of CPU) by name."""
    out = subprocess.run([binary, "--benchmark_format=json", f"--benchmark_min_time={options.seconds}",
                          f"--benchmark_filter={options.filter}"],
                         check=True, capture_output=True, text=True).stdout
    return {run["name"]: 1 / run["cpu_time"] for run in json.loads(out)["benchmarks"]}


def end_to_end(binary):
    """Speeds by name: of a latency or a duration its inverse, of a memory its inverse as well."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        subprocess.run([binary, "--runs", "1", "--json", file.name], check=True, capture_output=True)
        figures = json.load(open(file.name, encoding="utf-8"))
    speeds = {}
    for figure in figures:
        value = figure["median"]
        speeds[figure["what"]] = value if figure["unit"] in ("1/s", "") else 1 / value
    return speeds


def measure(build, name, options):
    binary = os.path.join(build, name)
    if not os.path.exists(binary):
        return {}
    return end_to_end(binary) if name == END_TO_END else google(binary, options)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--filter", default=".", help="of the names of Google benchmarks")
    parser.add_argument("--seconds", type=float, default=0.2, help="that a Google benchmark runs at least")
    parser.add_argument("--only", choices=GOOGLE + [END_TO_END])
    parser.add_argument("--json", help="write every round's speeds to this file")
    options = parser.parse_args()
    names = [options.only] if options.only else GOOGLE + [END_TO_END]
    rounds = []
    for number in range(options.rounds):
        speeds = {}
        for name in names:
            order = [("before", options.before), ("after", options.after)]
            for which, build in order if number % 2 == 0 else reversed(order):
                for what, speed in measure(build, name, options).items():
                    speeds.setdefault(what, {})[which] = speed
        rounds.append(speeds)
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rounds, file, indent=1)
    print(f"{'benchmark':44} {'best':>7} {'median':>7} {'quartiles':>13}")
    for what, sides in rounds[0].items():
        if len(sides) < 2:
            print(f"{what:44} only in {next(iter(sides))}")
            continue
        ratios = [speeds[what]["after"] / speeds[what]["before"] for speeds in rounds]
        best = max(speeds[what]["after"] for speeds in rounds) / max(speeds[what]["before"] for speeds in rounds)
        low, median, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        print(f"{what:44} {best:7.3f} {median:7.3f} {low:6.3f} {high:6.3f}")


if __name__ == "__main__":
    main()
