#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Faults at random under load: tests/e2e/chaos.py --build DIR [--seconds N] [--seed S] [--gentle] [--keep].

A real usherd, workers, a closed loop of clients (chaos_clients.py), and about three times a second a fault drawn by a
seeded generator. Every client must end as its kind says within a bound. With --gentle there are only faults that may cost no
client anything, so that none who sent a good header may be cut; without it, one that is cut must have been open while
a fault happened that may cost connections. The seed fixes which faults are drawn, not how they fall in with the load."""
import argparse
import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
import kernel  # noqa: E402
from chaos_clients import ADDRESSES, Clients  # noqa: E402
from clients import wait  # noqa: E402

INTERVAL = 0.3
YOUNG = 0.6      # a worker that is younger may not have registered
WORKERS_MAX = 5  # of one pool, beside the rock
FAULTS_MAX = 6   # of one kind that kills a shard in ten seconds: Usher waits longer after each early death
IDLE_SHARE = 0.2
RECEIVED_MAX = 32   # by a killed worker, and not greeted yet
UNCOUNTED_MAX = 16  # accepted by a killed shard in the turn that it did not end


class Worker:
    """One worker process, and whether a fault holds it."""

    def __init__(self, process, name, pool, commands):
        self.process, self.name, self.pool, self.commands = process, name, pool, commands
        self.born = time.monotonic()
        self.held = False

    def usable(self):
        return not self.held and self.process.poll() is None and time.monotonic() - self.born > YOUNG

    def signal(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def say(self, word):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(word.encode() + b"\n")
            self.process.stdin.flush()


class Chaos:
    """Draws and does the faults. Owns the workers' processes (through the Context) and the timers that end a fault."""

    def __init__(self, t, usherd, clients, seed, gentle):
        self.t, self.u, self.clients, self.gentle = t, usherd, clients, gentle
        self.random = random.Random(seed)
        self.timers, self.workers, self.count = [], [], 0
        self.begun = time.monotonic()
        self.kills = self.shard_kills = 0
        self.costly = []  # when a fault happened that may cost connections
        self.log = open(t.path("chaos.log"), "w", encoding="utf-8", buffering=1)
        t.stack.callback(self.log.close)

    def note(self, text):
        now = time.monotonic()
        self.log.write(f"{now - self.begun:.3f} {text}\n")

    def later(self, seconds, function, *arguments):
        timer = threading.Timer(seconds, function, arguments)
        timer.daemon = True
        self.timers.append(timer)
        timer.start()

    def cost(self):
        self.costly.append(time.monotonic())

    # workers

    def start(self, pool, name=None):
        self.count += 1
        name = name or f"{pool}-{self.count}"
        path = self.t.path(f"{pool}.sock")
        with open(self.t.path("workers.log"), "ab") as log:
            if pool == "web":
                options = self.random.choice([[], ["--capacity", "20"]])
                process = self.t.start(self.t.binary("usher-hello"), "--pool", path, "--name", name, *options,
                                       stdout=log, stderr=log)
            else:
                options = self.random.choice([[], ["--done"], ["--done", "--capacity", "20"], ["--batch", "4"]])
                process = self.t.start(sys.executable, "-B", "-I", os.path.join(harness.HERE, "worker_process.py"),
                                       "--pool", path, "--name", name, "--commands", *options,
                                       stdout=log, stderr=log, stdin=subprocess.PIPE)
        worker = Worker(process, name, pool, pool != "web")
        self.note(f"starts {name} {' '.join(options)}")
        return worker

    def new(self):
        pool = self.random.choice(("main", "web"))
        self.workers = [worker for worker in self.workers if worker.process.poll() is None]
        if sum(worker.pool == pool for worker in self.workers) < WORKERS_MAX:
            self.workers.append(self.start(pool))

    def pick(self, commands=False):
        """A worker that no fault holds, now held; a new one if there is none."""
        usable = [worker for worker in self.workers if worker.usable() and (worker.commands or not commands)]
        if not usable:
            self.new()
            return None
        worker = self.random.choice(usable)
        worker.held = True
        return worker

    def go_on(self, worker):
        worker.signal(signal.SIGCONT)
        worker.held = False
        self.note(f"goes on {worker.name}")

    def stop_for(self, low, high):
        if worker := self.pick():
            self.note(f"SIGSTOP {worker.name}")
            worker.signal(signal.SIGSTOP)
            self.later(self.random.uniform(low, high), self.go_on, worker)

    def worker_stops_briefly(self):
        self.stop_for(0.02, 0.25)

    def worker_stops_past_take_back(self):
        self.stop_for(0.6, 2)

    def stopped_worker_killed(self):
        """It stops itself where it holds nothing that it has not greeted: what it has not received is for others."""
        if worker := self.pick(commands=True):
            self.note(f"stop {worker.name}")
            worker.say("stop")
            self.later(self.random.uniform(0.1, 0.5), self.kill_stopped, worker, 40)

    def kill_stopped(self, worker, tries):
        if worker.process.poll() is None and not kernel.stopped(worker.process.pid) and tries:
            self.later(0.05, self.kill_stopped, worker, tries - 1)
        elif worker.process.poll() is None and kernel.stopped(worker.process.pid):
            self.clients.killed.add(worker.name)
            self.note(f"SIGKILL stopped {worker.name}")
            worker.signal(signal.SIGKILL)

    def worker_drains(self):
        if worker := self.pick():
            self.note(f"drain {worker.name}")
            if worker.commands:
                worker.say("drain")
            else:
                worker.signal(signal.SIGTERM)

    def worker_pauses(self):
        if worker := self.pick(commands=True):
            self.note(f"pause {worker.name}")
            worker.say("pause")

            def resume():
                worker.say("resume")
                worker.held = False
            self.later(self.random.uniform(0.1, 1), resume)

    def worker_killed(self):
        if worker := self.pick():
            self.cost()
            self.kills += 1
            self.clients.killed.add(worker.name)
            self.note(f"SIGKILL {worker.name}")
            worker.signal(signal.SIGKILL)

    def worker_misbehaves(self):
        if worker := self.pick(commands=True):
            word = self.random.choice(("garbage", "shut_rd", "shut_wr", "close_channel", "garbage_registration"))
            self.note(f"{word} {worker.name}")
            worker.say(word)
            self.later(3, self.misbehaved, worker)

    def misbehaved(self, worker):
        """By now it was dropped and has ended, unless nothing was sent to it."""
        worker.held = False

    # Usher's own

    def resume_process(self, pid, start):
        if kernel.started(pid) == start:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
            self.note(f"SIGCONT {pid}")

    def stop_process(self, pid, seconds, what):
        start = kernel.started(pid)
        self.note(f"SIGSTOP {what} {pid}")
        if pid > 1 and start:
            harness.kill(pid, signal.SIGSTOP)
            self.later(seconds, self.resume_process, pid, start)

    def shard(self):
        """The process of one that runs, unless too many were killed lately."""
        if sum(time.monotonic() - when < 10 for when in self.costly) > FAULTS_MAX:
            return None
        shards = self.u.shards()
        return shards[self.random.choice(sorted(shards))] if len(shards) > 1 else None

    def shard_killed(self):
        if pid := self.shard():
            self.cost()
            self.shard_kills += 1
            self.note(f"SIGKILL shard {pid}")
            harness.kill(pid)

    def shard_stops(self):
        if pid := self.shard():
            self.cost()
            self.shard_kills += 1
            self.later(1, self.cost)  # it is killed after its deadline, not now
            self.later(2, self.cost)
            self.stop_process(pid, self.random.uniform(0.1, 4), "shard")

    def reclaimer_killed(self):
        pid = self.u.reclaimer()
        self.note(f"SIGKILL reclaimer {pid}")
        if pid > 1:
            harness.kill(pid)

    def reclaimer_stops(self):
        self.stop_process(self.u.reclaimer(), self.random.uniform(0.1, 2), "reclaimer")

    def master_stops(self):
        self.stop_process(self.u.pid, 0.5, "master")

    GENTLE = (new, new, worker_stops_briefly, worker_stops_past_take_back, stopped_worker_killed, stopped_worker_killed,
              worker_drains, worker_pauses, worker_misbehaves, worker_misbehaves, reclaimer_killed, reclaimer_stops, master_stops)
    COSTLY = (worker_killed, worker_killed, shard_killed, shard_killed, shard_stops)

    def run(self, seconds):
        end = time.monotonic() + seconds
        faults = self.GENTLE if self.gentle else self.GENTLE + self.COSTLY
        while time.monotonic() < end:
            assert self.u.process.poll() is None, f"usherd ended with {self.u.process.returncode}"
            self.random.choice(faults)(self)
            time.sleep(self.random.uniform(0, 2 * INTERVAL))

    def calm(self):
        """No fault goes on."""
        for timer in self.timers:
            timer.join(10)
        for worker in self.workers:
            worker.signal(signal.SIGCONT)


