# SPDX-License-Identifier: Apache-2.0
"""The closed loop of clients under chaos.py: one thread, a bounded number open, a bounded rate. Keeps the clients' own
ledger: how each one ended, and for those that were cut when they were open."""
import collections
import json
import random
import selectors
import socket
import struct
import threading
import time

import proxy
from clients import IP_BIND_ADDRESS_NO_PORT

OPEN_MAX = 128
RATE = 250        # new ones in a second, in bursts
BURST_MAX = 0.5   # seconds between two
LIFE_MAX = 12     # header and queue deadline, the longest stop of a worker, and some seconds
ADDRESSES = [f"127.0.1.{i}" for i in range(1, 9)]  # several, so that TIME_WAIT does not use up the ports
UNTRUSTED = "127.0.0.2"
KINDS = ("v1", "v2", "v2", "tlvs", "tlvs", "split", "split", "half_close", "half_close", "reset", "untrusted", "garbage")
SILENT_SHARE = 0.01
GOOD = ("v1", "v2", "tlvs", "split", "half_close")
REQUEST = {"main": b"echo\n", "web": b"GET / HTTP/1.1\r\nHost: chaos\r\nConnection: close\r\n\r\n"}


class One:
    """A client: what it still has to send and when, what it got, how it ended (outcome)."""

    def __init__(self, kind, pool, address, number, chance):
        self.kind, self.pool, self.number = kind, pool, number
        self.begun = self.due = time.monotonic()
        self.source = f"198.{18 + (number >> 16 & 1)}.{number >> 8 & 255}.{number & 255}"
        self.parts = self.script(chance)
        self.got = b""
        self.outcome = self.worker = self.ended = None
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        self.socket.bind((UNTRUSTED if kind == "untrusted" else chance.choice(ADDRESSES), 0))
        self.socket.connect_ex(address)

    def script(self, chance):
        """[(seconds to wait, bytes, or a word that is an act)]"""
        request = REQUEST[self.pool]
        header = proxy.v1(self.source, 7) if self.kind == "v1" else proxy.v2(
            self.source, 7, tlvs=[(0xE5, b"%d" % self.number)], crc=self.kind == "tlvs")
        if self.kind == "silent":
            return []
        if self.kind == "garbage":
            return [(0, b"GET / HTTP/1.1\r\n")]
        if self.kind == "reset":
            return [(0, header[:chance.randrange(len(header) + 1)]), (chance.uniform(0, 0.02), "reset")]
        if self.kind == "split":
            point = chance.randrange(1, len(header))
            return [(0, header[:point]), (chance.uniform(0, 0.1), header[point:]), (0.001, request)]
        return [(0, header + request)] + ([(0, "half_close")] if self.kind == "half_close" else [])

    def write(self, now):
        """Does what is due. False when the connection has broken."""
        while self.parts and now >= self.due + self.parts[0][0]:
            wait, what = self.parts.pop(0)
            self.due += wait
            try:
                if what == "reset":
                    self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.outcome = "left"
                elif what == "half_close":
                    self.socket.shutdown(socket.SHUT_WR)
                else:
                    self.socket.sendall(what)
            except OSError:
                self.parts = []
                return False
        return True

    def answered(self):
        """The answer is whole and it is for this client."""
        if self.pool == "web":
            head, _, body = self.got.partition(b"\r\n\r\n")
            if not body.endswith(b"}\n"):
                return False
            said = json.loads(body)["client"]
        else:
            line, newline, rest = self.got.partition(b"\n")
            if not newline:
                return False
            greeting = json.loads(line)
            self.worker, said = greeting["worker"], greeting["source"][0]
            if rest != REQUEST["main"]:
                return False
        assert said == self.source, f"client {self.source} was taken for {said}"
        return True

    def read(self):
        """False when the connection has ended."""
        try:
            more = self.socket.recv(1 << 16)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.got += more
        if more and self.answered():
            self.outcome = "served"
        return bool(more)

    def broken(self):
        """The outcome of one that the other side ended."""
        if self.kind not in GOOD:
            return "refused" if not self.got else "wrong"
        return "broken" if self.got else "cut"


class Clients:
    def __init__(self, addresses, seed):
        self.addresses = addresses
        self.random = random.Random(seed + 1)
        self.outcomes = collections.Counter()
        self.bad = []        # cut, broken, hung, wrong
        self.killed = set()  # names of workers that took along what they had
        self.error = None
        self.open = {}
        self.selector = selectors.DefaultSelector()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.ending = threading.Event()

    def start(self):
        self.thread.start()

    def stop(self):
        """No new ones; returns when every one has ended, which it does after LIFE_MAX at the latest."""
        self.ending.set()
        self.thread.join(LIFE_MAX + 5)
        assert not self.thread.is_alive(), "the clients' thread hangs"

    def run(self):
        try:
            self.loop()
        except Exception as error:  # it is told by check()
            self.error = error
        for one in self.open.values():
            one.socket.close()
        self.selector.close()

    def loop(self):
        number, begun = 0, time.monotonic()
        burst = begun
        while not self.ending.is_set() or self.open:
            now = time.monotonic()
            if now >= burst:
                burst = now + self.random.choice((0, self.random.uniform(0, BURST_MAX)))
                while not self.ending.is_set() and len(self.open) < OPEN_MAX and number < (now - begun) * RATE:
                    number += 1
                    self.begin(number)
                begun = max(begun, now - number / RATE)  # what was not begun is not made up for
            for key, _ in self.selector.select(0.004):
                if key.data.outcome is None and not key.data.read():
                    key.data.outcome = key.data.outcome or key.data.broken()
            for one in list(self.open.values()):
                self.look(one, now)

    def begin(self, number):
        kind = "silent" if self.random.random() < SILENT_SHARE else self.random.choice(KINDS)
        pool = self.random.choice(sorted(self.addresses))
        one = One(kind, pool, self.addresses[pool], number, self.random)
        self.open[one.socket.fileno()] = one
        self.selector.register(one.socket, selectors.EVENT_READ, one)

    def look(self, one, now):
        if one.outcome is None and one.parts:
            one.write(now)  # that it broke is seen by reading
        if one.outcome is None and now - one.begun > LIFE_MAX:
            one.outcome = "hung"
        if one.outcome is None:
            return
        self.outcomes[one.kind, one.outcome] += 1
        one.ended = now
        if one.outcome in ("cut", "broken", "hung", "wrong"):
            self.bad.append(one)
        fd = one.socket.fileno()
        one.port = one.socket.getsockname()[1]
        self.selector.unregister(one.socket)
        one.socket.close()
        del self.open[fd]

    def totals(self):
        sums = collections.Counter()
        for (_, outcome), number in self.outcomes.items():
            sums[outcome] += number
        return sums

    def summary(self):
        return ", ".join(f"{number} {outcome}" for outcome, number in sorted(self.totals().items()))

    def explained(self, one, costly):
        """Broken in the middle by its own worker's end, or cut while a fault happened that may cut."""
        if one.outcome == "broken":
            return one.worker in self.killed or any(one.begun <= when <= one.ended for when in costly)
        return one.outcome == "cut" and any(one.begun <= when <= one.ended + 0.01 for when in costly)

    def check(self, costly):
        if self.error:
            raise self.error
        left = [one for one in self.bad if not self.explained(one, costly)]
        assert not left, "; ".join(
            f"client {one.number} ({one.kind}, {one.pool}, {one.source}, port {one.port}) {one.outcome} after "
            f"{one.ended - one.begun:.3f} s, begun at {one.begun:.3f}, got {one.got[:80]!r}" for one in left[:10])
        assert self.totals()["served"], "nobody was served"
