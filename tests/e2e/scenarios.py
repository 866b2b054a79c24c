# SPDX-License-Identifier: Apache-2.0
"""Pieces of tests about bytes that run against any usherd with one listener "main", header-limit 4096 and one worker:
test_bytes.py runs each in full, test_without.py a selection with every optional kernel feature switched off."""
import select
import socket
import time

import proxy
import wire
from clients import body, digest, same_bytes, wait

SEEN = 0.03  # after the last send: time for a shard to have looked at a part; too short only tests less

HEADERS = {
    "v1-tcp4": proxy.v1(),
    "v1-tcp6": proxy.v1("2001:db8::1"),
    "v1-unknown": b"PROXY UNKNOWN\r\n",
    "v2-tcp4": proxy.v2(),
    "v2-tlvs": proxy.v2("2001:db8::1", tlvs=[(proxy.AUTHORITY, b"example.org"), (proxy.NOOP, b"")], crc=True),
    "v2-local": proxy.local(),
}


def match(clients, connections):
    """Pairs by the client's own port, which is the peer's."""
    by_port = {client.port: client for client in clients}
    ports = [connection.peer[1] for connection in connections]
    assert sorted(ports) == sorted(by_port), "not every client arrived exactly once"
    return [(by_port[connection.peer[1]], connection) for connection in connections]


def close_all(t, clients):
    for client in clients:
        client.close()
        t.things.remove(client)


def one(t, u, worker, header, payload, later=False):
    """One connection whose payload must come through, in the header's segment or after the hand-off."""
    client = t.client(u.address(), header if later else header + payload)
    [connection] = worker.take()
    if later:
        client.send(payload)
    same_bytes(client, connection, payload, len(payload))
    connection.close()
    close_all(t, [client])


def bodies(t, u, worker, sizes=(0, 1, 1000, 1 << 16, 1 << 20)):
    """Hashes of what was sent and what arrived are equal at both ends."""
    for name in ("v1-tcp4", "v2-tlvs"):
        for size in sizes:
            payload = body(size, size)
            for early in {0, min(size, 1000), size if size <= 1 << 16 else 0}:
                client = t.client(u.address(), HEADERS[name] + payload[:early])
                [connection] = worker.take()
                same_bytes(client, connection, payload, early)
                connection.close()
                close_all(t, [client])


def split(t, u, worker, name, step=1):
    """The header in two parts, at every point, with payload in the second segment."""
    header = HEADERS[name]
    points = range(1, len(header), step)
    before = u.totals()
    clients = t.clients(len(points), u.address(), lambda i: header[:points[i]])
    u.wait_totals(in_header=len(points), accepted=before["accepted"] + len(points))
    time.sleep(SEEN)
    for point, client in zip(points, clients):
        client.send(header[point:] + b"payload %d\n" % point)
    of = dict(zip(clients, points))
    for client, connection in match(clients, worker.take(len(points))):
        wanted = b"payload %d\n" % of[client]
        got = connection.read(len(wanted))
        assert got == wanted, f"{name} split at {of[client]}: {got!r}"
        connection.close()
    close_all(t, clients)


def dripped(t, u, worker, names=tuple(HEADERS)):
    """One byte at a time, all headers side by side."""
    clients = t.clients(len(names), u.address(), lambda i: b"")
    for at in range(max(len(HEADERS[name]) for name in names)):
        for name, client in zip(names, clients):
            if at < len(HEADERS[name]):
                client.send(HEADERS[name][at:at + 1])
        time.sleep(0.001)
    for client in clients:
        client.send(b"x")
    for client, connection in match(clients, worker.take(len(names))):
        assert connection.read(1) == b"x"
        connection.close()
    close_all(t, clients)


def edges(t, u, worker, sizes=(511, 512, 513, 1023, 1024, 1025, 4095, 4096)):
    """Headers as long as a buffer, and one byte more and less."""
    for size in sizes:
        header = proxy.v2(size=size, crc=True)
        assert len(header) == size
        one(t, u, worker, header, b"tail")
        one(t, u, worker, header, b"tail", later=True)


def second_header_is_payload(t, u, worker):
    for second in (HEADERS["v1-tcp4"], HEADERS["v2-tlvs"]):
        for first in (HEADERS["v1-tcp4"], HEADERS["v2-tlvs"], HEADERS["v2-local"]):
            one(t, u, worker, first, second)
            one(t, u, worker, first, second, later=True)


