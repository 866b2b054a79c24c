# SPDX-License-Identifier: Apache-2.0
"""Clients of Usher: plain TCP with full control over what is sent when and how it ends."""
import hashlib
import json
import random
import socket
import struct
import threading
import time

import proxy

TIMEOUT = 5
IP_BIND_ADDRESS_NO_PORT = 24


class Client:
    def __init__(self, address, header=b"", source=None, timeout=TIMEOUT):
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(timeout)
        self.buffer = b""
        try:
            if source:
                self.socket.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                self.socket.bind((source, 0))
            self.socket.connect(address)
            if header:
                self.socket.sendall(header)
        except BaseException:
            self.socket.close()
            raise

    @property
    def port(self):
        return self.socket.getsockname()[1]

    def send(self, data, flags=0):
        self.socket.sendall(data, flags)

    def line(self):
        while b"\n" not in self.buffer:
            more = self.socket.recv(1 << 16)
            if not more:
                raise EOFError(f"end of connection after {self.buffer!r}")
            self.buffer += more
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def greeting(self):
        """What worker_process.py says first."""
        return json.loads(self.line())

    def echo(self, data=b"still here\n"):
        self.send(data)
        assert self.line() + b"\n" == data, "the worker did not echo"

    def finish(self):
        """Nothing more to send."""
        self.socket.shutdown(socket.SHUT_WR)

    def end(self):
        """How the other side ended it: "closed" or "reset"; AssertionError if it sent something or did not end."""
        try:
            data = self.socket.recv(1)
        except ConnectionResetError:
            return "reset"
        except socket.timeout:
            raise AssertionError("the connection did not end") from None
        assert not data, f"data where an end was expected: {data!r}"
        return "closed"

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()

    def http(self, path="/"):
        """One request on a kept-alive connection, the answer's JSON object."""
        self.send(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        status, length = self.line(), None
        assert b" 200 " in status, status
        while line := self.line().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        while len(self.buffer) < length:
            more = self.socket.recv(1 << 16)
            assert more, "end of connection inside a body"
            self.buffer += more
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return json.loads(body)


def body(size, seed=1):
    return random.Random(seed).randbytes(size)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def same_bytes(client, connection, sent, already=0):
    """Sends sent[already:] from client while the worker's side reads; both ends' hashes must be equal, both ways."""
    sender = threading.Thread(target=lambda: (client.send(sent[already:]), client.finish()))
    sender.start()
    try:
        got = connection.read(len(sent) + 1)
    finally:
        sender.join(TIMEOUT)
    assert digest(got) == digest(sent), f"worker got {len(got)} bytes, {len(sent)} were sent, hashes differ"
    back = threading.Thread(target=lambda: (connection.socket.sendall(got), connection.socket.shutdown(1)))
    back.start()
    data = b""
    while more := client.socket.recv(1 << 16):
        data += more
    back.join(TIMEOUT)
    assert digest(data) == digest(sent), "what came back to the client differs"


def many(count, address, header=None, source=None):
    """count clients; header(i) is what client i sends at once, by default a v1 header whose source port tells i."""
    header = header or (lambda i: proxy.v1(port=1 + i))
    found = []
    try:
        for i in range(count):
            found.append(Client(address, header(i), source))
    except BaseException:
        for client in found:
            client.close()
        raise
    return found


def wait(condition, what, timeout=TIMEOUT, interval=0.01):
    """For what gives no event to wait for, such as /proc and counters."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, what() if callable(what) else what
        time.sleep(interval)
    return value
