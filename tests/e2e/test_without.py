# SPDX-License-Identifier: Apache-2.0
"""Each optional kernel feature switched off: the fallback behaves like the feature. Names are those of usherd(8)."""
import json
import signal

import balancers
import harness
import kernel
import scenarios
from clients import wait
from test_senders import LOCALS
from test_workers import PROMPT, greeted, headers, stop

FEATURES = ("multishot", "peername", "ring-fd", "restrictions", "peerpidfd", "passrights", "seccomp", "landlock")


def short(t, feature):
    t.without = [*t.without, feature]
    u = t.usherd({"main": {}, "curl": LOCALS["main"]}, PROMPT)
    if feature == "seccomp":
        assert all(kernel.status(pid, "Seccomp") == "0" for pid in u.shards().values()), "it is still there"
    worker = t.worker()
    scenarios.metadata(t, u, worker)
    scenarios.bodies(t, u, worker, sizes=(0, 1, 1 << 16))
    for name in ("v1-tcp4", "v2-tlvs"):
        scenarios.split(t, u, worker, name, step=7)
        scenarios.ended_early(t, u, worker, name, "closed", step=9)
        scenarios.ended_early(t, u, worker, name, "reset", step=9)
    scenarios.dripped(t, u, worker, ("v1-tcp4", "v2-tlvs"))
    scenarios.edges(t, u, worker, sizes=(512, 513, 4096))
    scenarios.urgent(t, u, worker)
    scenarios.half_closed(t, u, worker)
    scenarios.refusals(t, u, worker)
    scenarios.together(t, u, worker)
    worker.close()
    u.wait_workers(0)
    hello = t.hello(u)
    said = json.loads(balancers.curl(t, u.address("curl"), "--haproxy-protocol"))
    assert said["client"] == "127.0.0.1" and said["worker"] == hello.pid, said
    t.end_process(hello)
    u.wait_workers(0)
    dying = t.worker_process("dying")
    stop(dying)
    clients = t.clients(10, u.address(), headers)
    u.wait_totals(unread=10)
    t.worker_process("other")
    t.end_process(dying)
    assert greeted(clients) == {"other": 10}
    victim = u.shards()[0]
    harness.kill(victim, signal.SIGKILL)
    wait(lambda: victim not in u.shards().values(), "the shard was not replaced")
    assert greeted(t.clients(20, u.address(), headers)) == {"other": 20}


def _one(feature):
    def test(t):
        short(t, feature)
    return test


for _feature in FEATURES:
    globals()["test_" + _feature.replace("-", "_")] = _one(_feature)


def test_all_together(t):
    t.without = list(FEATURES[:-1])
    short(t, FEATURES[-1])
