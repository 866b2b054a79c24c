# SPDX-License-Identifier: Apache-2.0
"""Usher's own processes killed, stopped and ended, with connections in each state."""
import signal
import time

import harness
import kernel
import proxy
from clients import Client, wait
from test_workers import greeted, headers, stop

PATIENT = {"main": {"queue_deadline": "10s", "take_back_deadline": "30s"}}


def replaced(u, old, count=2):
    """Waits until all run and none has one of these pids."""
    def now():
        running = u.shards()
        return len(running) == count and not set(running.values()) & set(old)
    wait(now, lambda: f"a shard was not replaced: {u.ask('shards')}", timeout=10)


def test_shard_killed(t):
    """Established connections live, the backlog is served, workers stay registered, a new shard works."""
    u = t.usherd(pools=PATIENT)
    worker = t.worker_process("worker")
    old = t.clients(10, u.address(), headers)
    greeted(old)
    shards = u.shards()
    harness.kill(shards[0], signal.SIGKILL)
    replaced(u, [shards[0]])
    greeted(t.clients(40, u.address(), headers))
    for client in old:
        client.echo()
    assert worker.poll() is None and len(u.workers()) == 1
    assert u.shards()[1] == shards[1], "the other shard was replaced too"


def test_every_shard_killed(t):
    u = t.usherd(pools=PATIENT)
    t.worker_process("worker")
    old = t.clients(4, u.address(), headers)
    greeted(old)
    pids = list(u.shards().values())
    for pid in pids:
        harness.kill(pid, signal.SIGKILL)
    wait(lambda: not any(map(kernel.alive, pids)), "a shard survived its death")
    clients = t.clients(40, u.address(), headers)  # while none is there, or none for long
    greeted(clients)
    replaced(u, pids)
    for client in old:
        client.echo()


def test_stopped_shard_killed_with_a_backlog(t):
    """What the kernel holds for it is not its own: the next shard accepts it."""
    u = t.usherd(pools=PATIENT)
    t.worker_process("worker")
    victim = u.shards()[0]
    with u.shards_stopped():
        clients = t.clients(60, u.address(), headers)
        harness.kill(victim, signal.SIGKILL)
    replaced(u, [victim])
    greeted(clients)
    u.wait_totals(accepted=60, handed_off=60)


def test_nothing_is_stranded_while_the_next_shard_arms(t):
    """A dead process's ring is taken apart by the kernel after waitpid() has returned; until then its armed accept may
    eat the wake-up for a connection that the next shard should get. No further connection comes to repair it."""
    for trial in range(16):
        u = t.usherd(pools=PATIENT)
        t.worker_process("worker")
        before = kernel.children(u.pid)
        victim = u.shards()[0]
        harness.kill(victim, signal.SIGKILL)
        wait(lambda: set(kernel.children(u.pid)) - set(before), "no new shard", interval=0.0002)
        time.sleep(trial * 0.0005)  # it arms a few milliseconds after its birth
        greeted(t.clients(20, u.address(), headers))
        t.release()
        u.quiet()
        u.stop()


def test_shard_killed_with_headers_half_read(t):
    """The one loss that the docs name: counted, and seen by the client as an end, never a hang."""
    u = t.usherd(pools=PATIENT, shards=1)
    t.worker_process("worker")
    half = t.clients(5, u.address(), lambda i: b"PROXY TCP4 ")
    u.wait_totals(in_header=5)
    victim = u.shards()[0]
    harness.kill(victim, signal.SIGKILL)
    for client in half:
        assert client.end() in ("closed", "reset")
    replaced(u, [victim], 1)
    u.wait_totals(accepted=5, in_header=0, lost__shard_died=5)
    greeted(t.clients(5, u.address(), headers))


