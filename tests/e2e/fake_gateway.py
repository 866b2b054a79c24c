# SPDX-License-Identifier: Apache-2.0
"""Usher's side of docs/protocol.md, as far as tests of workers need it: no shards, one process, real TCP clients."""
import array
import os
import select
import shutil
import socket
import struct
import tempfile

HEAD = struct.Struct("=HHI")
HELLO, PAUSE, RESUME, DRAIN, WELCOME, ERROR, CONNS, DONE, LOST = 1, 2, 3, 4, 16, 17, 32, 48, 49
NO_ADDRESS = bytes(20)


def address(ip, port):
    packed = socket.inet_pton(socket.AF_INET6, ip if ":" in ip else "::ffff:" + ip)
    return struct.pack("=BBH", 6 if ":" in ip else 4, 0, port) + packed


def send(sock, message, fds=()):
    control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    sock.sendmsg([message], control)


class FakeGateway:
    def __init__(self, channels=2):
        self.dir = tempfile.mkdtemp(prefix="usher-test-")
        self.path = os.path.join(self.dir, "pool")
        self.channels = channels
        self.shards = []
        self.registration = None
        self.next_id = 1
        self.tcp = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.listen()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.tcp.close()
        shutil.rmtree(self.dir)

    def listen(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.pool = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pool.bind(self.path)
        self.pool.listen(8)
        self.pool.settimeout(20)

    def stop(self):
        """The registration ends, then the channels, as when Usher goes."""
        for sock in [self.registration, self.pool] + self.shards:
            if sock:
                sock.close()
        self.registration, self.shards = None, []

    def accept(self, error=0):
        """Waits for a HELLO and answers it. Returns (flags, capacity, batch, cpu, open, name)."""
        self.registration, _ = self.pool.accept()
        self.registration.settimeout(20)
        hello = self.registration.recv(512)
        assert HEAD.unpack_from(hello) == (HELLO, 1, 96), hello
        flags, capacity, batch, cpu, already, name, zero = struct.unpack_from("=IIIII64sI", hello, 8)
        assert zero == 0 and name.endswith(b"\0")
        if error:
            send(self.registration, HEAD.pack(ERROR, 1, 272) + struct.pack("=II256s", error, 0, b"no, for a test"))
            self.registration.close()
            self.registration = None
        else:
            self.welcome(self.channels)
        return flags, capacity, batch, cpu, already, name.rstrip(b"\0").decode()

    def welcome(self, channels):
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(channels)]
        send(self.registration, HEAD.pack(WELCOME, 1, 32) + struct.pack("=QIIII", 1, 1, channels, os.getpid(), 0),
             [theirs.fileno() for _, theirs in pairs])
        for ours, theirs in pairs:
            theirs.close()
            ours.settimeout(20)
            self.shards.append(ours)

    def connect(self):
        """A new TCP connection: (the client's end, the end to hand off)."""
        client = socket.create_connection(self.tcp.getsockname())
        client.settimeout(20)
        server, _ = self.tcp.accept()
        server.setblocking(False)
        return client, server

    def hand_off(self, records, shard=0):
        """One message with a connection for each record: a dict of flags, version, source, destination, tlv, vendor.
        Returns the clients' ends."""
        clients, fds, heads, data = [], [], b"", b""
        for record in records:
            client, server = self.connect()
            clients.append(client)
            fds.append(server)
            paths, tlv = record.get("paths", b""), record.get("tlv", b"")
            heads += struct.pack("=QQIBBHII", self.next_id, 0, record.get("flags", 0), record.get("version", 0),
                                 record.get("vendor", 0), len(paths), 24 + 96 * len(records) + len(data), len(tlv))
            heads += address(*client.getsockname()[:2])
            heads += record.get("source", NO_ADDRESS) + record.get("destination", NO_ADDRESS) + bytes(4)
            data += paths + tlv
            self.next_id += 1
        message = struct.pack("=IIQ", len(records), 7, 1) + heads + data
        send(self.shards[shard], HEAD.pack(CONNS, 1, len(message) + 8) + message, [s.fileno() for s in fds])
        for server in fds:
            server.close()
        return clients

    def done(self, count):
        """Waits for DONE messages, on any channel, that name @count connections in all."""
        total, open_ones = 0, list(self.shards)
        while total < count:
            readable, _, _ = select.select(open_ones, [], [], 20)
            assert readable, f"DONE of {total}, {count} expected"
            for shard in readable:
                message = shard.recv(512)
                if not message:
                    open_ones.remove(shard)
                    continue
                kind, version, length = HEAD.unpack_from(message)
                assert (kind, version, length) == (DONE, 1, 16), message
                total += struct.unpack_from("=Q", message, 8)[0]
        assert total == count, total
