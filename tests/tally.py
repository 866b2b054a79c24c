#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts one meson run: reads meson-logs/testlog.json, says why each failed or skipped, ends with "PASSED FAILED SKIPPED".

A Criterion program (run with --verbose, else it keeps its skips to itself) counts as its tests, any other program as
one. A program that failed although its tests passed (a leak, a crash at exit) counts as one failure more.

Usage: tally.py TESTLOG.json
"""
import json
import re
import sys

SYNTHESIS = re.compile(r"Synthesis: Tested: (\d+) \| Passing: (\d+) \| Failing: (\d+) \| Crashing: (\d+)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SKIPPED = re.compile(r"^\[SKIP\] (.*)$", re.M)
OUTPUT_LINES_MAX = 60


def count(run, name):
    """(passed, failed, [what was skipped and why]) of one program."""
    output = COLOUR.sub("", run.get("stdout", "") + run.get("stderr", ""))
    result = run["result"]
    if result == "SKIP":
        reason = next((line for line in output.splitlines() if "skipped" in line), "it gave no reason")
        return 0, 0, [f"{name}: {reason.removeprefix('skipped: ').strip()}"]
    match = SYNTHESIS.search(output)
    if not match:
        return (1, 0, []) if result == "OK" else (0, 1, [])
    tested, passed = int(match.group(1)), int(match.group(2))
    failed = tested - passed
    if result != "OK" and failed == 0:
        failed = 1
    return passed, failed, SKIPPED.findall(output)


def main():
    totals = [0, 0, 0]
    try:
        with open(sys.argv[1], encoding="utf-8") as log:
            runs = [json.loads(line) for line in log if line.strip()]
    except FileNotFoundError:  # meson writes none when it runs none
        runs = []
    for run in runs:
        name = run["name"].split(" / ")[-1]
        passed, failed, skipped = count(run, name)
        totals = [totals[0] + passed, totals[1] + failed, totals[2] + len(skipped)]
        for why in skipped:
            print(f"  skip {why}")
        if failed:
            print(f"  FAIL {name} ({run['result'].lower()}, {run['duration']:.1f} s)")
            output = (run.get("stdout", "") + run.get("stderr", "")).splitlines()
            print("\n".join("    " + line for line in output[-OUTPUT_LINES_MAX:]))
    print(*totals)


main()
