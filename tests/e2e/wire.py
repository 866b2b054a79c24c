# SPDX-License-Identifier: Apache-2.0
"""A worker in plain Python: the wire of src/core/handoff.h, written a second time on purpose, so that a mistake in
libusher and a mistake in Usher can't agree. Says exactly what a test tells it to, wrong messages included."""
import array
import contextlib
import ipaddress
import select
import socket
import struct
import time

import proxy

VERSION = 1
HELLO, PAUSE, RESUME, DRAIN, WELCOME, ERROR, CONNS, GOAWAY, DONE, LOST = 1, 2, 3, 4, 16, 17, 32, 33, 48, 49
ERROR_DENIED, ERROR_STOPPING, ERROR_DROPPED = 3, 6, 7
SENDS_DONE, ONE_CPU = 1, 2
PROXIED, IS_LOCAL, CHECKED, DGRAM, RETAKEN = 1, 2, 4, 8, 16
FDS_MAX, BYTES_MAX = 253, 128 * 1024
MSG_CMSG_CLOEXEC = 0x40000000

HEAD = struct.Struct("=HHI")
HELLO_BODY = struct.Struct("=IIIII64sI")
WELCOME_BODY = struct.Struct("=QIIII")
ERROR_BODY = struct.Struct("=II256s")
CONNS_BODY = struct.Struct("=IIQ")
CONN = struct.Struct("=QQIBBHII20s20s20sI")


def message(kind, body=b"", version=VERSION, length=None):
    return HEAD.pack(kind, version, HEAD.size + len(body) if length is None else length) + body


def hello(name="python", capacity=0, batch=FDS_MAX, done=False, cpu=None, version=VERSION):
    flags = (SENDS_DONE if done else 0) | (ONE_CPU if cpu is not None else 0)
    return message(HELLO, HELLO_BODY.pack(flags, capacity, batch, cpu or 0, 0, name.encode(), 0), version)


def address(raw):
    """(text, port), "unix" when the path travels beside, or None for what the record does not state."""
    family, zero, port = struct.unpack_from("=BBH", raw)
    if family == 0:
        return None
    if family == 1:
        return "unix"
    assert zero == 0 and family in (4, 6), f"address record {raw.hex()}"
    ip = raw[4:]
    if family == 4:
        assert ip[:12] == bytes(10) + b"\xff\xff", f"IPv4 not in its mapped form: {ip.hex()}"
        ip = ip[12:]
    return str(ipaddress.ip_address(ip)), port


class Connection:
    """One record of a CONNS message with its socket."""

    def __init__(self, data, offset, fd, channel, listener):
        (self.id, self.deadline, self.flags, self.version, self.vendor, unix_bytes, at, tlv_bytes, peer, source,
         destination, _) = CONN.unpack_from(data, offset)
        assert at + unix_bytes + tlv_bytes <= len(data), "record points outside its message"
        self.unix = data[at:at + unix_bytes]
        self.tlvs = proxy.tlvs(data[at + unix_bytes:at + unix_bytes + tlv_bytes])
        self.peer, self.source, self.destination = address(peer), address(source), address(destination)
        self.channel, self.listener = channel, listener
        self.socket = socket.socket(fileno=fd)

    def read(self, size, timeout=5):
        self.socket.settimeout(timeout)
        data = b""
        while len(data) < size:
            more = self.socket.recv(min(size - len(data), 1 << 16))
            if not more:
                break
            data += more
        return data

    def close(self):
        self.socket.close()


def receive(sock, flags=0):
    """(data, fds, flags) of one message."""
    data, control, result, _ = sock.recvmsg(BYTES_MAX, socket.CMSG_SPACE(FDS_MAX * 4),
                                            MSG_CMSG_CLOEXEC | socket.MSG_DONTWAIT | flags)
    fds = array.array("i")
    for level, kind, value in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(value[:len(value) - len(value) % fds.itemsize])
    return data, list(fds), result


class Channel:
    def __init__(self, fd, generation):
        self.socket = socket.socket(fileno=fd)
        self.generation = generation
        self.sequence = 0
        self.open = True
        self.goaway = None


class Refused(Exception):
    """Usher answered ERROR."""

    def __init__(self, code, text):
        super().__init__(f"error {code}: {text}")
        self.code, self.text = code, text


