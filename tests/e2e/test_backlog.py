# SPDX-License-Identifier: Apache-2.0
"""A backlog of 15,000: what a gateway meets after a stall or behind a balancer that fails over."""
import json
import os
import resource
import select
import socket
import time

import harness
import kernel
import proxy

WAITING = 15000
SOURCES = [f"127.0.0.{i}" for i in range(1, 5)]


def sockets(t, u, count):
    """count connections that the kernel has completed and nobody has accepted, each with its header sent."""
    found = []
    address = u.address()
    for i in range(count):
        sock = t.keep_thing(socket.socket())
        sock.settimeout(10)
        sock.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        sock.bind((SOURCES[i % len(SOURCES)], 0))
        sock.connect(address)
        sock.send(proxy.v2(f"198.18.{i >> 8}.{i & 255}", 1 + i))
        found.append(sock)
    return found


def collect(waiting, seconds):
    """Each client's greeting, read to its end."""
    poller = select.epoll()
    texts = {sock.fileno(): b"" for sock in waiting}
    by_fd = {sock.fileno(): sock for sock in waiting}
    for sock in waiting:
        sock.setblocking(False)
        poller.register(sock, select.EPOLLIN)
    open_, end = len(waiting), time.monotonic() + seconds
    while open_ and time.monotonic() < end:
        for fd, _ in poller.poll(0.5, 4096):
            try:
                more = by_fd[fd].recv(4096)
            except BlockingIOError:
                continue
            except ConnectionError:
                more = b""
            texts[fd] += more
            if not more:
                poller.unregister(fd)
                open_ -= 1
    poller.close()
    assert not open_, f"{open_} of {len(waiting)} have no end after {seconds} s"
    return [texts[sock.fileno()] for sock in waiting]


def test_fifteen_thousand(t):
    """All delivered, each once and with its own metadata; the ledger is exact; no fd is left."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < WAITING + 1000:
        raise harness.Skip(f"RLIMIT_NOFILE is below {WAITING + 1000}")
    if not os.access(kernel.SYSCTL, os.W_OK) and int(kernel.read(kernel.SYSCTL)) < WAITING:
        raise harness.Skip(f"net.core.somaxconn is below {WAITING} and not ours to raise")
    t.stack.enter_context(kernel.somaxconn(16384))
    u = t.usherd({"main": {"trust": ["127.0.0.0/8"], "backlog": 16384, "header_deadline": "30s"}},
                 {"main": {"queue_deadline": "30s", "take_back_deadline": "20s", "queue_size": 16384}},
                 shard_deadline="60s")
    for name in ("one", "two"):
        t.worker_process(name, "main", "--close")
    with u.shards_stopped():
        waiting = sockets(t, u, WAITING)
    texts = collect(waiting, 40)
    empty = sum(1 for text in texts if not text)
    assert not empty, f"{empty} ended without a worker, ledger {dict(u.totals())}"
    for i, text in enumerate(texts):
        said = json.loads(text)
        assert said["source"] == [f"198.18.{i >> 8}.{i & 255}", 1 + i], "metadata of another connection"
    u.wait_totals(accepted=WAITING, handed_off=WAITING, unread=0, queued=0, in_header=0)
