# SPDX-License-Identifier: Apache-2.0
"""Exactly the header is consumed: what the client sent after it, the worker reads, however it was cut."""
import fcntl
import os
import signal
import socket

import proxy
import scenarios
from clients import wait


def pair(t, **options):
    u = t.usherd(**options)
    return u, t.worker()


def test_bodies(t):
    scenarios.bodies(t, *pair(t))


def test_metadata(t):
    scenarios.metadata(t, *pair(t))


def test_every_split_v1(t):
    u, worker = pair(t)
    for name in ("v1-tcp4", "v1-tcp6", "v1-unknown"):
        scenarios.split(t, u, worker, name)


def test_every_split_v2(t):
    u, worker = pair(t)
    for name in ("v2-tcp4", "v2-tlvs", "v2-local"):
        scenarios.split(t, u, worker, name)


def test_dripped(t):
    scenarios.dripped(t, *pair(t))


def test_buffer_edges(t):
    scenarios.edges(t, *pair(t))


def test_longer_than_the_limit(t):
    u, worker = pair(t)
    for size in (4097, 5000, 65551):
        client = t.client(u.address())
        try:
            client.send(proxy.v2(size=size))
        except ConnectionError:
            pass
        client.end()
    u.wait_totals(accepted=3, refused__header_too_long=3)
    assert worker.poll() == 0


def test_largest_header(t):
    u, worker = pair(t, listeners={"main": {"header_limit": 65551}})
    scenarios.edges(t, u, worker, sizes=(4097, 32768, 65550, 65551))


def test_largest_header_dripped_in_pieces(t):
    u, worker = pair(t, listeners={"main": {"header_limit": 65551}})
    header = proxy.v2(size=65551, crc=True)
    client = t.client(u.address())
    for at in range(0, len(header), 700):
        client.send(header[at:at + 700])
    client.send(b"tail")
    [connection] = worker.take()
    assert connection.read(4) == b"tail" and sum(len(value) for _, value in connection.tlvs) > 65000
    connection.close()


def test_second_header_is_payload(t):
    scenarios.second_header_is_payload(t, *pair(t))


def test_urgent_byte(t):
    scenarios.urgent(t, *pair(t))


def test_half_close_after_header(t):
    scenarios.half_closed(t, *pair(t))


def test_fin_inside_header(t):
    u, worker = pair(t)
    for name in ("v1-tcp4", "v2-tlvs"):
        scenarios.ended_early(t, u, worker, name, "closed")


def test_rst_inside_header(t):
    u, worker = pair(t)
    for name in ("v1-tcp4", "v2-tlvs"):
        scenarios.ended_early(t, u, worker, name, "reset")


def test_rst_before_accept(t):
    """The kernel still accepts it; its address may be gone, and then nobody may call it trusted or untrusted."""
    u, worker = pair(t)
    with u.shards_stopped():
        for header in (b"", b"PROXY", proxy.v1()):
            for _ in range(5):
                t.client(u.address(), header).reset()
    totals = u.wait_totals(accepted=15, in_header=0, queued=0, refused__untrusted_source=0)
    worker.poll()
    assert totals["refused.client_reset"] + totals["handed_off"] == 15, dict(totals)
    assert totals["refused.client_reset"] >= 10, dict(totals)


def test_many_together(t):
    scenarios.together(t, *pair(t), count=1000)


def test_silent_client_disturbs_nobody(t):
    scenarios.silent(t, *pair(t))


def test_partial_headers_do_not_spin(t):
    """A peek that is simply re-armed completes at once for ever: 20 half headers must cost no CPU."""
    u, _ = pair(t, listeners={"main": {"header_deadline": "10s"}})
    t.clients(20, u.address(), lambda i: proxy.v2(size=600)[:560 + i])
    u.wait_totals(in_header=20)

    def ticks():
        return sum(sum(map(int, open(f"/proc/{pid}/stat", encoding="ascii").read().rpartition(")")[2].split()[11:13]))
                   for pid in u.shards().values())
    before = ticks()
    try:
        wait(lambda: ticks() - before > 30, "quiet", timeout=1, interval=0.2)
    except AssertionError:
        return
    raise AssertionError(f"shards used {ticks() - before} ticks in a second with nothing to do")


def test_what_a_delivered_socket_promises(t):
    u, worker = pair(t)
    t.client(u.address(), proxy.v1())
    [connection] = worker.take()
    s = connection.socket
    assert fcntl.fcntl(s, fcntl.F_GETFL) & os.O_NONBLOCK, "blocking"
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT) == 1
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == bytes(8)
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0
    assert s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN) == socket.AF_INET6, "not one socket type for all"
    connection.close()


def test_worker_close_reaches_the_client(t):
    """No copy stays behind: the worker's close is the connection's end."""
    u, worker = pair(t)
    client = t.client(u.address(), proxy.v1())
    worker.take()[0].close()
    assert client.end() == "closed"


def test_usherd_gone_leaves_the_conversation(t):
    u, worker = pair(t)
    client = t.client(u.address(), proxy.v1() + b"before")
    [connection] = worker.take()
    u.stop(signal.SIGTERM)
    client.send(b"after")
    assert connection.read(11) == b"beforeafter"
    connection.socket.sendall(b"answer\n")
    assert client.line() == b"answer"
    connection.close()