class Worker:
    """A registered worker. Reads only when a test calls take() or pump(): until then what it is sent stays unread."""

    def __init__(self, path, name="python", timeout=5, raw=None, before_close=lambda sock: None, **options):
        """before_close: whoever watches the sockets with epoll must take one out before it is closed; Usher has a
        duplicate, so that closing alone does not."""
        self.before_close = before_close
        self.path, self.name = path, name
        self.channels, self.waiting, self.error = [], [], None
        self.generation = self.number = None
        self.registration = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self.registration.connect(path)
            with contextlib.suppress(BrokenPipeError):  # refused at once: the ERROR is there to be read
                self.registration.send(hello(name, **options) if raw is None else raw)
            deadline = time.monotonic() + timeout
            while self.generation is None and self.registration:
                if not self.step(deadline - time.monotonic()):
                    raise AssertionError(f"worker {name}: neither WELCOME nor ERROR in time")
        except BaseException:
            self.close()
            raise
        if self.error:
            raise self.error
        assert self.generation is not None, "registration ended without WELCOME or ERROR"

    def sockets(self):
        found = [self.registration] if self.registration else []
        return found + [channel.socket for channel in self.channels if channel.open]

    def step(self, timeout=0):
        """At most one message from each socket; false if there was none in time."""
        poller = select.poll()
        for sock in self.sockets():
            poller.register(sock, select.POLLIN)
        ready = poller.poll(max(0, timeout) * 1000)
        ready = {fd for fd, _ in ready}
        if self.registration and self.registration.fileno() in ready:
            self._registration_message()
        for channel in self.channels:
            if channel.open and channel.socket.fileno() in ready:
                self._channel_message(channel)
        return bool(ready)

    def _registration_message(self):
        try:
            data, fds, _ = receive(self.registration)
        except ConnectionResetError:
            return
        if not data:
            self.before_close(self.registration)
            self.registration.close()
            self.registration = None
            return
        kind, version, length = HEAD.unpack_from(data)
        assert version == VERSION and length == len(data), f"bad head {data[:8].hex()}"
        if kind == ERROR:
            code, _, text = ERROR_BODY.unpack_from(data, HEAD.size)
            self.error = Refused(code, text.split(b"\0")[0].decode())
            return
        assert kind == WELCOME, f"message {kind} on the pool's socket"
        self.number, self.generation, channels, self.master, _ = WELCOME_BODY.unpack_from(data, HEAD.size)
        assert channels == len(fds), f"WELCOME says {channels} channels and brings {len(fds)}"
        self.channels += [Channel(fd, self.generation) for fd in fds]

    def _channel_message(self, channel):
        try:
            data, fds, flags = receive(channel.socket)
        except ConnectionResetError:
            return  # what was sent before is still behind it
        if not data:
            channel.open = False
            self.before_close(channel.socket)
            channel.socket.close()
            return
        kind, version, length = HEAD.unpack_from(data)
        assert version == VERSION and length == len(data), f"bad head {data[:8].hex()}"
        assert not flags & socket.MSG_CTRUNC, "fds were cut off"
        if kind == GOAWAY:
            channel.goaway = struct.unpack_from("=I", data, HEAD.size)[0]
            return
        assert kind == CONNS, f"message {kind} on a channel"
        count, listener, sequence = CONNS_BODY.unpack_from(data, HEAD.size)
        assert sequence > channel.sequence, f"sequence {sequence} after {channel.sequence}"
        assert count == len(fds), f"CONNS says {count} connections and brings {len(fds)}"
        channel.sequence = sequence
        for i, fd in enumerate(fds):
            offset = HEAD.size + CONNS_BODY.size + i * CONN.size
            self.waiting.append(Connection(data, offset, fd, channel, listener))

    def pump(self, until, timeout=5, what="it did not happen"):
        """Reads messages until until() is true."""
        deadline = time.monotonic() + timeout
        while not until():
            if not self.sockets():
                raise AssertionError(f"worker {self.name}: all its sockets are closed, {what}")
            if not self.step(deadline - time.monotonic()):
                raise AssertionError(f"worker {self.name}: {what} in time")

    def take(self, count=1, timeout=5):
        """Exactly the next count connections."""
        self.pump(lambda: len(self.waiting) >= count, timeout,
                  f"wanted {count} connections, no more came")
        taken, self.waiting = self.waiting[:count], self.waiting[count:]
        return taken

    def poll(self):
        """Reads what is there now; how many connections wait."""
        while self.sockets() and self.step():
            pass
        return len(self.waiting)

    def say(self, kind):
        self.registration.send(message(kind))

    def done(self, connection, count=1):
        connection.close()
        connection.channel.socket.send(message(DONE, struct.pack("=Q", count)))

    def lost(self, channel, listener, count):
        channel.socket.send(message(LOST, struct.pack("=II", listener, count)))

    def close(self):
        for sock in self.sockets():
            sock.close()
        for connection in self.waiting:
            connection.close()
        self.registration, self.channels, self.waiting = None, [], []
