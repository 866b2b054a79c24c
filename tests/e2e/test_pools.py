# SPDX-License-Identifier: Apache-2.0
"""Several listeners and pools in one instance, and the worker that the documents show."""
import os

import harness
import proxy
from clients import wait
from test_workers import greeted, headers


def test_two_of_each(t):
    """Each listener's connections reach its own pool's workers, and its rows of the ledger add up alone."""
    u = t.usherd({"one": {"pool": "a"}, "two": {"pool": "b"}}, {"a": {}, "b": {}})
    t.worker_process("worker-a", "a")
    t.worker_process("worker-b", "b")
    clients = {name: t.clients(20, u.address(name), headers) for name in ("one", "two")}
    assert greeted(clients["one"]) == {"worker-a": 20}
    assert greeted(clients["two"]) == {"worker-b": 20}
    for name in clients:
        u.wait_totals(listener=name, accepted=20, handed_off=20)


def test_listeners_share_a_pool(t):
    u = t.usherd({"one": {}, "two": {"address": "[::1]:0", "trust": ["::1"]}, "three": {"proxy": "off", "trust": None}})
    t.worker_process("worker")
    assert greeted(t.clients(5, u.address("one"), headers)) == {"worker": 5}
    assert greeted(t.clients(5, u.address("two"), headers)) == {"worker": 5}
    said = t.client(u.address("three")).greeting()
    assert said["source"] is None and said["worker"] == "worker"


def test_one_pool_without_workers_does_not_hold_the_other(t):
    u = t.usherd({"one": {"pool": "a"}, "two": {"pool": "b"}}, {"a": {"queue_size": 5}, "b": {}})
    t.worker_process("worker-b", "b")
    t.clients(20, u.address("one"), headers)
    wait(lambda: u.totals("one")["queued"] >= 5, "the queue of the empty pool did not fill")
    assert greeted(t.clients(20, u.address("two"), headers)) == {"worker-b": 20}


def test_trust_is_per_listener(t):
    u = t.usherd({"one": {"trust": ["127.0.0.1"]}, "two": {"trust": ["127.0.0.2"]}})
    t.worker_process("worker")
    t.client(u.address("one"), proxy.v1(), "127.0.0.2").end()
    t.client(u.address("two"), proxy.v1(), "127.0.0.1").end()
    assert t.client(u.address("two"), proxy.v1(), "127.0.0.2").greeting()["peer"][0] == "127.0.0.2"
    u.wait_totals(listener="one", refused__untrusted_source=1)
    u.wait_totals(listener="two", refused__untrusted_source=1, handed_off=1)


def test_sixteen_listeners(t):
    names = [f"l{i}" for i in range(16)]
    u = t.usherd({name: {} for name in names})
    t.worker_process("worker")
    for name in names:
        assert greeted(t.clients(3, u.address(name), headers)) == {"worker": 3}


def test_accept_modes(t):
    """Both kernel interfaces for accepting give the same result."""
    modes = ("auto", "multishot", "window")
    u = t.usherd({mode: {"accept": mode} for mode in modes})
    t.worker_process("worker")
    for mode in modes:
        for _ in range(3):
            clients = t.clients(300, u.address(mode), headers)
            assert greeted(clients) == {"worker": 300}
            for client in clients:
                client.close()
                t.things.remove(client)


def test_worker_from_the_documents(t):
    """The worker of docs/protocol.md, without libusher."""
    script = os.path.join(harness.HERE, "worker_from_docs.py")
    if not os.path.exists(script):
        raise harness.Skip("worker_from_docs.py is not there")
    u = t.usherd()
    with open(t.path("from-docs.log"), "wb") as log:
        process = t.start(harness.SYSTEM_PYTHON, "-B", script, t.path("main.sock"), stdout=log, stderr=log)
    u.wait_workers(1)
    for header in (proxy.v1(), proxy.v2("2001:db8::9", 4242)):
        client = t.client(u.address(), header + b"GET / HTTP/1.0\r\n\r\n")
        assert client.socket.recv(1000), "it answered nothing"
        client.close()  # it serves one at a time
    assert process.poll() is None
