# SPDX-License-Identifier: Apache-2.0
"""
What the drain is measured on: each target starts its gateway on one CPU and what answers behind it on another, and says
in `does` and `does_not` what the figure stands for.
"""

import contextlib
import json
import pathlib
import shutil
import socket
import subprocess

from measure.processes import Failed, Program, wait_for, listens

GATEWAY_CPU = 0
SERVER_CPU = 1
FDS_MAX = 20000
NGINX_STREAM = pathlib.Path("/usr/lib/nginx/modules/ngx_stream_module.so")


def free_port():
    """A port that nobody has now. Another may take it before it is used: the run then fails, and says so."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Target:
    """One way to serve the backlog. A context: started inside, gone outside."""

    name = ""
    does = ""
    does_not = ""
    answers = True  # a client gets an answer

    def __init__(self, plan, workdir):
        self.plan = plan  # .build, .connections, .warmup
        self.workdir = workdir
        self.port = None
        self.gateway = None
        self.server = None
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_):
        self._stack.close()

    def start(self):
        raise NotImplementedError

    def run(self, command, cpu):
        return self._stack.enter_context(Program(command, cpu, self.workdir))

    def bench(self, name):
        return self.plan.build / "bench" / name

    def own_figures(self):
        """What the programs themselves say, after the run; ends those that must end to say it."""
        return {}

    @classmethod
    def missing(cls, plan):
        """None, or why this target cannot run here."""
        return None if (plan.build / "bench" / "loadgen").exists() else "bench/ is not built"


def held_together(plan):
    """A server that keeps every connection, and answers those that count all at once when it has the last."""
    return ["--hold", all_held(plan), "--warmup", plan.warmup, "--together", plan.connections]


def all_held(plan):
    return plan.connections + plan.warmup + 100


class AcceptMultishot(Target):
    name = "accept_multishot"
    does = "io_uring multishot accept; every connection is held"
    does_not = "peer address, PROXY header, ledger, hand-off, answer, close"
    answers = False
    extra = ()

    def start(self):
        self.gateway = self.run(
            [self.bench("accept_only"), "--listen", "127.0.0.1:0", "--warmup", self.plan.warmup]
            + ["--expect", self.plan.connections, *self.extra],
            GATEWAY_CPU,
        )
        self.port = int(self.gateway.line().split()[1])

    def wait_done(self, seconds):
        if self.gateway.line(seconds) != "done":
            raise Failed("accept_only did not say that it is done")

    def own_figures(self):
        return {"gateway": json.loads(self.gateway.terminate())}


class AcceptWindow(AcceptMultishot):
    name = "accept_window"
    does = "io_uring, 256 single-shot accepts in flight, each with its peer address; every connection is held"
    does_not = "PROXY header, ledger, hand-off, answer, close"
    extra = ("--window",)


class Plain(Target):
    name = "plain"
    does = "one process without a gateway: epoll, accept4, reads past the header, answers, holds"
    does_not = "check of the header's addresses, ledger, hand-off, second connection, close"

    def start(self):
        self.gateway = self.run(
            [self.bench("echo_server"), "--listen", "127.0.0.1:0", *held_together(self.plan)], GATEWAY_CPU
        )
        self.port = int(self.gateway.line().split()[1])

    def own_figures(self):
        return {"gateway": json.loads(self.gateway.terminate())}


class Usher(Target):
    name = "usher_hold"
    does = "usherd, one shard: accept, peer, trust, header, ledger, hand-off, close; the worker answers and holds"
    does_not = "second connection, copying of payload"
    hold = True

    def start(self):
        pool, self.admin = self.workdir / "pool.sock", self.workdir / "admin.sock"
        self.port = free_port()
        self.gateway = self.run(
            [self.plan.usherd, "--listen", f"127.0.0.1:{self.port}", "--trust", "127.0.0.0/8", "--pool", pool]
            + ["--admin", self.admin, "--accept-local-sources"],
            GATEWAY_CPU,
        )
        wait_for("usherd's sockets", lambda: pool.exists() and self.admin.exists() and listens(self.port))
        hold = held_together(self.plan) if self.hold else ["--warmup", self.plan.warmup]
        self.server = self.run(
            [self.bench("sink_worker"), "--pool", pool, *hold], SERVER_CPU
        )
        if self.server.line() != "ready":
            raise Failed("sink_worker is not ready")

    def own_figures(self):
        return {
            "check": self._ask("check"),
            "shards": self._ask("shards"),
            "server": json.loads(self.server.terminate()),
        }

    def _ask(self, what):
        r = subprocess.run(
            [self.plan.usherctl, "-s", self.admin, what, "--json"],
            stdout=subprocess.PIPE,
            timeout=10,
            check=False,
        )
        try:
            return json.loads(r.stdout)
        except ValueError:
            return {"exit": r.returncode, "said": r.stdout.decode(errors="replace")}

    @classmethod
    def missing(cls, plan):
        for path in (plan.usherd, plan.usherctl, plan.build / "bench" / "sink_worker"):
            if not path.exists():
                return f"{path.name} is not built"
        return super().missing(plan)


class UsherClose(Usher):
    name = "usher_close"
    does = "the same; the worker answers and closes at once"
    hold = False


class Rival(Target):
    """A proxy in front of a server that answers a byte and holds."""

    program = ""

    def start(self):
        self.server = self.run(
            [self.bench("echo_server"), "--listen", "127.0.0.1:0", "--header", "none", *held_together(self.plan)],
            SERVER_CPU,
        )
        self.port = free_port()
        config = self.workdir / f"{self.name}.cfg"
        config.write_text(self.config(int(self.server.line().split()[1])), encoding="ascii")
        self.gateway = self.run(self.command(config), GATEWAY_CPU)
        wait_for(f"{self.program} to listen", lambda: listens(self.port) or not self.gateway.running())
        if not self.gateway.running():
            raise Failed(f"{self.program} ended: see its log in {self.workdir}")

    def config(self, server_port):
        raise NotImplementedError

    def command(self, config):
        raise NotImplementedError

    def own_figures(self):
        return {"server": json.loads(self.server.terminate())}

    @classmethod
    def missing(cls, plan):
        if not shutil.which(cls.program):
            return f"{cls.program} is not installed"
        return super().missing(plan)


class Haproxy(Rival):
    name = "haproxy"
    program = "haproxy"
    does = "mode tcp, accept-proxy, one thread: accept, header, a second connection to the server, copies both ways"
    does_not = "passing of the connection itself; its timeouts, counters and buffers are as they come"

    def config(self, server_port):
        most = all_held(self.plan) + 100
        return f"""global
  nbthread 1
  maxconn {most}
