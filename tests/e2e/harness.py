# SPDX-License-Identifier: Apache-2.0
"""A test's surroundings: one Context per test owns its directory, its processes and its sockets, and ends with the
standing check on every usherd that the test started and did not itself end."""
import collections
import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile

import clients
import kernel
import wire

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM_PYTHON = "/usr/bin/python3"  # one that other users can read too
READY = 10
QUIET = 6


class Skip(Exception):
    """The test can't run here; the text says why."""


def kill(pid, number=signal.SIGKILL):
    assert pid > 1, f"signal to pid {pid}"  # 0 would be everybody in our group
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def setting(value):
    """A Python value in the configuration file's syntax."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(json.dumps(item) for item in value) + "}"
    return json.dumps(value)


def section(kind, name, values):
    lines = [f"    {key} = {setting(value)}" for key, value in values.items() if value is not None]
    return f'{kind} "{name}" {{\n' + "\n".join(lines) + "\n}\n"


def keys(values):
    return {key.replace("_", "-"): value for key, value in values.items()}


class Usherd:
    """One running daemon. Everything that a test wants to know about it, it asks through usherctl or /proc."""

    def __init__(self, context, arguments, admin, *, wrapper=(), preexec=None, ready=True):
        self.context, self.admin = context, admin
        self.log_path = context.path(f"usherd-{len(context.daemons)}.log")
        self.command = [*wrapper, context.binary("usherd"), *arguments]
        for feature in context.without:
            self.command += ["--without", feature]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=preexec, cwd=context.directory)
        self.pid = self.process.pid
        self.expect_clean = True
        self.seen = {}
        self.see(self.pid)
        context.daemons.append(self)
        if ready:
            self.wait_ready()
            self.baseline = self.fd_counts()

    # what it says

    def ctl(self, *words, timeout=5):
        return self.context.run(self.context.binary("usherctl"), "-s", self.admin, *words, timeout=timeout)

    def need(self, command):
        if command not in self.ctl("help").stdout:
            raise Skip(f"usherctl has no {command}")

    def ask(self, *words):
        result = self.ctl(*words, "--json")
        assert result.returncode == 0, f"usherctl {' '.join(words)}: {result.returncode} {result.stderr.strip()}"
        return json.loads(result.stdout)

    def wait_ready(self):
        def answered():
            code = self.process.poll()
            assert code is None, f"usherd ended with {code} at its start: {self.log()[-600:]}"
            return os.path.exists(self.admin) and self.ctl("status").returncode == 0 and \
                all(row["accept"] != "off" for row in self.ask("shards")["shards"])
        clients.wait(answered, lambda: f"not ready: {self.log()[-600:]}", READY)
        self.addresses = {row["name"]: self._split(row["address"]) for row in self.ask("listeners")["listeners"]}
        self.see(*kernel.family(self.pid))

    @staticmethod
    def _split(text):
        host, _, port = text.rpartition(":")
        return host.strip("[]"), int(port)

    def address(self, listener="main", host=None):
        address = self.addresses[listener]
        return (host or address[0], address[1])

    def log(self):
        return kernel.read(self.log_path)

    def log_has(self, word):
        """Some line has this word as a value."""
        return any(word in map(str, line.values()) for line in self.log_lines())

    def log_lines(self):
        lines = [line for line in self.log().splitlines() if line.strip()]
        found = []
        for line in lines:
            try:
                found.append(json.loads(line))
            except ValueError:
                raise AssertionError(f"a log line that is not JSON: {line[:200]!r}") from None
        return found

    # its ledger

    def totals(self, listener=None):
        """The ledger summed over shards, flat: accepted, refused.client_closed, timed_out.header, …"""
        result = self.ctl("check", "--json")
        assert result.returncode in (0, 1), f"usherctl check: {result.returncode} {result.stderr.strip()}"
        sums = collections.Counter()
        for row in json.loads(result.stdout)["listeners"]:
            if listener in (None, row["listener"]):
                for key, value in row.items():
                    if isinstance(value, dict):
                        sums.update({f"{key}.{word}": number for word, number in value.items()})
                    elif isinstance(value, int) and key != "shard":
                        sums[key] += value
        return sums

    def wait_totals(self, timeout=5, listener=None, **wanted):
        """Until each named count is exactly that; refused__client_closed names refused.client_closed."""
        wanted = {key.replace("__", "."): value for key, value in wanted.items()}
        last = {}

        def reached():
            last.clear()
            last.update(self.totals(listener))
            return all(last.get(key, 0) == value for key, value in wanted.items())
        clients.wait(reached, lambda: f"wanted {wanted}, ledger: " + str({k: v for k, v in last.items() if v}),
                     timeout)
        return collections.Counter(last)

    # its processes

    def shards(self):
        """{number: pid} of those that run."""
        found = {row["shard"]: row["pid"] for row in self.ask("shards")["shards"] if row["state"] == "running"}
        self.see(*found.values())
        return found

    def reclaimer(self):
        pid = self.ask("status")["reclaimer_pid"]
        self.see(pid)
        return pid

    def see(self, *pids):
        """Remembers processes with their start, so that a number that was given away again is not taken for them."""
        for pid in pids:
            start = kernel.started(pid)
            if pid > 1 and start:
                self.seen[pid] = start

    def left(self):
        return [pid for pid, start in self.seen.items() if kernel.alive(pid) and kernel.started(pid) == start]

    def fd_counts(self):
        return sum((kernel.fds(pid) for pid in kernel.family(self.pid)), collections.Counter())

    @contextlib.contextmanager
    def shards_stopped(self):
        """Its listeners' backlogs fill while inside."""
        pids = list(self.shards().values())
        try:
            for pid in pids:
                kill(pid, signal.SIGSTOP)
                clients.wait(lambda: kernel.stopped(pid), "a shard did not stop")
            yield
        finally:
            for pid in pids:
                kill(pid, signal.SIGCONT)

    # its end

    def workers(self):
        """Their rows, without those that are dropped."""
        return [row for row in self.ask("workers")["workers"] if row["state"] != "dropped"]

    def wait_workers(self, count, timeout=5):
        clients.wait(lambda: len(self.workers()) == count, lambda: f"wanted {count} workers, has {self.workers()}",
                     timeout)

    def quiet_ledger(self):
        """Nothing is on its way, and the ledger holds."""
        def settled():
            now = self.totals()
            return not (now["in_header"] or now["queued"] or now["unread"])
        clients.wait(settled, lambda: "not quiet: " + str({k: v for k, v in self.totals().items() if v}), QUIET)
        result = self.ctl("check")
        assert result.returncode == 0, f"usherctl check: {result.returncode}\n{result.stdout}{result.stderr}"

    def quiet(self):
        """The standing check while it runs."""
        self.quiet_ledger()
        clients.wait(lambda: not self.leaked(), lambda: f"fds left over: {self.leaked()}\n" + "".join(
            f"    {pid}: {kernel.sockets(pid)}\n" for pid in kernel.family(self.pid)), QUIET)
        self.see(*kernel.family(self.pid))

    def leaked(self):
        return dict(self.fd_counts() - self.baseline)

    def stop(self, number=signal.SIGTERM, timeout=8):
        self.see(*kernel.family(self.pid))
        self.process.send_signal(number)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there {timeout} s after signal {number}") from None
        assert code == 0, f"exit {code} after signal {number}"
        self.expect_clean = False
        self.gone()
        self.log_lines()

    def gone(self, timeout=5):
        """None of its processes is left."""
        clients.wait(lambda: not self.left(), lambda: f"processes left: {self.left()}", timeout)

    def end(self, timeout=10):
        """Exit status of one that ends by itself."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"usherd runs on: {self.log()[-400:]}") from None
        self.expect_clean = False
        return code

    def destroy(self):
        if self.process.poll() is None:
            self.see(*kernel.family(self.pid))
        for pid in self.left():
            kill(pid)
        self.process.wait()
        for pid in self.seen.keys() - {self.pid}:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # orphans are ours, see kernel.become_subreaper()


class Context:
    """What one test has. Closes and ends everything, in this order: clients, workers, helpers, usherd."""

    def __init__(self, build, without=(), keep=False):
        self.build, self.without, self.keep = os.path.abspath(build), list(without), keep
        self.directory = tempfile.mkdtemp(prefix="usher-e2e-")
        os.chmod(self.directory, 0o755)
        self.daemons, self.processes, self.things = [], [], []
        self.stack = contextlib.ExitStack()

    def path(self, name):
        return os.path.join(self.directory, name)

    def binary(self, name):
        for folder in ("src/usherd", "src/cli", "examples", "bench", "src/master"):
            path = os.path.join(self.build, folder, name)
            if os.access(path, os.X_OK) and os.path.isfile(path):
                return path
        raise Skip(f"{name} is not built")

    @staticmethod
    def need(program):
        path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if not path:
            raise Skip(f"{program} is not installed")
        return path

    @staticmethod
    def need_root():
        if os.geteuid() != 0:
            raise Skip("needs root")

    def run(self, *command, timeout=10, **options):
        return subprocess.run(command, stdin=options.pop("stdin", subprocess.DEVNULL), capture_output=True,
                              text=True, timeout=timeout, check=False, **options)

    # the daemon

    def config(self, listeners=None, pools=None, **settings):
        """Writes a configuration file with short deadlines; returns (path, admin socket)."""
        name = f"usher-{len(self.daemons)}"
        admin = self.path(f"{name}.admin")
        values = {"admin-socket": admin, "state-directory": self.directory, "shards": 2, "log-level": "info",
                  "stop-deadline": "2s", "orphan-deadline": "2s", **keys(settings)}
        text = "".join(f"{key} = {setting(value)}\n" for key, value in values.items() if value is not None)
        for listener, own in (listeners or {"main": {}}).items():
            text += section("listener", listener, {
                "address": "127.0.0.1:0", "trust": ["127.0.0.1"], "proxy": "require", "pool": "main",
                "header-deadline": "3s", **keys(own)})
        for pool, own in (pools or {"main": {}}).items():
            text += section("pool", pool, {"socket": self.path(f"{pool}.sock"), "queue-deadline": "2s",
                                           "take-back-deadline": "300ms", **keys(own)})
        path = self.path(f"{name}.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path, admin

    def usherd(self, listeners=None, pools=None, *, wrapper=(), preexec=None, ready=True, extra=(), **settings):
        path, admin = self.config(listeners, pools, **settings)
        return Usherd(self, ["-c", path, *extra], admin, wrapper=wrapper, preexec=preexec, ready=ready)

    def usherd_with(self, arguments, ready=True, **options):
        """Without a file; an admin socket is added."""
        admin = self.path(f"usher-{len(self.daemons)}.admin")
        return Usherd(self, [*arguments, "--admin", admin], admin, ready=ready, **options)

    # workers and clients

    def keep_thing(self, thing):
        self.things.append(thing)
        return thing

    def worker(self, pool="main", name="python", **options):
        return self.keep_thing(wire.Worker(self.path(f"{pool}.sock"), name, **options))

    def client(self, *arguments, **options):
        return self.keep_thing(clients.Client(*arguments, **options))

    def clients(self, *arguments, **options):
        found = clients.many(*arguments, **options)
        self.things += found
        return found

    def start(self, *command, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen(command, cwd=self.directory, **options)
        self.processes.append(process)
        return process

    def worker_process(self, name, pool="main", *arguments, wrapper=()):
        """worker_process.py, registered."""
        process = self.start(*wrapper, SYSTEM_PYTHON if wrapper else sys.executable, "-B", "-I",
                             os.path.join(HERE, "worker_process.py"), "--pool", self.path(f"{pool}.sock"),
                             "--name", name, *arguments, stdout=subprocess.PIPE)
        self.wait_output(process, b"ready")
        return process

    @staticmethod
    def wait_output(process, wanted, timeout=10):
        ready, _, _ = select.select([process.stdout], [], [], timeout)
        assert ready, "a helper said nothing in time"
        line = process.stdout.readline()
        assert line.strip() == wanted, f"a helper said {line!r}"

    def hello(self, usherd, pool="main", *arguments, wrapper=()):
        """usher-hello, registered."""
        before = len(usherd.workers())
        with open(self.path(f"hello-{len(self.processes)}.log"), "wb") as log:
            process = self.start(*wrapper, self.binary("usher-hello"), "--pool", self.path(f"{pool}.sock"),
                                 *arguments, stdout=log, stderr=log)
        usherd.wait_workers(before + 1)
        return process

    def end_process(self, process, number=signal.SIGKILL):
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        process.wait(5)

    # the end

    def finish(self):
        """The standing check. Called when the test itself has passed."""
        self.release()
        for daemon in self.daemons:
            if daemon.expect_clean:
                assert daemon.process.poll() is None, f"usherd ended by itself: {daemon.process.returncode}"
                daemon.quiet()
                daemon.stop()

    def release(self):
        for thing in reversed(self.things):
            with contextlib.suppress(OSError):
                thing.close()
        self.things.clear()
        for process in self.processes:
            if process.poll() is None:
                self.end_process(process, getattr(process, "end_signal", signal.SIGKILL))
            for pipe in filter(None, (process.stdin, process.stdout)):
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self.processes.clear()

    def destroy(self):
        """Never fails."""
        for daemon in self.daemons:
            for pid in daemon.left():
                kill(pid, signal.SIGCONT)
        self.release()
        for daemon in self.daemons:
            daemon.destroy()
        self.stack.close()
        if not self.keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    def logs(self, lines=15):
        """The tail of each log, for a failure."""
        text = ""
        for name in sorted(os.listdir(self.directory)):
            if name.endswith(".log"):
                tail = kernel.read(self.path(name)).splitlines()[-lines:]
                text += f"--- {name}\n" + "".join(f"    {line[:300]}\n" for line in tail)
        return re.sub(r"[^\x20-\x7e\n]", "?", text)
