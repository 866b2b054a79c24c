#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the end-to-end tests: tests/e2e/run.py --build DIR [--only PATTERN] [--without FEATURE] [--list] [--keep].

A test is a function test_NAME(t) in tests/e2e/test_*.py; t is a harness.Context. It passes if it returns and if the
standing check then finds nothing: the ledger holds, nothing is pending, no fd is left, usherd ends with 0, its log is
JSON lines. One test at a time: they stop shards and count fds."""
import argparse
import fnmatch
import importlib
import os
import resource
import signal
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
import kernel  # noqa: E402

MODULES = ("senders", "bytes", "refusals", "workers", "faulty_workers", "processes", "startup", "pools", "limits",
           "without", "nobody", "backlog", "chaos")
SECONDS_MAX = 60  # one test


def collect():
    tests = []
    for module in MODULES:
        loaded = importlib.import_module(f"test_{module}")
        tests += [(f"{module}.{name[5:]}", function) for name, function in vars(loaded).items()
                  if name.startswith("test_") and callable(function)]
    return tests


def matches(name, pattern):
    return not pattern or fnmatch.fnmatch(name, pattern) or pattern in name


class TooLong(BaseException):
    """Not an Exception, so that no handler in a test takes it for its own."""


def too_long(*_):
    raise TooLong(f"took more than {SECONDS_MAX} s")


def where(error):
    """The line of the test, and the line that failed."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.name != "run_one"]
    lines = [f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in frames]
    return " < ".join(reversed(lines[:1] + lines[-2:] if len(lines) > 3 else lines))


def run_one(function, options):
    """("ok" | "FAIL" | "skip", reason)"""
    context = harness.Context(options.build, options.without, options.keep)
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(SECONDS_MAX)
    try:
        function(context)
        context.finish()
        return "ok", ""
    except harness.Skip as skip:
        return "skip", str(skip)
    except (Exception, TooLong) as error:  # whatever it is, it is this test's failure
        signal.alarm(0)
        kept = f"\n    kept: {context.directory}" if options.keep else ""
        return "FAIL", f"{type(error).__name__}: {error}\n    at {where(error)}{kept}\n{context.logs()}".rstrip()
    finally:
        signal.alarm(0)
        context.destroy()


def main():
    parser = argparse.ArgumentParser(description="Usher's end-to-end tests")
    parser.add_argument("--build", default="build", help="build directory")
    parser.add_argument("--only", metavar="PATTERN", help="names that match or contain it")
    parser.add_argument("--without", metavar="FEATURE", action="append", default=[],
                        help="passed to every usherd, may be repeated")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep the directories of the tests")
    options = parser.parse_args()
    tests = [test for test in collect() if matches(test[0], options.only)]
    if options.list:
        print("\n".join(name for name, _ in tests))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    kernel.become_subreaper()
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    for name, function in tests:
        start = time.monotonic()
        result, reason = run_one(function, options)
        counts[result] += 1
        print(f"{result} {name} ({time.monotonic() - start:.1f}) {reason}".rstrip(), flush=True)
    print(f"e2e: {counts['ok']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
    return 1 if counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
