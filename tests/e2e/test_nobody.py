# SPDX-License-Identifier: Apache-2.0
"""As an ordinary user without capabilities, where the kernel's limit on fds in flight holds: root does not see it."""
import resource
import time

import kernel
import proxy
from test_startup import nobody
from test_workers import greeted, headers, stop

FDS = 1600  # few enough that a stuck worker could fill the user's budget, enough for 2 shards with their reserves


def started(t, pools, **options):
    u = t.usherd(pools=pools, wrapper=nobody(t), preexec=kernel.limit(resource.RLIMIT_NOFILE, FDS), **options)
    for pid in kernel.family(u.pid):
        assert kernel.status(pid, "Uid").split() == ["65534"] * 4, "still root: the limit does not hold for it"
        assert int(kernel.status(pid, "CapEff"), 16) == 0, "it has capabilities: the limit does not hold for it"
    return u


def test_stuck_worker_does_not_use_up_fds_in_flight(t):
    """One worker never reads and takes its whole window; another, with its own pool, is served all the time."""
    u = started(t, {"stuck": {"window": 4096, "queue_size": 4096, "queue_deadline": "3s", "take_back_deadline": "30s"},
                    "main": {"window": 64, "queue_deadline": "5s"}},
                listeners={"main": {}, "stuck": {"pool": "stuck"}})
    stuck = t.worker_process("stuck", "stuck")
    t.worker_process("good")
    stop(stuck)
    waiting = t.clients(1000, u.address("stuck"), headers)
    end = time.monotonic() + 2
    served = 0
    while time.monotonic() < end:
        clients = t.clients(20, u.address(), headers)
        served += greeted(clients).get("good", 0)
        for client in clients:
            client.close()
            t.things.remove(client)
    totals = u.totals()
    assert served >= 40 and totals["refused.fd_limit"] == u.totals("stuck")["refused.fd_limit"], dict(totals)
    assert "ETOOMANYREFS" not in u.log() and "Too many references" not in u.log()
    for client in waiting:
        client.close()
        t.things.remove(client)
    t.end_process(stuck)


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