defaults
  mode tcp
  timeout connect 30s
  timeout client 120s
  timeout server 120s
frontend front
  bind 127.0.0.1:{self.port} accept-proxy backlog 65535
  default_backend back
backend back
  server sink 127.0.0.1:{server_port}
"""

    def command(self, config):
        return ["haproxy", "-db", "-q", "-f", config]


class Nginx(Rival):
    name = "nginx"
    program = "nginx"
    does = "stream, proxy_protocol, one worker: accept, header, a second connection to the server, copies both ways"
    does_not = "passing of the connection itself; buffers are as they come, no access log"

    def config(self, server_port):
        most = 2 * all_held(self.plan) + 100
        return f"""load_module {NGINX_STREAM};
worker_processes 1;
daemon off;
master_process off;
error_log {self.workdir}/nginx.err;
pid {self.workdir}/nginx.pid;
worker_rlimit_nofile {FDS_MAX};
events {{ worker_connections {most}; multi_accept on; }}
stream {{
  server {{
    listen 127.0.0.1:{self.port} proxy_protocol backlog=65535;
    proxy_pass 127.0.0.1:{server_port};
    proxy_connect_timeout 30s;
    proxy_timeout 120s;
  }}
}}
"""

    def command(self, config):
        return ["nginx", "-p", self.workdir, "-c", config]

    @classmethod
    def missing(cls, plan):
        return super().missing(plan) or (None if NGINX_STREAM.exists() else f"{NGINX_STREAM} is not there")


ALL = (AcceptMultishot, AcceptWindow, Usher, UsherClose, Plain, Haproxy, Nginx)
