#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A worker written from docs/protocol.md alone, with nothing but Python's standard library.

usage: worker_from_docs.py POOL_PATH [--count N] [--done] [--name NAME] [--capacity N] [--batch N]

Registers, prints one JSON line for each connection it is given, answers the client with that line and closes. Ends after
N connections, or when Usher ends the registration and all channels. Exit status: 0 all is well; 1 Usher refused; 2 Usher
broke the protocol.
"""
import argparse
import array
import ipaddress
import json
import os
import select
import socket
import struct
import sys

VERSION = 1
HELLO, WELCOME, ERROR, CONNS, GOAWAY, DONE, LOST = 1, 16, 17, 32, 33, 48, 49
LENGTHS = {WELCOME: 32, ERROR: 272, GOAWAY: 16}
SENDS_DONE = 1
PROXIED, LOCAL, CHECKED, DGRAM, RETAKEN = 1, 2, 4, 8, 16
MESSAGE_BYTES, FDS = 131072, 253
HEAD = struct.Struct("=HHI")
RECORD = struct.Struct("=QQIBBHII20s20s20sI")
ADDRESS = struct.Struct("=BBH16s")


class ProtocolError(Exception):
    pass


def receive(sock):
    """One message and its fds; None when there is none now, (b"", []) at the end."""
    space = socket.CMSG_SPACE(FDS * 4) + 512
    try:
        message, control, flags, _ = sock.recvmsg(MESSAGE_BYTES, space, socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC)
    except (BlockingIOError, ConnectionResetError):  # after a reset the remaining messages still come
        return None
    fds = array.array("i")
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) // 4 * 4])
    if flags & socket.MSG_TRUNC:
        refuse(fds, "a message of more than 128 KiB")
    return message, list(fds)


def refuse(fds, why):
    for fd in fds:
        os.close(fd)
    raise ProtocolError(why)


def type_of(message, fds):
    if len(message) < HEAD.size:
        refuse(fds, "a message without a head")
    kind, version, length = HEAD.unpack_from(message)
    if version != VERSION or length != len(message):
        refuse(fds, f"version {version}, length {length} of {len(message)}")
    if kind == CONNS:
        if length < 24:
            refuse(fds, "a CONNS message that is too short")
    elif LENGTHS.get(kind) != length:
        refuse(fds, f"type {kind} with length {length}")
    return kind


def address(raw, path):
    """(text or None, port or None)"""
    family, _, port, ip = ADDRESS.unpack(raw)
    if family == 4:
        return str(ipaddress.IPv4Address(ip[12:])), port
    if family == 6:
        return str(ipaddress.IPv6Address(ip)), port
    if family == 1:
        return path.rstrip(b"\0").decode("latin-1"), None
    return None, None


def own_address(fd):
    copy = socket.socket(fileno=os.dup(fd))
    with copy:
        name = copy.getsockname()
    if not isinstance(name, tuple):
        return None, None
    ip = ipaddress.ip_address(name[0])
    return str(getattr(ip, "ipv4_mapped", None) or ip), name[1]


def tlvs_of(data):
    found, at = [], 0
    while at < len(data):
        kind, size = struct.unpack_from(">BH", data, at)
        found.append({"type": kind, "value_hex": data[at + 3 : at + 3 + size].hex()})
        at += 3 + size
    return found


def describe(message, at, fd):
    ident, _, flags, version, vendor, unix, offset, tlv, peer, source, destination, _ = RECORD.unpack_from(message, at)
    if unix not in (0, 216) or offset + unix + tlv > len(message):
        raise ProtocolError(f"record {ident} points outside its message")
    paths = message[offset : offset + unix]
    peer_text, peer_port = address(peer, b"")
    client, client_port = address(source, paths[:108])
    if source[0] == 0:
        client, client_port = peer_text, peer_port
    server, server_port = address(destination, paths[108:]) if destination[0] else own_address(fd)
    return {
        "client": client, "client_port": client_port, "server": server, "server_port": server_port,
        "peer": peer_text, "peer_port": peer_port, "version": version or None,
        "command": "LOCAL" if flags & LOCAL else "PROXY" if flags & PROXIED else None,
        "tlvs": tlvs_of(message[offset + unix : offset + unix + tlv]), "vendor": vendor, "flags": flags,
        "checked": bool(flags & CHECKED), "dgram": bool(flags & DGRAM), "retaken": bool(flags & RETAKEN),
        "worker": os.getpid(), "id": ident,
    }


class Worker:
    def __init__(self, options):
        self.options = options
        self.received = 0
        self.channels = []
        self.registration = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.registration.connect(options.pool)
        flags = SENDS_DONE if options.done else 0
        self.registration.send(HEAD.pack(HELLO, VERSION, 96) + struct.pack(
            "=IIIII64sI", flags, options.capacity, options.batch, 0, 0, options.name.encode()[:63], 0))

    def run(self):
        while self.registration or self.channels:
            readable, _, _ = select.select(self.channels + [self.registration] * bool(self.registration), [], [])
            for sock in readable:
                if sock is self.registration:
                    self.on_registration()
                else:
                    self.on_channel(sock)
                if self.options.count and self.received >= self.options.count:
                    return

    def on_registration(self):
        got = receive(self.registration)
        if got is None:
            return
        message, fds = got
        kind = type_of(message, fds) if message else None
        if kind == WELCOME:
            (channels,) = struct.unpack_from("=I", message, 20)
            if channels != len(fds):
                refuse(fds, f"WELCOME with {len(fds)} of {channels} channels")
            self.channels += [socket.socket(fileno=fd) for fd in fds]
            return
        if kind not in (None, ERROR):
            refuse(fds, f"type {kind} on the registration")
        self.registration.close()
        self.registration = None
        if kind == ERROR:
            (code,) = struct.unpack_from("=I", message, 8)
            text = message[16:].split(b"\0")[0].decode(errors="replace")
            print(f"Usher says: {text} (code {code})", file=sys.stderr)
            if not self.channels:
                sys.exit(1)

    def on_channel(self, channel):
        got = receive(channel)
        if got is None:
            return
        message, fds = got
        if not message:
            self.channels.remove(channel)
            channel.close()
            return
        kind = type_of(message, fds)
        if kind == CONNS:
            self.on_conns(channel, message, fds)
        elif kind != GOAWAY or fds:
            refuse(fds, f"type {kind} on a channel")

    def on_conns(self, channel, message, fds):
        count, listener = struct.unpack_from("=II", message, 8)
        if count < len(fds) or count > FDS or 24 + 96 * count > len(message):
            refuse(fds, f"{count} connections with {len(fds)} descriptors in {len(message)} bytes")
        if count > len(fds):
            channel.send(HEAD.pack(LOST, VERSION, 16) + struct.pack("=II", listener, count - len(fds)))
        for i, fd in enumerate(fds):
            line = json.dumps(describe(message, 24 + 96 * i, fd))
            print(line, flush=True)
            self.answer(fd, line.encode() + b"\n")
        self.received += len(fds)
        if self.options.done and fds:
            self.say_done(len(fds))

    @staticmethod
    def answer(fd, line):
        with socket.socket(fileno=fd) as client:
            client.settimeout(5)
            try:
                client.sendall(line)
                client.shutdown(socket.SHUT_WR)
                while client.recv(4096):  # until the client closes, or a reset would overtake the answer
                    pass
            except OSError:
                pass

    def say_done(self, count):
        for channel in self.channels:
            try:
                channel.send(HEAD.pack(DONE, VERSION, 16) + struct.pack("=Q", count), socket.MSG_DONTWAIT)
                return
            except (BrokenPipeError, ConnectionResetError):
                continue


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pool")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--done", action="store_true")
    parser.add_argument("--name", default="from-docs")
    parser.add_argument("--capacity", type=int, default=0)
    parser.add_argument("--batch", type=int, default=1)
    try:
        Worker(parser.parse_args()).run()
    except ProtocolError as error:
        print(f"worker_from_docs.py: Usher sent nonsense: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