def urgent(t, u, worker):
    """An urgent byte is not in the stream: it must neither be taken for the header nor eat a byte of it."""
    header = HEADERS["v2-tlvs"]
    for point in (1, 12, 16, 30, len(header) - 1, len(header)):
        client = t.client(u.address(), header[:point])
        client.send(b"!", socket.MSG_OOB)
        client.send(header[point:] + b"payload")
        [connection] = worker.take()
        if point == len(header):  # the application's own: still there, and only until it reads past it
            assert select.select([], [], [connection.socket], 5)[2], "no urgent byte"
            assert connection.socket.recv(1, socket.MSG_OOB) == b"!", "the urgent byte is gone"
        got = connection.read(7)
        assert got == b"payload", f"urgent byte after {point} bytes of {len(header)}: {got!r}"
        connection.close()
        close_all(t, [client])


def half_closed(t, u, worker):
    """A client that says all it has to say and closes its side is a good client."""
    for header in (HEADERS["v1-tcp4"], HEADERS["v2-tlvs"]):
        for payload in (b"", b"all"):
            client = t.client(u.address(), header + payload)
            client.finish()
            [connection] = worker.take()
            assert connection.read(100) == payload
            connection.socket.sendall(b"answer\n")
            assert client.line() == b"answer"
            connection.close()
            close_all(t, [client])


def ended_early(t, u, worker, name, how, step=1):
    """FIN or RST after k bytes of the header, for every k: one reason each, and nothing delivered."""
    header = HEADERS[name]
    points = range(0, len(header), step)
    before = u.totals()
    clients = t.clients(len(points), u.address(), lambda i: header[:points[i]])
    u.wait_totals(in_header=len(points))
    for client in clients:
        client.finish() if how == "closed" else client.reset()
    reason = f"refused.client_{how}"
    u.wait_totals(in_header=0, handed_off=before["handed_off"], **{reason: before[reason] + len(points)})
    assert worker.poll() == 0
    close_all(t, clients)


def metadata(t, u, worker):
    """What the header states is what the worker is told."""
    for version, source in ((1, "192.0.2.77"), (1, "2001:db8::77"), (2, "192.0.2.77"), (2, "2001:db8::77")):
        tlvs = [(proxy.ALPN, b"h2"), (0xE7, bytes(range(256))), (0xE7, b""), (0xE8, b"\x1b[31m\n")]
        header = proxy.v1(source, 7) if version == 1 else proxy.v2(source, 7, tlvs=tlvs, crc=True)
        client = t.client(u.address(), header)
        [c] = worker.take()
        assert c.source == (source, 7) and c.destination[1] == 443 and c.version == version
        assert c.peer == ("127.0.0.1", client.port) and c.flags & wire.PROXIED
        if version == 2:
            assert c.tlvs[1:] == tlvs and c.tlvs[0][0] == proxy.CRC32C and c.flags & wire.CHECKED
        c.close()
        close_all(t, [client])


def refusals(t, u, worker):
    """Three that need little: a wrong byte, a wrong peer, no header at all."""
    for reason, header, source in (("malformed_version", proxy.v2(version=3), None), ("missing_header", b"GET", None),
                                   ("untrusted_source", b"", "127.0.0.2")):
        before = u.totals()[f"refused.{reason}"]
        client = t.client(u.address(), header, source)
        client.end()
        u.wait_totals(**{f"refused__{reason}": before + 1})
        close_all(t, [client])
    assert worker.poll() == 0


def together(t, u, worker, count=200):
    """Many at once: each arrives once with its own metadata and its own bytes."""
    clients = t.clients(count, u.address(), lambda i: proxy.v2(f"198.18.{i >> 8}.{i & 255}", 1 + i) + b"%d\n" % i)
    index = {client: i for i, client in enumerate(clients)}
    for client, c in match(clients, worker.take(count)):
        i = index[client]
        assert c.source == (f"198.18.{i >> 8}.{i & 255}", 1 + i), "metadata of another connection"
        wanted = b"%d\n" % i
        assert c.read(len(wanted)) == wanted, "bytes of another connection"
        c.close()
    close_all(t, clients)


def silent(t, u, worker):
    """A client that says nothing until its header is due does not disturb others."""
    client = t.client(u.address())
    wait(lambda: u.totals()["in_header"] == 1, "not accepted")
    one(t, u, worker, HEADERS["v1-tcp4"], b"other")
    client.send(HEADERS["v2-tcp4"] + b"late")
    [connection] = worker.take()
    assert digest(connection.read(4)) == digest(b"late")
    connection.close()
    close_all(t, [client])
