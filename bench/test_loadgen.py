#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
loadgen checked against others: its ledger against servers of known behaviour, its headers against the real HAProxy.

    python3 bench/test_loadgen.py        (BUILD=directory when it is not build/)
"""

import contextlib
import itertools
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

from measure.processes import Program, listens, wait_for
from measure.targets import free_port

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = pathlib.Path(os.environ.get("BUILD", ROOT / "build")).resolve() / "bench"
KINDS = ("v1", "v2", "v2tlv")
COUNT = 200
SECONDS = 20
ANY_CPU = 0


def loadgen(port, *options, host="127.0.0.1"):
    """Runs it to its end; returns its exit status and its report."""
    r = subprocess.run(
        [BENCH / "loadgen", "--target", f"{host}:{port}", *map(str, options)],
        stdout=subprocess.PIPE,
        timeout=SECONDS,
        check=False,
    )
    return r.returncode, json.loads(r.stdout)


def header(kind, number=0, stated="4"):
    return subprocess.run(
        [BENCH / "loadgen", "--print-header", "--header", kind, "--first", str(number), "--stated", stated],
        stdout=subprocess.PIPE,
        timeout=SECONDS,
        check=True,
    ).stdout


def expected_source(number, stated):
    """The plan, written a second time: loadgen's plan.c is the other."""
    if stated == "4":
        return f"198.18.{number // 256 % 256}.{number % 256}", 1024 + number % 64511
    return f"2001:db8:5::{number:x}" if number else "2001:db8:5::", 1024 + number % 64511


class Case(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.folder = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="loadgen-test-")))

    def program(self, *command, **kwargs):
        return self.stack.enter_context(Program(command, ANY_CPU, self.folder, **kwargs))

    def server(self, *options, listen="127.0.0.1:0"):
        program = self.program(BENCH / "echo_server", "--listen", listen, *options)
        return program, int(program.line().split()[1])

    def listener(self):
        s = self.stack.enter_context(socket.socket())
        s.bind(("127.0.0.1", 0))
        s.listen(4096)
        return s, s.getsockname()[1]

    def haproxy(self, body):
        if not shutil.which("haproxy"):
            self.skipTest("haproxy is not installed")
        config = self.folder / "haproxy.cfg"
        port = free_port()
        config.write_text(body.replace("PORT", str(port)), encoding="ascii")
        program = self.program("haproxy", "-db", "-q", "-f", config)
        wait_for("haproxy to listen", lambda: listens(port) or not program.running())
        self.assertTrue(program.running(), "haproxy does not take its configuration")
        return port

    def assert_ledger(self, report, **counts):
        ledger = report["ledger"]
        flat = {
            "served": ledger["served"],
            "wrong_answer": ledger["wrong_answer"],
            "refused": ledger["refused"]["fin"] + ledger["refused"]["rst"],
            "timed_out": ledger["timed_out"]["connect"] + ledger["timed_out"]["answer"],
            "failed": ledger["failed"],
            "unfinished": ledger["unfinished"],
        }
        self.assertEqual({k: v for k, v in flat.items() if v}, counts)
        self.assertEqual(ledger["started"], sum(flat.values()))
        self.assertTrue(ledger["adds_up"])


class Ledger(Case):
    def test_every_header_in_every_way_is_served(self):
        for kind, stated, close, apart in itertools.product(KINDS, "46", ("fin", "rst"), ([], ["--separate"])):
            with self.subTest(kind=kind, stated=stated, close=close, apart=apart):
                program, port = self.server()
                options = ["--header", kind, "--stated", stated, "--close", close, "--payload", 7, *apart]
                status, report = loadgen(port, "--at-once", 20, "--total", COUNT, *options)
                self.assertEqual(status, 0)
                self.assert_ledger(report, served=COUNT)
                seen = json.loads(program.terminate())
                self.assertEqual((seen["accepted"], seen["answered"], seen["malformed"]), (COUNT, COUNT, 0))

    def test_without_header(self):
        program, port = self.server("--header", "none")
        status, report = loadgen(port, "--header", "none", "--total", COUNT)
        self.assertEqual(status, 0)
        self.assert_ledger(report, served=COUNT)
        self.assertEqual(json.loads(program.terminate())["answered"], COUNT)

    def test_over_ip6(self):
        program, port = self.server(listen="[::1]:0")
        _, report = loadgen(port, "--total", COUNT, host="[::1]")
        self.assert_ledger(report, served=COUNT)
        self.assertEqual(json.loads(program.terminate())["answered"], COUNT)

    def test_a_server_that_wants_a_header_refuses(self):
        _, port = self.server()
        status, report = loadgen(port, "--header", "none", "--total", COUNT)
        self.assertEqual(status, 1)
        self.assert_ledger(report, refused=COUNT)

    def test_nobody_answers(self):
        _, port = self.listener()
        status, report = loadgen(port, "--at-once", COUNT, "--timeout-ms", 300)
        self.assertEqual(status, 1)
        self.assert_ledger(report, timed_out=COUNT)

    def test_nobody_listens(self):
        status, report = loadgen(free_port(), "--total", COUNT)
        self.assertEqual(status, 1)
        self.assert_ledger(report, failed=COUNT)
        self.assertEqual(report["ledger"]["first_error"], "Connection refused")

    def test_the_run_has_a_limit(self):
        _, port = self.listener()
        _, report = loadgen(port, "--at-once", 50, "--total", COUNT, "--limit-s", 1)
        self.assert_ledger(report, unfinished=50)

    def test_sources_are_checked(self):
        """A server that says where each client is from, and lies to every tenth."""
        listener, port = self.listener()

        def serve():
            for i in range(50):
                s, _ = listener.accept()
                with s:
                    words = s.recv(256).decode("latin-1").split(" ")
                    s.sendall(f"{words[2]}:{int(words[4]) + (i % 10 == 0)}\n".encode())

        thread = threading.Thread(target=serve)
        thread.start()
        _, report = loadgen(port, "--header", "v1", "--check-source", "--at-once", 1, "--total", 50)
        thread.join(SECONDS)
        self.assert_ledger(report, served=45, wrong_answer=5)

    def test_quantiles_are_in_order(self):
        _, port = self.server()
        _, report = loadgen(port, "--total", COUNT)
        for name in ("latency_us", "connect_us"):
            values = list(report[name].values())
            self.assertEqual(values, sorted(values))
            self.assertGreater(values[0], 0)