def test_shard_killed_with_unread(t):
    """Handed off is handed off: the worker reads it although the shard that sent it is gone."""
    u = t.usherd(pools=PATIENT)
    worker = t.worker_process("worker")
    stop(worker)
    clients = t.clients(20, u.address(), headers)
    u.wait_totals(unread=20)
    victim = u.shards()[0]
    harness.kill(victim, signal.SIGKILL)
    replaced(u, [victim])
    worker.send_signal(signal.SIGCONT)
    greeted(clients)
    u.wait_totals(handed_off=20, unread=0)


def test_shard_killed_with_done_unread(t):
    """What a worker has finished and a dead shard has not heard of is capacity again all the same."""
    u = t.usherd(pools=PATIENT, shards=1)
    worker = t.worker(done=True, capacity=4)
    t.clients(4, u.address())
    taken = worker.take(4)
    victim = u.shards()[0]
    with u.shards_stopped():
        for connection in taken:
            worker.done(connection)
        harness.kill(victim, signal.SIGKILL)
    t.clients(4, u.address())
    for connection in worker.take(4):
        worker.done(connection)
    wait(lambda: u.workers()[0]["open"] == 0, lambda: f"capacity is used up: {u.workers()}")


def test_shard_and_worker_killed_with_unread(t):
    """Both ends of the channel are dead; what waits in it goes to another worker all the same."""
    u = t.usherd(pools=PATIENT)
    dying = t.worker_process("dying")
    stop(dying)
    clients = t.clients(20, u.address(), headers)
    u.wait_totals(unread=20)
    victim = u.shards()[0]
    harness.kill(victim, signal.SIGKILL)
    t.end_process(dying)
    t.worker_process("other")
    assert greeted(clients) == {"other": 20}
    replaced(u, [victim])


def test_shard_stopped(t):
    """A shard that does not tick is replaced, and what waits for it is served."""
    u = t.usherd(pools=PATIENT, shard_deadline="1s")
    t.worker_process("worker")
    victim = u.shards()[0]
    harness.kill(victim, signal.SIGSTOP)
    wait(lambda: kernel.stopped(victim), "the shard did not stop")  # until then it accepts, and takes that along
    clients = t.clients(40, u.address(), headers)
    replaced(u, [victim])
    for client in clients:
        client.socket.settimeout(10)
    greeted(clients)


def test_shards_killed_again_and_again(t):
    """Nothing is left behind, and the last one works like the first. Usher waits longer after each early death."""
    u = t.usherd(pools=PATIENT)
    t.worker_process("worker")
    old = t.clients(2, u.address(), headers)
    greeted(old)
    for i in range(8):
        victim = u.shards()[i % 2]
        harness.kill(victim, signal.SIGKILL)
        replaced(u, [victim])
        greeted(t.clients(20, u.address(), headers))
    for client in old:
        client.echo()


def test_reclaimer_killed(t):
    u = t.usherd(pools=PATIENT)
    old = u.reclaimer()
    harness.kill(old, signal.SIGKILL)
    wait(lambda: kernel.alive(u.reclaimer()) and u.reclaimer() != old, "the reclaimer was not replaced")
    dying = t.worker_process("dying")
    stop(dying)
    clients = t.clients(10, u.address(), headers)
    u.wait_totals(unread=10)
    t.worker_process("other")
    t.end_process(dying)
    assert greeted(clients) == {"other": 10}


def test_reclaimer_stopped(t):
    """It has a deadline: one that hangs is replaced, and what it had to take back is taken back by the next."""
    u = t.usherd(pools=PATIENT)
    stuck = u.reclaimer()
    dying = t.worker_process("dying")
    stop(dying)
    clients = t.clients(10, u.address(), headers)
    u.wait_totals(unread=10)
    t.worker_process("other")
    harness.kill(stuck, signal.SIGSTOP)
    t.end_process(dying)
    assert greeted(t.clients(5, u.address(), headers)) == {"other": 5}
    wait(lambda: not kernel.alive(stuck), "a stopped reclaimer stays", timeout=15)
    for client in clients:
        client.socket.settimeout(10)
    assert greeted(clients) == {"other": 10}


