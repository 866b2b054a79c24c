# SPDX-License-Identifier: Apache-2.0
"""Fds, log and time run short while it runs: it waits and goes on, and says so."""
import contextlib
import os
import resource
import signal
import subprocess
import time

import harness
import kernel
import proxy
from clients import Client, wait
from test_processes import replaced
from test_workers import greeted, headers

PATIENT = {"main": {"queue_deadline": "10s", "take_back_deadline": "30s"}}


def cpu_ticks(pids):
    return sum(sum(map(int, kernel.read(f"/proc/{pid}/stat").rpartition(")")[2].split()[11:13])) for pid in pids)


def test_fds_short_in_a_shard(t):
    """At the limit accepting pauses without spinning, the admin side answers, and raising the limit is enough."""
    u = t.usherd(pools=PATIENT)
    t.worker_process("worker")
    greeted(t.clients(4, u.address(), headers))
    pids = list(u.shards().values())
    before = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in pids}
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[pid][1]))
    for pid in pids:  # accepts that are armed keep the old limit (io_uring takes it when they are armed)
        with contextlib.suppress(OSError):
            Client(u.address()).close()
    clients = t.clients(40, u.address(), headers)
    ticks, start = cpu_ticks(pids), time.monotonic()
    time.sleep(0.5)
    used = (cpu_ticks(pids) - ticks) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - start)
    assert used < 0.5, f"the shards use {used:.2f} CPUs while they wait for fds"
    assert u.ctl("status").returncode == 0
    assert list(u.shards().values()) == pids, "a shard died of it"
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before[pid])
    greeted(clients)


def served(t, u):
    worker = t.worker()
    for client in t.clients(200, u.address(), lambda i: b"nonsense"):
        client.end()
    t.client(u.address(), proxy.v1())
    worker.take()[0].close()
    u.wait_totals(refused__missing_header=200, accepted=201, handed_off=1)


def test_log_to_a_full_device(t):
    u = t.usherd(ready=False, wrapper=("sh", "-c", 'exec "$@" >/dev/full 2>&1', "sh"))
    u.wait_ready()
    u.baseline = u.fd_counts()
    served(t, u)


def test_log_reader_gone(t):
    """SIGPIPE and EPIPE are nothing to die of."""
    fifo = t.path("fifo")
    os.mkfifo(fifo)
    reader = t.start("cat", fifo, stdout=subprocess.DEVNULL)
    u = t.usherd(ready=False, wrapper=("sh", "-c", f'exec "$@" >{fifo} 2>&1', "sh"))
    u.wait_ready()
    u.baseline = u.fd_counts()
    t.end_process(reader)
    served(t, u)


def test_log_to_a_stopped_reader(t):
    """A pipe that nobody empties: lines are dropped, connections are not."""
    fifo = t.path("fifo")
    os.mkfifo(fifo)
    reader = t.start("cat", fifo, stdout=subprocess.DEVNULL)
    u = t.usherd(ready=False, log_level="debug", wrapper=("sh", "-c", f'exec "$@" >{fifo} 2>&1', "sh"))
    u.wait_ready()
    u.baseline = u.fd_counts()
    reader.send_signal(signal.SIGSTOP)
    worker = t.worker()
    for round_ in range(20):
        for client in t.clients(100, u.address(), lambda i: b"PROXY nonsense " + b"x" * 60):
            client.end()
            client.close()
        t.client(u.address(), proxy.v1())
        worker.take()[0].close()
    reader.send_signal(signal.SIGCONT)
    u.wait_totals(accepted=2020, handed_off=20)
    assert round_ == 19


def test_master_stopped_for_a_while(t):
    """The hot path does not need it; when it goes on, no shard is replaced for having been unseen."""
    u = t.usherd(pools=PATIENT, shard_deadline="1s")
    t.worker_process("worker")
    shards = u.shards()
    harness.kill(u.pid, signal.SIGSTOP)
    try:
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            greeted(t.clients(10, u.address(), headers))
    finally:
        harness.kill(u.pid, signal.SIGCONT)
    greeted(t.clients(10, u.address(), headers))
    wait(lambda: u.ctl("status").returncode == 0, "the master does not answer")
    assert u.shards() == shards, "shards were replaced although they worked"


def test_everything_stopped_for_a_while(t):
    """As in a virtual machine that was paused. Replaced shards are allowed, lost connections are not."""
    u = t.usherd(pools=PATIENT, shard_deadline="1s")
    t.worker_process("worker")
    greeted(t.clients(10, u.address(), headers))
    pids = kernel.family(u.pid)
    for pid in pids:
        harness.kill(pid, signal.SIGSTOP)
    wait(lambda: all(map(kernel.stopped, pids)), "it did not stop")
    clients = t.clients(20, u.address(), headers)
    time.sleep(1.5)
    for pid in reversed(pids):
        harness.kill(pid, signal.SIGCONT)
    for client in clients:
        client.socket.settimeout(10)
    greeted(clients)


def test_many_clients_that_say_nothing(t):
    """2,000 silent clients: good ones are served meanwhile; each silent one times out and is counted."""
    u = t.usherd({"main": {"header_deadline": "3s"}})
    t.worker_process("worker")
    silent = t.clients(2000, u.address(), lambda i: b"")
    u.wait_totals(in_header=2000)
    start = time.monotonic()
    greeted(t.clients(100, u.address(), headers))
    assert time.monotonic() - start < 2.5, "good clients waited for silent ones"
    u.wait_totals(timed_out__header=2000, in_header=0)
    for client in silent:
        assert client.end() in ("closed", "reset")


def test_shard_stopped_while_full(t):
    """Deadlines that passed while it stood still fire once, as what they are."""
    u = t.usherd({"main": {"header_deadline": "1s"}}, shard_deadline="30s")
    t.clients(50, u.address(), lambda i: b"PROXY")
    u.wait_totals(in_header=50)
    with u.shards_stopped():
        time.sleep(1.2)
    u.wait_totals(in_header=0, timed_out__header=50)
    victim = u.shards()[0]
    harness.kill(victim, signal.SIGKILL)
    replaced(u, [victim])


def test_backlog_larger_than_the_fd_limit(t):
    """What does not fit stays in the kernel's backlog instead of being accepted and refused."""
    u = t.usherd(shards=1, preexec=kernel.limit(resource.RLIMIT_NOFILE, 1024),
                 pools={"main": {"window": 4096, "queue_deadline": "20s"}})
    t.worker_process("worker")
    with u.shards_stopped():
        t.clients(1500, u.address())
    totals = u.wait_totals(handed_off=1500, unread=0, timeout=10)
    assert totals["refused.fd_limit"] == 0, dict(totals)


def test_nobody_is_stranded_when_the_way_of_accepting_changes(t):
    """`accept = auto` goes from multishot to single accepts in a burst. What arrives while the old accept is being
    cancelled must be taken too, although no further client comes to wake anybody. 24 bursts of different lengths."""
    for count in (80, 150, 300, 600) * 6:
        u = t.usherd({"main": {"accept": "auto"}}, shards=1)
        with u.shards_stopped():
            t.clients(70, u.address(), lambda i: b"")
        t.clients(count, u.address(), lambda i: b"")
        u.wait_totals(timeout=2, accepted=70 + count)
        t.release()
        u.quiet()
        u.stop()
