# SPDX-License-Identifier: Apache-2.0
"""As an ordinary user without capabilities, where the kernel's limit on fds in flight holds: root does not see it."""
import resource

import kernel
import proxy
from clients import wait
from test_startup import nobody
from test_workers import greeted, headers, stop

FDS = 1600  # of each process, and so of all that this user has in flight


def started(t, pools, **options):
    u = t.usherd(pools=pools, wrapper=nobody(t), preexec=kernel.limit(resource.RLIMIT_NOFILE, FDS), **options)
    for pid in kernel.family(u.pid):
        assert kernel.status(pid, "Uid").split() == ["65534"] * 4, "still root: the limit does not hold for it"
        assert int(kernel.status(pid, "CapEff"), 16) == 0, "it has capabilities: the limit does not hold for it"
    return u


def served_beside_a_stuck_pool(t, queue_size):
    """2,500 connections for a worker that never reads, more than may be in flight; another pool is served meanwhile."""
    u = started(t, {"stuck": {"window": 4096, "queue_size": queue_size, "queue_deadline": "60s",
                              "take_back_deadline": "60s"},
                    "main": {"window": 64, "queue_deadline": "5s"}},
                listeners={"main": {}, "stuck": {"pool": "stuck"}})
    stuck = t.worker_process("stuck", "stuck")
    t.worker_process("good")
    stop(stuck)
    waiting = t.clients(2500, u.address("stuck"))
    wait(lambda: u.totals("stuck")["queued"] >= min(queue_size, 500), lambda: f"nothing queued: {dict(u.totals())}")
    unread = u.totals("stuck")["unread"]
    assert 200 <= unread < FDS, f"{unread} in flight, the kernel's limit is {FDS}"
    served = 0
    for _ in range(20):
        clients = t.clients(20, u.address(), headers)
        served += greeted(clients).get("good", 0)
        for client in clients:
            client.close()
            t.things.remove(client)
    assert served == 400, f"{served} of 400"
    assert u.totals("main")["refused.fd_limit"] == 0, dict(u.totals("main"))
    assert "ETOOMANYREFS" not in u.log() and "Too many references" not in u.log()
    for client in waiting:
        client.close()
        t.things.remove(client)
    t.end_process(stuck)
    for _ in range(2):  # what comes back has no worker: one that takes and closes it all
        t.worker_process("rest", "stuck", "--close")
    u.wait_totals(in_header=0, queued=0, unread=0)


def test_stuck_worker_does_not_use_up_fds_in_flight(t):
    served_beside_a_stuck_pool(t, queue_size=100)


def test_stuck_pool_does_not_use_up_the_slots(t):
    """Its queue-size is more than a shard can hold: that must not be at the cost of the other listener."""
    served_beside_a_stuck_pool(t, queue_size=4096)


def test_same_pool(t):
    """The stuck one shares its pool with one that reads: all are served by that one."""
    u = started(t, {"main": {"window": 512, "queue_deadline": "10s", "take_back_deadline": "200ms"}})
    stuck = t.worker_process("stuck")
    t.worker_process("good")
    stop(stuck)
    by = {}
    for _ in range(6):
        clients = t.clients(100, u.address(), headers)
        for name, count in greeted(clients).items():
            by[name] = by.get(name, 0) + count
        for client in clients:
            client.close()
            t.things.remove(client)
    assert by == {"good": 600}, by


def test_hello(t):
    u = started(t, {"main": {"users": ["nobody", "root"]}})
    t.worker(name="root").close()
    u.wait_workers(0)
    t.hello(u, "main", wrapper=nobody(t))
    client = t.client(u.address(), proxy.v1())
    assert client.http()["client"] == proxy.SOURCE