def test_master_killed(t):
    """Established connections live on; shards and reclaimer see it and leave by themselves."""
    u = t.usherd(pools=PATIENT, orphan_deadline="1s")
    t.worker_process("worker")
    old = t.clients(10, u.address(), headers)
    greeted(old)
    harness.kill(u.pid, signal.SIGKILL)
    u.end()
    u.gone()
    for client in old:
        client.echo()
    try:
        Client(u.address()).close()
    except ConnectionRefusedError:
        return
    raise AssertionError("somebody still listens")


def test_master_killed_and_started_again(t):
    """The same file, socket paths of the dead one still there: it starts, and workers may register again."""
    u = t.usherd(pools=PATIENT, orphan_deadline="1s")
    t.worker_process("worker")
    harness.kill(u.pid, signal.SIGKILL)
    u.end()
    u.gone()
    t.daemons.clear()
    again = t.usherd(pools=PATIENT)
    t.worker_process("again")
    assert greeted(t.clients(5, again.address(), headers)) == {"again": 5}
    u.destroy()


def ended_by(t, number):
    """Finishes what it has accepted, then exits 0; the conversations go on."""
    u = t.usherd(stop_deadline="5s")
    worker = t.worker()
    old = t.client(u.address(), proxy.v1())
    [connection] = worker.take()
    header = proxy.v1()
    half = t.client(u.address(), header[:20])
    u.wait_totals(in_header=1)
    u.process.send_signal(number)
    half.send(header[20:] + b"in time")
    [last] = worker.take()
    assert last.read(7) == b"in time"
    assert u.end() == 0
    u.gone()
    connection.socket.sendall(b"old\n")
    assert old.line() == b"old"


def test_term_finishes_in_flight(t):
    ended_by(t, signal.SIGTERM)


def test_int_finishes_in_flight(t):
    ended_by(t, signal.SIGINT)


def test_term_does_not_wait_for_ever(t):
    u = t.usherd({"main": {"header_deadline": "30s"}}, stop_deadline="500ms")
    client = t.client(u.address(), b"PROXY")
    u.wait_totals(in_header=1)
    u.process.send_signal(signal.SIGTERM)
    assert u.end(5) == 0
    u.gone()
    assert client.end() in ("closed", "reset")
    u.log_lines()


def test_term_with_queued(t):
    """Nobody to take them: refused with a reason when the stop's deadline comes, not left."""
    u = t.usherd(pools=PATIENT, stop_deadline="500ms")
    client = t.client(u.address(), proxy.v1())
    u.wait_totals(queued=1)
    u.process.send_signal(signal.SIGTERM)
    assert client.end() in ("closed", "reset")
    assert u.end(5) == 0
    u.gone()


def test_term_with_unread(t):
    """A stopping Usher leaves what it handed off to the worker."""
    u = t.usherd(pools=PATIENT, stop_deadline="1s")
    worker = t.worker()
    clients = t.clients(10, u.address())
    u.wait_totals(unread=10)
    u.process.send_signal(signal.SIGTERM)
    assert u.end(6) == 0
    for connection in worker.take(10):
        connection.close()
    assert len(clients) == 10


def test_term_twice(t):
    u = t.usherd()
    u.process.send_signal(signal.SIGTERM)
    harness.kill(u.pid, signal.SIGTERM)
    assert u.end() == 0
    u.gone()


def test_signals_that_mean_nothing(t):
    """SIGPIPE, SIGUSR2, SIGWINCH: it lives."""
    u = t.usherd()
    worker = t.worker()
    for number in (signal.SIGPIPE, signal.SIGWINCH, signal.SIGURG, signal.SIGCHLD):
        u.process.send_signal(number)
    t.client(u.address(), proxy.v1())
    worker.take()[0].close()
