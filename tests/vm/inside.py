#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is checked inside the virtual machine: that usherctl doctor finds exactly the features that this kernel can
have, and that Usher works with what is left. A test is a function test_NAME(t) as in tests/e2e; each ends with the
standing check (the ledger holds, nothing is pending, no fd is left, usherd ends with 0 after TERM)."""
import argparse
import json
import os
import re
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import harness  # noqa: E402
import kernel  # noqa: E402
import proxy  # noqa: E402
import run  # noqa: E402
from clients import wait  # noqa: E402
from test_workers import PATIENT, greeted, headers, source, stop  # noqa: E402

MANY = 1000
SINCE = {"multishot": (6, 8), "peername": (6, 7), "ring-fd": (5, 18), "restrictions": (5, 10), "peerpidfd": (6, 5),
         "passrights": (6, 16), "seccomp": (4, 14), "landlock": (5, 13)}


def release():
    return tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups()))


def test_doctor(t):
    """No feature is found that is too new, and none is missed that this kernel has."""
    result = t.run(t.binary("usherctl"), "doctor", "--json")
    assert result.returncode == 0, result.stdout + result.stderr
    rows = {row["check"]: row for row in json.loads(result.stdout)["checks"]}
    for feature, since in SINCE.items():
        found, expected = rows[feature]["found"], "yes" if release() >= since else "no"
        assert found.startswith(f"{expected}:"), f"{feature} on {os.uname().release}: {found}"
        print(f"    {feature}: {found}")
    for name in ("kernel", "io_uring", "buffer-ring"):
        assert rows[name]["state"] == "ok", rows[name]


def answered(t, u, header, listener="main", **expected):
    client = t.client(u.address(listener), header)
    for _ in range(2):
        said = client.http()
        assert {key: said[key] for key in expected} == expected, said
        assert (said["peer"], said["peer_port"]) == ("127.0.0.1", client.port), said


def test_trusted(t):
    """The header's addresses arrive, the header does not, and the connection is kept alive."""
    u = t.usherd()
    worker = t.hello(u)
    answered(t, u, proxy.v1("198.51.100.7", 1234), version=1, client="198.51.100.7", client_port=1234,
             worker=worker.pid)
    answered(t, u, proxy.v2("2001:db8::7", 1234, "2001:db8::8", 443, tlvs=[(0xE3, b"\0\xff")]), version=2,
             client="2001:db8::7", client_port=1234, server="2001:db8::8", server_port=443, worker=worker.pid)
    answered(t, u, proxy.local(), version=2, command="LOCAL", client="127.0.0.1", worker=worker.pid)
    u.wait_totals(accepted=3, handed_off=3)


def test_untrusted(t):
    """Refused where a header is required; a direct client, header unread, where listeners are mixed."""
    listeners = {"main": {"trust": ["192.0.2.0/24"]}, "mixed": {"trust": ["192.0.2.0/24"], "proxy": "mixed"}}
    u = t.usherd(listeners)
    t.hello(u)
    for client in t.clients(20, u.address()):
        assert client.end() in ("closed", "reset")
    answered(t, u, b"", "mixed", client="127.0.0.1")
    u.wait_totals(accepted=21, handed_off=1, refused__untrusted_source=20)


def test_many(t):
    """Open at the same time, each answered with its own client's address, by two workers."""
    u = t.usherd()
    workers = {t.hello(u).pid, t.hello(u).pid}
    clients = t.clients(MANY, u.address(), headers)
    seen = set()
    for i, client in enumerate(clients):
        said = client.http()
        assert (said["client"], said["client_port"]) == (source(i), 1 + i), f"client {i}: {said}"
        seen.add(said["worker"])
    assert seen == workers, f"{seen} of {workers}"
    u.wait_totals(accepted=MANY, handed_off=MANY, delivered=MANY, unread=0)


def test_killed_worker(t):
    """Stopped with unread connections, then killed: another worker gets every one of them."""
    u = t.usherd(pools=PATIENT)
    dying = t.worker_process("dying")
    stop(dying)
    clients = t.clients(100, u.address(), headers)
    u.wait_totals(handed_off=100, unread=100)
    t.worker_process("other")
    dying.send_signal(signal.SIGKILL)
    assert dying.wait(5) == -signal.SIGKILL
    assert greeted(clients, retaken=True) == {"other": 100}
    u.wait_totals(accepted=100, taken_back=100, delivered=100, unread=0)


def test_killed_shard(t):
    """Its listening socket's queue survives; the next shard arms and serves."""
    u = t.usherd(pools=PATIENT)
    t.worker_process("one")
    victim = u.shards()[0]
    os.kill(victim, signal.SIGKILL)
    wait(lambda: victim not in u.shards().values(), "the shard was not replaced")
    assert greeted(t.clients(200, u.address(), headers)) == {"one": 200}


def test_sandbox(t):
    """Each shard has its system call filter and no capability."""
    u = t.usherd()
    for pid in u.shards().values():
        assert kernel.status(pid, "Seccomp") == "2", kernel.status(pid, "Seccomp")
        assert kernel.status(pid, "NoNewPrivs") == "1"
        assert int(kernel.status(pid, "CapEff"), 16) == 0, kernel.status(pid, "CapEff")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--build", default=os.path.join(HERE, "../../build"))
    options = parser.parse_args(namespace=argparse.Namespace(without=[], keep=False))
    kernel.become_subreaper()
    tests = [(name[5:], function) for name, function in globals().items() if name.startswith("test_")]
    failed = 0
    for name, function in tests:
        result, reason = run.run_one(function, options)
        failed += result != "ok"  # nothing may be missing here: a skip is a failure
        print(f"{result} vm.{name} {reason}".rstrip(), flush=True)
    print(f"vm: {len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
