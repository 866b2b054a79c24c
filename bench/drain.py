#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The backlog drain: how fast one core can work when there is more to do than it can. See README.md.

The gateway is stopped, N clients connect and send header and payload, then it is continued. Repetitions of the targets
are interleaved; the result is JSON with the machine, each target's figures and the ratios that are claimed.
"""

import argparse
import datetime
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from measure import machine, processes, targets

DISTURBED = 0.1  # share of its time that a process waited for its CPU because of others
ATTEMPTS = 4  # for one repetition that is not disturbed
WARMUP = 256  # connections served before: memory is mapped, code is loaded
SKIPPED = 77  # exit status, as test harnesses know it
CONNECTIONS_MAX = 9000  # a proxy needs two fds for each; 20,000 is all that small machines allow
ANSWER_SECONDS = 60
CLIENT_CPU = targets.SERVER_CPU
FIGURES = ("rate", "cpu_us", "core_rate", "server_cpu_us", "gateway_busy", "server_busy", "seconds")
METHOD = (
    "The gateway's processes run on CPU 0 and are stopped while the backlog fills; the client and what answers behind "
    "the gateway are on CPU 1. seconds: from just before SIGCONT until the server behind has the last connection and its "
    "first byte, by the server's clock (accept_*: to the last accept by its own clock). The server answers only then, all "
    "at once, so that its answers are in nobody's time (usher_close: at once, with a close). cpu_us: CPU time of all "
    "gateway processes per connection, from SIGCONT until they are idle, as the scheduler counts it; network "
    "interrupts' work in their context included, time stolen by a hypervisor not. core_rate: 1 s / cpu_us, what the "
    "gateway's core alone would pass; where server_busy is near 1 and gateway_busy is not, rate is the server's limit. "
    "user_share: from ticks over all repetitions, coarse. The client sleeps meanwhile and closes only afterwards. "
    "Medians of interleaved repetitions. A repetition in which gateway or server waited more than a tenth of the time "
    "for its CPU, because of processes that are not part of it, is done again, up to four times in all; disturbed "
    "counts those that stayed so."
)


def options():
    root = pathlib.Path(__file__).resolve().parent.parent
    p = argparse.ArgumentParser(description="the backlog drain")
    p.add_argument("--build", type=pathlib.Path, default=root / "build", help="meson's build directory")
    p.add_argument("--connections", type=int, default=7000, help=f"backlog, at most {CONNECTIONS_MAX}")
    p.add_argument("--repetitions", type=int, default=5, help="of each target, 1 to 50")
    p.add_argument("--quick", action="store_true", help="three repetitions")
    p.add_argument("--header", default="v2", choices=("v1", "v2", "v2tlv"))
    p.add_argument("--targets", default="", help="names, with commas; all that can run by default")
    p.add_argument("--output", type=pathlib.Path, help="file for the JSON; standard output by default")
    o = p.parse_args()
    o.build = o.build.resolve()
    o.usherd, o.usherctl = find(o.build, "usherd"), find(o.build, "usherctl")
    o.warmup = WARMUP
    if o.quick:
        o.repetitions = 3
    if not 1 <= o.connections <= CONNECTIONS_MAX or not 1 <= o.repetitions <= 50:
        p.error("--connections or --repetitions is out of its range")
    return o


def find(build, name):
    """Where meson has put @name; a path that does not exist when it has not."""
    found = sorted(p for p in build.glob(f"src/*/{name}") if p.is_file())
    return found[0] if found else build / "src" / name


def note(text):
    print(text, file=sys.stderr, flush=True)


def choose(o):
    wanted = [n for n in o.targets.split(",") if n]
    unknown = set(wanted) - {t.name for t in targets.ALL}
    if unknown:
        sys.exit(f"drain: no target {', '.join(sorted(unknown))}; there are {', '.join(t.name for t in targets.ALL)}")
    chosen, left_out = [], {}
    for target in targets.ALL:
        if wanted and target.name not in wanted:
            continue
        why = target.missing(o)
        if why:
            left_out[target.name] = why
            note(f"{target.name}: left out: {why}")
        else:
            chosen.append(target)
    if not chosen:
        sys.exit("drain: nothing to measure")
    return chosen, left_out


def loadgen(o, target, count):
    command = [o.build / "bench" / "loadgen", "--target", f"127.0.0.1:{target.port}", "--header", o.header]
    command += ["--at-once", count, "--close", "rst", "--timeout-ms", 1000 * ANSWER_SECONDS, "--backlog"]
    command += [] if target.answers else ["--no-answer"]
    return processes.Program(command, CLIENT_CPU, target.workdir, stdin=True)


def fill(client, count):
    word, ready = client.line().split()
    if word != "ready" or int(ready) != count:
        raise processes.Failed(f"{ready} of {count} clients got into the backlog")


def finish(client, target, count):
    """Lets the client close all; returns its report, which must be complete."""
    client.say("close")
    report = json.loads(client.rest())
    ledger = report["ledger"]
    due = "served" if target.answers else "unfinished"
    if not ledger["adds_up"] or ledger[due] != count:
        raise processes.Failed(f"{target.name}: not all {count} connections were {due}: {ledger}")
    return report


def warm_up(o, target):
    with loadgen(o, target, o.warmup) as client:
        fill(client, o.warmup)
        client.say("go")
        client.line(ANSWER_SECONDS)
        finish(client, target, o.warmup)


def drain_once(o, target):
    """One backlog through a running target."""
    gateway = processes.tree(target.gateway.pid)
    server = [target.server.pid] if target.server else []
    processes.wait_until_idle(gateway)
    processes.stop(gateway)
    with loadgen(o, target, o.connections) as client:
        fill(client, o.connections)
        before, server_before, ticks = processes.times(gateway), processes.times(server), processes.ticks_ns(gateway)
        begin = time.monotonic_ns()
        processes.resume(gateway)
        client.say("go")
        client.line(ANSWER_SECONDS)
        if not target.answers:
            target.wait_done(ANSWER_SECONDS)
        if not processes.wait_until_idle(gateway):
            note(f"{target.name}: never idle after the drain; its CPU time includes what else it does")
        cpu, waited = processes.spent(before, processes.times(gateway))
        server_cpu, server_waited = processes.spent(server_before, processes.times(server))
        ticks = [after - before for before, after in zip(ticks, processes.ticks_ns(gateway))]
        finish(client, target, o.connections)
    figures = target.own_figures()
    end = figures["server" if target.server else "gateway"]["last_ns"]
    return {
        "seconds": (end - begin) / 1e9,
        "rate": o.connections * 1e9 / (end - begin),
        "core_rate": o.connections * 1e9 / cpu,
        "gateway_busy": round(cpu / (end - begin), 2),
        "server_busy": round(server_cpu / (end - begin), 2),
        "disturbed": max(waited, server_waited) > DISTURBED * (end - begin),
        "cpu_us": cpu / 1000 / o.connections,
        "server_cpu_us": server_cpu / 1000 / o.connections,
        "ticks_ns": ticks,
        "own": figures,
    }


def run_once(o, kind):
    with tempfile.TemporaryDirectory(prefix="usher-drain-") as folder:
        with kind(o, pathlib.Path(folder)) as target:
            warm_up(o, target)
            return drain_once(o, target)


def check_usher(o, kind, run):
    """Usher's own ledger must agree with the client's."""
    if not issubclass(kind, targets.Usher):
        return
    check = run["own"]["check"]
    delivered = sum(row.get("delivered", 0) for row in check.get("listeners", []))
    if check.get("ok") is not True or delivered != o.connections + o.warmup:
        raise processes.Failed(f"{kind.name}: usherctl check: {json.dumps(check)}")


def run_undisturbed(o, kind):
    """A run in which nobody else used the CPUs, if there is one in a few; otherwise the last, which says so."""
    for _ in range(ATTEMPTS):
        run = run_once(o, kind)
        check_usher(o, kind, run)
        if not run["disturbed"]:
            break
    return run


def measure(o, chosen):
    runs = {kind.name: [] for kind in chosen}
    for repetition in range(o.repetitions):
        for kind in chosen:
            run = run_undisturbed(o, kind)
            runs[kind.name].append(run)
            disturbed = ", disturbed" if run["disturbed"] else ""
            note(f"{repetition + 1}/{o.repetitions} {kind.name}: {run['rate']:,.0f}/s, {run['cpu_us']:.2f} us CPU{disturbed}")
    return runs


def spread(runs, key):
    values = [r[key] for r in runs]
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summary(kind, runs):
    user, system = (sum(r["ticks_ns"][i] for r in runs) for i in (0, 1))
    return {
        "does": kind.does,
        "does_not": kind.does_not,
        **{key: spread(runs, key) for key in FIGURES},
        "disturbed": sum(r["disturbed"] for r in runs),
        "user_share": round(user / (user + system), 2) if user + system else None,
        "runs": runs,
    }


def ratios(runs):
    """
    The ratios that are claimed anywhere: medians of those within one repetition, whose runs followed one another and so
    met the machine in about the same state. None where one side did not run.
    """

    def of(key, above, below):
        pairs = list(zip(runs.get(above, []), runs.get(below, [])))
        return round(statistics.median(a[key] / b[key] for a, b in pairs), 2) if pairs else None

    return {
        "rate usher_hold / haproxy": of("rate", "usher_hold", "haproxy"),
        "rate usher_close / haproxy": of("rate", "usher_close", "haproxy"),
        "rate usher_hold / nginx": of("rate", "usher_hold", "nginx"),
        "core_rate usher_hold / haproxy": of("core_rate", "usher_hold", "haproxy"),
        "cpu haproxy / usher_hold": of("cpu_us", "haproxy", "usher_hold"),
        "cpu usher_hold / accept_multishot": of("cpu_us", "usher_hold", "accept_multishot"),
        "cpu usher_close / accept_multishot": of("cpu_us", "usher_close", "accept_multishot"),
        "cpu usher_hold / plain": of("cpu_us", "usher_hold", "plain"),
        "cpu haproxy / plain": of("cpu_us", "haproxy", "plain"),
    }


def versions():
    said = {}
    for command in (["haproxy", "-v"], ["nginx", "-v"]):
        try:
            r = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=10, check=False)
        except OSError:
            continue
        said[command[0]] = r.stdout.decode().splitlines()[0]
    return said


def main():
    o = options()
    # what was started and changed is put back also when the run is asked to stop
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("drain: asked to stop"))
    if not {targets.GATEWAY_CPU, targets.SERVER_CPU} <= os.sched_getaffinity(0):
        note(f"drain: skipped: needs CPUs {targets.GATEWAY_CPU} and {targets.SERVER_CPU}")
        sys.exit(SKIPPED)
    chosen, left_out = choose(o)
    with machine.backlog_of(o.connections) as backlog:
        if backlog < o.connections:
            note(f"drain: net.core.somaxconn is {backlog} and can't be raised: {backlog} connections instead")
            o.connections = backlog
        head = machine.header()
        try:
            runs = measure(o, chosen)
        except (processes.Failed, subprocess.SubprocessError) as e:
            sys.exit(f"drain: {e}")
    results = {kind.name: summary(kind, runs[kind.name]) for kind in chosen}
    report = {
        "what": "drain",
        "at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "method": METHOD,
        "machine": head,
        "versions": versions(),
        "connections": o.connections,
        "warmup": o.warmup,
        "header": o.header,
        "repetitions": o.repetitions,
        "ratios": ratios(runs),
        "left_out": left_out,
        "targets": results,
    }
    text = json.dumps(report, indent=2) + "\n"
    if o.output:
        o.output.parent.mkdir(parents=True, exist_ok=True)
        o.output.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