def cpu(pids):
    ticks = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            ticks += sum(map(int, kernel.read(f"/proc/{pid}/stat").rpartition(")")[2].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def zombies(pid):
    return [child for child in kernel.children(pid) if not kernel.alive(child) and kernel.started(child)]


def nothing_open(u):
    """No capacity is used up: every worker that says when it has finished a connection has said it of all."""
    def used():
        return {row["name"]: row["open"] for row in u.workers() if row["open"]}
    wait(lambda: not used(), lambda: f"clients have all ended, and yet workers have open: {used()}", 5)


def agree(totals, clients, lost, chaos, gentle):
    """Usher's ledger and the clients' tell the same. A client that resets may have been in any column."""
    said = f"ledger {dict(totals)}, clients {dict(clients)}"
    answered = clients["served"] + clients["broken"]
    if gentle:
        assert answered <= totals["delivered"] <= answered + clients["left"], said
        turned_away = sum(value for key, value in totals.items() if key.startswith(("refused.", "timed_out.")))
        assert clients["refused"] <= turned_away <= clients["refused"] + clients["left"], said
    most = sum(lost.values()) + chaos.kills * RECEIVED_MAX + chaos.shard_kills * UNCOUNTED_MAX
    assert clients["cut"] <= most, f"{clients['cut']} cut, {most} are explained, {said}"


def standing(u, chaos, gentle):
    """What must hold of usherd when all is over, beside the harness's own check."""
    u.quiet_ledger()
    nothing_open(u)
    said = kernel.read(chaos.t.path("workers.log"))
    assert "Traceback" not in said, f"a worker failed: {said[-2000:]}"
    totals = u.totals()
    lost = {key: value for key, value in totals.items() if key.startswith("lost.") and value}
    allowed = set() if gentle else {"lost.shard_died", "lost.worker_fault", "lost.reclaim_blocked"}
    assert not lost.keys() - allowed, f"lost: {lost}"
    never = ("timed_out.queue", "refused.queue_full", "refused.no_worker", "refused.fd_limit")
    if gentle:
        bad = {key: totals[key] for key in never if totals[key]}
        assert not bad, f"a worker was there all the time, and yet {bad}"
    agree(totals, chaos.clients.totals(), lost, chaos, gentle)
    wait(lambda: not zombies(u.pid), lambda: f"zombies: {zombies(u.pid)}", 5)
    family = kernel.family(u.pid)
    before = cpu(family)
    time.sleep(1)
    used = cpu(family) - before
    assert used < IDLE_SHARE, f"{used:.2f} s of CPU in an idle second"
    return lost


def chaos(t, seconds, seed, gentle):
    listeners = {name: {"trust": ADDRESSES, "pool": name, "header_deadline": "1s"} for name in ("main", "web")}
    pools = {name: {"queue_deadline": "3s", "take_back_deadline": "300ms"} for name in ("main", "web")}
    u = t.usherd(listeners, pools, shard_deadline="5s" if gentle else "1s")
    clients = Clients({name: u.address(name) for name in ("main", "web")}, seed)
    run = Chaos(t, u, clients, seed, gentle)
    run.note(f"seed {seed} {'gentle' if gentle else ''}")
    try:
        for pool in ("main", "web"):
            run.start(pool, f"rock-{pool}")  # no fault touches it
            run.workers.append(run.start(pool))
        u.wait_workers(4, 10)
        clients.start()
        t.stack.callback(clients.stop)
        run.run(seconds)
        run.calm()
        clients.stop()
        run.note(f"clients: {clients.summary()}")
        clients.check(run.costly)
        lost = standing(u, run, gentle)
    except BaseException as error:
        run.note(f"fails: {error}")
        print(f"seed {seed}{' --gentle' if gentle else ''}, faults:\n{kernel.read(t.path('chaos.log'))}", flush=True)
        raise
    return f"{clients.summary()}, lost {lost}"


def main():
    import run  # its modules import this one
    parser = argparse.ArgumentParser(description="Usher under random faults")
    parser.add_argument("--build", default="build", help="build directory")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--gentle", action="store_true", help="only faults that may cut nobody")
    parser.add_argument("--without", metavar="FEATURE", action="append", default=[])
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 31) if options.seed is None else options.seed
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    kernel.become_subreaper()
    run.SECONDS_MAX = options.seconds + 90
    said = []
    result, reason = run.run_one(lambda t: said.append(chaos(t, options.seconds, seed, options.gentle)), options)
    print(f"{result} seed {seed} {options.seconds} s {'gentle ' if options.gentle else ''}{' '.join(said)} {reason}")
    return 0 if result == "ok" else 1


if __name__ == "__main__":
    sys.exit(main())
