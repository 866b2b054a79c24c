# SPDX-License-Identifier: Apache-2.0
"""Processes that this run started: pinned, stopped and continued as a tree, their CPU time read, and ended by id."""

import contextlib
import os
import pathlib
import select
import signal
import subprocess
import time

END_SECONDS = 5
POLL_SECONDS = 0.02
TICK_NS = 10**9 // os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A run that did not come about; says why."""


def wait_for(what, condition, seconds=10):
    """Asks @condition until it is true; for states that the kernel announces to nobody."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"waited {seconds} s for {what}")
        time.sleep(POLL_SECONDS)


class Program:
    """One started program, pinned to a CPU. Its lines are read from standard output, with a deadline."""

    def __init__(self, command, cpu, workdir, stdin=None):
        self.name = pathlib.Path(command[0]).name
        self._log = open(workdir / f"{self.name}-{time.monotonic_ns()}.log", "wb")
        self._process = subprocess.Popen(
            ["taskset", "-c", str(cpu), *map(str, command)],
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        self.pid = self._process.pid
        self._unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def running(self):
        return self._process.poll() is None

    def say(self, line):
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def line(self, seconds=30):
        """The next line of its output."""
        end = time.monotonic() + seconds
        while b"\n" not in self._unread:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise Failed(f"{self.name}: no line within {seconds} s")
            got = os.read(self._process.stdout.fileno(), 65536)
            if not got:
                raise Failed(f"{self.name}: ended with {self._process.wait()}; see {self._log.name}")
            self._unread += got
        first, self._unread = self._unread.split(b"\n", 1)
        return first.decode()

    def rest(self, seconds=30):
        """All output up to its end."""
        out, _ = self._process.communicate(timeout=seconds)
        return (self._unread + out).decode()

    def terminate(self):
        """Asks it to stop and returns what it says last."""
        if self.running():
            self._process.send_signal(signal.SIGTERM)
        return self.rest(END_SECONDS)

    def end(self):
        """Gone afterwards, with what it started, whatever happened before."""
        pids = tree(self.pid) if self.running() else []
        for pid in pids:
            _signal(pid, signal.SIGCONT)
        if self.running():
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
        for pid in pids[::-1]:
            # its children only: a number that was taken again belongs to someone else
            if pid != self.pid and parent(pid) in pids:
                _signal(pid, signal.SIGKILL)
        if self.running():
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()


def _signal(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _stat(pid):
    """Fields of /proc/PID/stat after the name: [0] is the state."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return text.rsplit(")", 1)[1].split()


def parent(pid):
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def tree(root):
    """@root and all below it, parents first."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            children.setdefault(parent(int(entry.name)), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def stop(pids):
    """Stopped, all of them, when it returns."""
    for pid in pids:
        _signal(pid, signal.SIGSTOP)
    wait_for("the gateway to stop", lambda: all((_stat(p) or "T")[0] in "TZ" for p in pids))


def resume(pids):
    for pid in pids:
        _signal(pid, signal.SIGCONT)


def times(pids):
    """Of each thread, as the scheduler counts it in ns: {thread: (on a CPU, ready but waiting for one)}."""
    found = {}
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
            with contextlib.suppress(OSError):
                run, wait = (task / "schedstat").read_text(encoding="ascii").split()[:2]
                found[task.name] = (int(run), int(wait))
    return found


def cpu_ns(pids):
    """CPU time of all threads."""
    return sum(run for run, _ in times(pids).values())


def spent(before, after):
    """(CPU time of all threads, time that the busiest one waited for its CPU) between two times()."""
    threads = [(run - before.get(t, (0, 0))[0], wait - before.get(t, (0, 0))[1]) for t, (run, wait) in after.items()]
    return sum(run for run, _ in threads), max(threads, default=(0, 0))[1]


def ticks_ns(pids):
    """(user, system) CPU time in clock ticks of 10 ms: coarse, but the only split that the kernel shows outside."""
    fields = [f for f in map(_stat, pids) if f]
    return tuple(sum(int(f[i]) for f in fields) * TICK_NS for i in (11, 12))


def wait_until_idle(pids, quiet_seconds=0.1, most_seconds=3):
    """Until @pids have used no CPU time to speak of for a while; True if that came."""
    end = time.monotonic() + most_seconds
    while time.monotonic() < end:
        before = cpu_ns(pids)
        time.sleep(quiet_seconds)
        if cpu_ns(pids) - before < quiet_seconds * 10**9 / 200:
            return True
    return False


def listens(port):
    """True if some process of this host listens on TCP port @port; Usher's sockets are IPv6 ones that carry IPv4."""
    lines = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if pathlib.Path(table).exists():
            lines += pathlib.Path(table).read_text(encoding="ascii").splitlines()[1:]
    return any(f[1].endswith(f":{port:04X}") and f[3] == "0A" for f in (line.split() for line in lines))
