#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Workers against a gateway played by the test: the one written from the documentation, usher-hello, the examples.

usage: test_worker_protocol.py [BUILD_DIR]    (without one only worker_from_docs.py is tested)
"""
import json
import os
import signal
import subprocess
import sys
import unittest

from fake_gateway import DRAIN, HEAD, FakeGateway, address

HERE = os.path.dirname(os.path.abspath(__file__))
FROM_DOCS = [sys.executable, os.path.join(HERE, "worker_from_docs.py")]
BUILD = None

V2 = {"flags": 1, "version": 2, "source": address("192.0.2.7", 1234), "destination": address("203.0.113.9", 443),
      "tlv": bytes.fromhex("020003612e62" "050000")}
V6 = {"flags": 1, "version": 1, "source": address("2001:db8::1", 7), "destination": address("2001:db8::2", 80)}
LOCAL = {"flags": 2 | 1, "version": 2}
UNIX = {"flags": 1, "version": 2, "source": b"\1" + bytes(19), "destination": b"\1" + bytes(19),
        "paths": b"/run/a\"b".ljust(108, b"\0") + b"\0x".ljust(108, b"\0")}


def read_all(client):
    data = b""
    while chunk := client.recv(65536):
        data += chunk
    return data


class Response:
    """One HTTP response from a connection that stays open."""

    def __init__(self, reader, head_only=False):
        self.status = int(reader.readline().split()[1])
        self.fields = {}
        while (line := reader.readline()) not in (b"\r\n", b""):
            name, value = line.split(b":", 1)
            self.fields[name.decode().lower()] = value.strip().decode()
        self.body = b"" if head_only else reader.read(int(self.fields["content-length"]))


class WorkerCase(unittest.TestCase):
    def setUp(self):
        self.gateway = self.enterContext(FakeGateway())

    def start(self, *command):
        self.worker = subprocess.Popen([*command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.reap)

    def reap(self):
        if self.worker.poll() is None:
            self.worker.kill()
        self.worker.communicate()

    def fail_output(self):
        return self.worker.communicate(timeout=20)[1].decode()


class FromDocs(WorkerCase):
    def test_says_what_the_header_said(self):
        self.start(*FROM_DOCS, self.gateway.path, "--count", "4", "--done", "--name", "n")
        self.assertEqual(self.gateway.accept(), (1, 0, 1, 0, 0, "n"))
        said = []
        for i, record in enumerate((V2, V6, LOCAL, UNIX)):
            client = self.gateway.hand_off([record], shard=i % 2)[0]
            said.append(json.loads(read_all(client)))
            client.close()
        self.gateway.done(4)
        out, err = self.worker.communicate(timeout=20)
        self.assertEqual(self.worker.returncode, 0, err)
        by_id = sorted(json.loads(line)["id"] for line in out.splitlines())
        self.assertEqual(by_id, [1, 2, 3, 4])
        self.assertEqual((said[0]["client"], said[0]["client_port"]), ("192.0.2.7", 1234))
        self.assertEqual((said[0]["server"], said[0]["server_port"]), ("203.0.113.9", 443))
        self.assertEqual(said[0]["tlvs"], [{"type": 2, "value_hex": "612e62"}, {"type": 5, "value_hex": ""}])
        self.assertEqual((said[1]["client"], said[1]["version"]), ("2001:db8::1", 1))
        self.assertEqual((said[2]["command"], said[2]["client"]), ("LOCAL", "127.0.0.1"))
        self.assertEqual(said[2]["server_port"], self.gateway.tcp.getsockname()[1])
        self.assertEqual((said[3]["client"], said[3]["server"]), ('/run/a"b', "\0x"))

    def test_reads_to_the_end(self):
        self.start(*FROM_DOCS, self.gateway.path, "--done")
        self.gateway.accept()
        self.gateway.hand_off([V2])[0].close()
        clients = self.gateway.hand_off([V2, V2]) + self.gateway.hand_off([V6])
        self.gateway.stop()
        for client in clients:
            self.assertIn("client", json.loads(read_all(client)))
            client.close()
        self.worker.communicate(timeout=20)
        self.assertEqual(self.worker.returncode, 0)

    def test_refused(self):
        self.start(*FROM_DOCS, self.gateway.path)
        self.gateway.accept(error=3)
        self.assertIn("no, for a test", self.fail_output())
        self.assertEqual(self.worker.returncode, 1)

    def test_nonsense(self):
        self.start(*FROM_DOCS, self.gateway.path)
        self.gateway.accept()
        self.gateway.shards[0].send(b"nonsense")
        self.assertIn("nonsense", self.fail_output())
        self.assertEqual(self.worker.returncode, 2)


class Examples(WorkerCase):
    def setUp(self):
        if not BUILD:
            self.skipTest("no build directory")
        super().setUp()

    def serve(self, name, text):
        self.start(os.path.join(BUILD, "examples", name), self.gateway.path)
        self.gateway.accept()
        for i in range(3):
            clients = self.gateway.hand_off([V2] * (1 if name == "worker_blocking" else 5), shard=i % 2)
            for client in clients:
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                self.assertTrue(read_all(client).endswith(text))
                client.close()

    def test_blocking(self):
        self.serve("worker_blocking", b"hello, 192.0.2.7\n")

    def test_epoll(self):
        self.serve("worker_epoll", b"hello\n")
        self.gateway.done(15)
        self.worker.send_signal(signal.SIGTERM)
        self.assertEqual(HEAD.unpack(self.gateway.registration.recv(64))[0], DRAIN)
        self.gateway.stop()
        self.assertEqual(self.worker.wait(20), 0)

    def test_uring(self):
        self.serve("worker_uring", b"hello\n")


class Hello(WorkerCase):
    def setUp(self):
        if not BUILD:
            self.skipTest("no build directory")
        super().setUp()

    def begin(self, *options):
        self.start(os.path.join(BUILD, "examples", "usher-hello"), "--pool", self.gateway.path, *options)
        return self.gateway.accept()

    def ask(self, client, request, head_only=False):
        client.sendall(request)
        reader = client.makefile("rb")
        return Response(reader, head_only)

    def test_answer(self):
        self.assertEqual(self.begin("--name", "h", "--capacity", "10"), (1, 10, 64, 0, 0, "h"))
        for record in (V2, V6, LOCAL, UNIX):
            client = self.gateway.hand_off([record])[0]
            response = self.ask(client, b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(response.status, 200)
            said = json.loads(response.body)
            self.assertEqual(said["worker"], self.worker.pid)
            self.assertEqual(said["peer_port"], client.getsockname()[1])
            if record is V2:
                self.assertEqual((said["client"], said["client_port"], said["server"], said["server_port"]),
                                 ("192.0.2.7", 1234, "203.0.113.9", 443))
                self.assertEqual((said["version"], said["command"]), (2, "PROXY"))
                self.assertEqual(said["tlvs"], [{"type": 2, "value_hex": "612e62"}, {"type": 5, "value_hex": ""}])
            elif record is LOCAL:
                self.assertEqual((said["command"], said["client"], said["tlvs"]), ("LOCAL", "127.0.0.1", []))
                self.assertEqual((said["server"], said["server_port"]), self.gateway.tcp.getsockname())
            elif record is UNIX:
                self.assertEqual((said["client"], said["client_port"], said["server"]), ('/run/a"b', None, "\0x"))
            client.close()
        self.gateway.done(4)

    def test_direct_client(self):
        self.begin()
        client = self.gateway.hand_off([{}])[0]
        said = json.loads(self.ask(client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").body)
        self.assertEqual((said["version"], said["command"], said["client"]), (None, None, "127.0.0.1"))
        client.close()

    def test_http(self):
        self.begin()
        client = self.gateway.hand_off([V2])[0]
        for _ in range(3):  # keep-alive
            response = self.ask(client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual((response.status, response.fields["connection"]), (200, "keep-alive"))
        response = self.ask(client, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", head_only=True)
        self.assertGreater(int(response.fields["content-length"]), 100)
        body = bytes(range(256)) * 100
        response = self.ask(client, b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        fnv = 0xCBF29CE484222325
        for byte in body:
            fnv = (fnv ^ byte) * 0x100000001B3 % 2**64
        said = json.loads(response.body)
        self.assertEqual((said["body_bytes"], said["body_fnv1a"]), (len(body), f"{fnv:016x}"))
        response = self.ask(client, b"GET / HTTP/1.1\r\nConnection: foo, Close\r\n\r\n")
        self.assertEqual(response.fields["connection"], "close")
        self.assertEqual(client.recv(1), b"")
        client.close()

    def test_pipeline_and_pieces(self):
        self.begin()
        client = self.gateway.hand_off([V2])[0]
        requests = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 200
        for i in range(0, len(requests), 4001):
            client.sendall(requests[i : i + 4001])
        reader = client.makefile("rb")
        for _ in range(200):
            self.assertEqual(Response(reader).status, 200)
        for byte in b"GET / HTTP/1.0\r\n\r\n":
            client.sendall(bytes([byte]))
        self.assertEqual(Response(reader).fields["connection"], "close")
        self.assertEqual(reader.read(), b"")
        client.close()

    def test_expect_continue(self):
        self.begin()
        client = self.gateway.hand_off([V2])[0]
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        reader = client.makefile("rb")
        self.assertEqual(reader.readline() + reader.readline(), b"HTTP/1.1 100 Continue\r\n\r\n")
        client.sendall(b"abc")
        self.assertEqual(json.loads(Response(reader).body)["body_bytes"], 3)
        client.close()

    def test_refusals(self):
        self.begin()
        cases = [(400, b"nonsense\r\n\r\n"), (405, b"PUT / HTTP/1.1\r\n\r\n"), (505, b"GET / HTTP/2.0\r\n\r\n"),
                 (501, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                 (400, b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
                 (400, b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
                 (400, b"GET / HTTP/1.1\r\nA : b\r\n\r\n"), (400, b"GET / HTTP/1.1\r\n folded\r\n\r\n"),
                 (400, b"GET / HTTP/1.1\r\nA: b\nContent-Length: 5\r\n\r\n"),
                 (431, b"GET / HTTP/1.1\r\nA: " + b"x" * 100000)]
        for status, request in cases:
            client = self.gateway.hand_off([V2])[0]
            response = self.ask(client, request)
            self.assertEqual(response.status, status, request[:60])
            self.assertEqual(response.fields["connection"], "close")
            client.close()
        self.gateway.done(len(cases))

    def test_usher_restarts(self):
        self.begin("--capacity", "5")
        kept = self.gateway.hand_off([V2])[0]
        self.ask(kept, b"GET / HTTP/1.1\r\n\r\n")
        self.gateway.stop()
        self.assertEqual(self.ask(kept, b"GET / HTTP/1.1\r\n\r\n").status, 200)
        self.gateway.listen()
        self.assertEqual(self.gateway.accept()[4], 1, "it says that one is open")
        new = self.gateway.hand_off([V2])[0]
        self.assertEqual(self.ask(new, b"GET / HTTP/1.1\r\n\r\n").status, 200)
        self.assertEqual(self.ask(kept, b"GET / HTTP/1.1\r\n\r\n").status, 200)
        kept.close()
        new.close()
        self.gateway.done(2)

    def test_terminates_cleanly(self):
        self.begin()
        idle, busy = self.gateway.hand_off([V2, V2])
        self.ask(idle, b"GET / HTTP/1.1\r\n\r\n")
        self.ask(busy, b"GET / HTTP/1.1\r\n\r\n")
        busy.sendall(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\na")
        late = self.gateway.hand_off([V2])[0]
        self.worker.send_signal(signal.SIGTERM)
        self.assertEqual(HEAD.unpack(self.gateway.registration.recv(64))[0], DRAIN)
        self.gateway.stop()
        self.assertEqual(idle.recv(1), b"")
        response = self.ask(late, b"GET / HTTP/1.1\r\n\r\n")
        self.assertEqual((response.status, response.fields["connection"]), (200, "close"))
        self.assertEqual(self.ask(busy, b"b").status, 200)
        self.assertEqual(self.worker.wait(20), 0)
        for client in (idle, busy, late):
            client.close()

    def test_hold(self):
        self.begin("--hold")
        client = self.gateway.hand_off([V2])[0]
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        other = self.gateway.hand_off([V2])[0]
        other.close()
        self.gateway.done(1)
        client.setblocking(False)
        self.assertRaises(BlockingIOError, client.recv, 1)
        client.close()

    def test_usage(self):
        program = os.path.join(BUILD, "examples", "usher-hello")
        for options in ([], ["--pool", "x", "y"], ["--pool", "x", "--capacity", "1x"]):
            self.assertEqual(subprocess.run([program, *options], capture_output=True).returncode, 2)
        gone = subprocess.run([program, "--pool", self.gateway.path + "x"], capture_output=True)
        self.assertEqual(gone.returncode, 1)
        self.assertIn(b"is Usher running", gone.stderr)


if __name__ == "__main__":
    if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]):
        BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main()