class Backlog(Case):
    def test_answers_are_taken_on_the_word_and_closed_on_the_next(self):
        server, port = self.server("--hold", 1000)
        client = self.program(
            BENCH / "loadgen", "--target", f"127.0.0.1:{port}", "--backlog", "--at-once", COUNT, stdin=True
        )
        self.assertEqual(client.line(), f"ready {COUNT}")
        client.say("go")
        self.assertEqual(client.line(), f"answered {COUNT}")
        client.say("close")
        report = json.loads(client.rest())
        self.assert_ledger(report, served=COUNT)
        times = report["monotonic"]
        self.assertGreaterEqual(times["last_answer_ns"], times["first_answer_ns"])
        # by the kernel's stamp: when it came, which was before anybody looked
        self.assertLess(times["first_answer_ns"], times["go_ns"])
        self.assertGreater(times["first_answer_ns"], times["begin_ns"])
        self.assertEqual(json.loads(server.terminate())["answered"], COUNT)

    def test_without_answers(self):
        acceptor = self.program(BENCH / "accept_only", "--listen", "127.0.0.1:0", "--expect", COUNT)
        port = acceptor.line().split()[1]
        client = self.program(
            *(BENCH / "loadgen", "--target", f"127.0.0.1:{port}", "--backlog", "--no-answer", "--at-once", COUNT),
            stdin=True,
        )
        self.assertEqual(client.line(), f"ready {COUNT}")
        client.say("go")
        self.assertEqual(client.line(), "answered 0")
        self.assertEqual(acceptor.line(), "done")
        client.say("close")
        self.assert_ledger(json.loads(client.rest()), unfinished=COUNT)
        self.assertEqual(json.loads(acceptor.terminate())["accepted"], COUNT)


ECHO_SOURCE = """defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 10s
frontend f
  bind 127.0.0.1:PORT accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port] \
id=%[fc_pp_unique_id] name=%[fc_pp_authority]"
"""

TCP = """global
  maxconn 1000
defaults
  mode tcp
  timeout client 10s
  timeout server 10s
  timeout connect 10s
frontend f
  bind 127.0.0.1:PORT accept-proxy
  default_backend b
backend b
  server s 127.0.0.1:SERVER
"""


class RealHaproxy(Case):
    """HAProxy takes the headers, and understands what is meant."""

    @staticmethod
    def ask(port, head):
        with socket.create_connection(("127.0.0.1", port), SECONDS) as s:
            s.sendall(head + b"GET / HTTP/1.0\r\n\r\n")
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                while got := s.recv(4096):
                    answer += got
        return answer.partition(b"\r\n\r\n")[2].decode().split()

    def test_it_reads_what_was_planned(self):
        port = self.haproxy(ECHO_SOURCE)
        for kind, stated, number in itertools.product(KINDS, "46", (0, 1, 255, 65535)):
            with self.subTest(kind=kind, stated=stated, number=number):
                words = self.ask(port, header(kind, number, stated))
                source, source_port = expected_source(number, stated)
                destination = "203.0.113.10" if stated == "4" else "2001:db8:ffff::a"
                self.assertEqual(words[:4], [source, str(source_port), destination, "443"])
                tlv = kind == "v2tlv"
                self.assertEqual(words[4], f"id={number:016x}" if tlv else "id=")
                self.assertEqual(words[5], f"name=n{number}.bench.example" if tlv else "name=")

    def test_it_checks_the_checksum(self):
        """Else the test above would say nothing about it."""
        port = self.haproxy(ECHO_SOURCE)
        good = header("v2tlv")
        for at in (20, len(good) - 1):
            bad = bytearray(good)
            bad[at] ^= 1
            self.assertEqual(self.ask(port, bytes(bad)), [], f"byte {at} changed")

    def test_tlvs_are_about_200_bytes(self):
        self.assertEqual(len(header("v2tlv")) - len(header("v2")), 200)

    def test_load_through_it(self):
        server, server_port = self.server("--header", "none")
        port = self.haproxy(TCP.replace("SERVER", str(server_port)))
        for kind in KINDS:
            with self.subTest(kind=kind):
                status, report = loadgen(port, "--header", kind, "--at-once", 20, "--total", COUNT)
                self.assertEqual(status, 0)
                self.assert_ledger(report, served=COUNT)
        self.assertEqual(json.loads(server.terminate())["answered"], COUNT * len(KINDS))


if __name__ == "__main__":
    unittest.main()
