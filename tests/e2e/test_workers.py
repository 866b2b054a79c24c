# SPDX-License-Identifier: Apache-2.0
"""Workers that behave: choice among them, capacity, pause and drain, and what happens to what a dead one left."""
import os
import select
import signal
import time

import harness
import kernel
import proxy
import wire
from clients import wait

PATIENT = {"main": {"queue_deadline": "10s", "take_back_deadline": "30s"}}
PROMPT = {"main": {"queue_deadline": "10s", "take_back_deadline": "100ms"}}


def source(i):
    return f"198.18.{i >> 8}.{i & 255}"


def headers(i):
    return proxy.v2(source(i), 1 + i, tlvs=[(0xE5, b"%d" % i)])


def greeted(clients, start=0, retaken=None):
    """Every client was greeted once, with its own metadata; how many by each worker."""
    by = {}
    for i, client in enumerate(clients, start):
        said = client.greeting()
        assert said["source"] == [source(i), 1 + i] and said["peer"][1] == client.port, said
        assert said["tlvs"] == [[0xE5, (b"%d" % i).hex()]], said
        if retaken is not None:
            assert bool(said["flags"] & wire.RETAKEN) == retaken, said
        by[said["worker"]] = by.get(said["worker"], 0) + 1
        client.echo()
    return by


def stop(process):
    process.send_signal(signal.SIGSTOP)
    wait(lambda: kernel.stopped(process.pid), "the worker did not stop")


def test_share(t):
    t.usherd()
    u = t.daemons[0]
    for name in "abc":
        t.worker_process(name)
    by = greeted(t.clients(60, u.address(), headers), retaken=False)
    assert len(by) == 3 and min(by.values()) >= 5, by


def test_least_connections(t):
    """The worker that keeps connections open gets fewer than the one that finishes them."""
    u = t.usherd(pools={"main": {"choose": "least-connections"}}, shards=1)
    keeper, finisher = t.worker(name="keeper", done=True), t.worker(name="finisher", done=True)
    kept, finished = [], 0
    for _ in range(40):
        client = t.client(u.address(), proxy.v1())

        def arrived():
            return keeper.poll() + finisher.poll()
        wait(arrived, "not delivered")
        kept += keeper.waiting
        keeper.waiting = []
        for connection in finisher.waiting:
            finisher.done(connection)
            finished += 1
            assert client.end() == "closed"
        finisher.waiting = []
        wait(lambda: u.totals()["unread"] == 0, "unread")
    assert len(kept) <= 5 and finished >= 35, f"keeper {len(kept)}, finisher {finished}"
    for connection in kept:
        connection.close()


def test_capacity(t):
    u = t.usherd(pools=PATIENT)
    worker = t.worker(capacity=3, done=True)
    t.clients(5, u.address())
    first = worker.take(3)
    u.wait_totals(accepted=5, handed_off=3, queued=2)
    assert worker.poll() == 0
    worker.done(first[0])
    fourth = worker.take()
    u.wait_totals(handed_off=4, queued=1)
    for connection in first[1:] + fourth + worker.waiting:
        worker.done(connection)
    fifth = worker.take()
    worker.done(fifth[0])
    u.wait_totals(handed_off=5, queued=0)


def test_batch(t):
    """A worker that says 1 gets one connection a message."""
    u = t.usherd(pools=PATIENT)
    with u.shards_stopped():
        t.clients(20, u.address())
    worker = t.worker(batch=1)
    per_message = {}
    for connection in worker.take(20):
        key = (id(connection.channel), connection.id)
        per_message[key] = per_message.get(key, 0) + 1
        connection.close()
    assert sum(channel.sequence for channel in worker.channels) == 20, "several in one message"


def test_pause_and_resume(t):
    u = t.usherd(pools=PATIENT)
    worker = t.worker()
    t.client(u.address(), proxy.v1())
    worker.take()[0].close()
    worker.say(wire.PAUSE)
    u.wait_totals(unread=0)
    wait(lambda: u.workers()[0]["state"] == "paused", "usherctl does not show the pause")
    t.client(u.address(), proxy.v1())
    u.wait_totals(queued=1)
    assert worker.poll() == 0
    worker.say(wire.RESUME)
    worker.take()[0].close()


def test_drain(t):
    u = t.usherd(pools=PATIENT)
    leaving, staying = t.worker(name="leaving"), t.worker(name="staying")
    leaving.say(wire.DRAIN)
    leaving.pump(lambda: not any(channel.open for channel in leaving.channels), what="its channels did not end")
    assert {channel.goaway for channel in leaving.channels} == {0}, "no GOAWAY that says that it asked"
    before = len(leaving.waiting)
    t.clients(10, u.address())
    for connection in staying.take(10 - before):
        connection.close()


def test_one_cpu(t):
    """A worker may ask for one shard; it gets one channel, or an error that says that there is no such shard."""
    u = t.usherd(shards=None)
    cpu = min(os.sched_getaffinity(0))
    worker = t.worker(cpu=cpu)
    assert len(worker.channels) == 1, f"{len(worker.channels)} channels"
    try:
        t.worker(cpu=4000)
    except wire.Refused as refused:
        assert refused.code == 5, refused
    else:
        raise AssertionError("CPU 4000 was granted")
    assert u.process.poll() is None


def test_killed_worker_leaves_its_unread(t):
    """20 connections that a stopped worker never read; it is killed; another gets all of them, once."""
    u = t.usherd(pools=PATIENT)
    dying = t.worker_process("dying")
    stop(dying)
    clients = t.clients(20, u.address(), headers)
    u.wait_totals(handed_off=20, unread=20)
    t.worker_process("other")
    t.end_process(dying)
    assert greeted(clients, retaken=True) == {"other": 20}
    u.wait_totals(handed_off=40, taken_back=20, unread=0)


def test_killed_worker_keeps_order(t):
    u = t.usherd(pools=PATIENT, shards=1)
    dying = t.worker_process("dying")
    stop(dying)
    for i in range(10):
        t.client(u.address(), proxy.v1(port=1 + i))
        u.wait_totals(unread=i + 1)
    t.end_process(dying)
    u.wait_totals(queued=10)
    worker = t.worker()
    ports = [connection.source[1] for connection in worker.take(10)]
    assert ports == list(range(1, 11)), f"order lost: {ports}"


class Orphan:
    def __init__(self, pid):
        self.pid = pid

    def close(self):
        harness.kill(self.pid)
        os.waitpid(self.pid, 0)


def test_killed_worker_whose_child_lives(t):
    """A child that inherited the sockets keeps them open; the worker is dead all the same."""
    if "peerpidfd" in t.without or not kernel.has_peerpidfd():
        raise harness.Skip("without SO_PEERPIDFD only the end of the registration tells")
    u = t.usherd(pools=PATIENT)
    dying = t.worker_process("dying", "main", "--child")
    t.keep_thing(Orphan(int(kernel.read(t.path("main.sock.child")))))
    stop(dying)
    clients = t.clients(20, u.address(), headers)
    u.wait_totals(unread=20)
    t.worker_process("other")
    t.end_process(dying)
    assert greeted(clients) == {"other": 20}


def test_killed_worker_takes_its_own(t):
    """What it had read dies with it; the others' connections do not."""
    u = t.usherd()
    one, two = t.worker_process("one"), t.worker_process("two")
    clients = t.clients(20, u.address(), headers)
    by = greeted(clients)
    assert len(by) == 2, by
    t.end_process(one)
    wait(lambda: len(u.workers()) == 1, "the dead worker is still listed")
    ended = 0
    for client in clients:
        try:
            client.echo()
        except (EOFError, ConnectionError):
            ended += 1
    assert ended == by["one"] and two.poll() is None


def test_stuck_worker(t):
    """Stopped past the take-back deadline: its unread goes to the other; continued, it works again."""
    u = t.usherd(pools=PROMPT)
    stuck = t.worker_process("stuck")
    stop(stuck)
    clients = t.clients(20, u.address(), headers)
    u.wait_totals(handed_off=20, unread=20)
    t.worker_process("other")
    assert greeted(clients) == {"other": 20}
    stuck.send_signal(signal.SIGCONT)

    def rejoined():
        return "stuck" in greeted(t.clients(10, u.address(), headers))
    wait(rejoined, "the worker that was stuck gets nothing")


def test_stuck_alone(t):
    """With nobody else to take them they stay where they are, and arrive when it goes on."""
    u = t.usherd(pools=PROMPT)
    stuck = t.worker_process("stuck")
    stop(stuck)
    clients = t.clients(10, u.address(), headers)
    u.wait_totals(handed_off=10, unread=10)
    time.sleep(0.3)  # three deadlines
    stuck.send_signal(signal.SIGCONT)
    assert greeted(clients) == {"stuck": 10}


def test_slow_worker_does_not_hold_what_another_can_take(t):
    """One stopped, one alive, both registered from the start: all are served, once."""
    u = t.usherd(pools=PROMPT)
    stuck = t.worker_process("stuck")
    t.worker_process("alive")
    stop(stuck)
    assert greeted(t.clients(40, u.address(), headers)) == {"alive": 40}


def test_last_worker_gone_waits_for_the_next(t):
    u = t.usherd(pools=PATIENT)
    last = t.worker_process("last")
    stop(last)
    clients = t.clients(10, u.address(), headers)
    u.wait_totals(unread=10)
    t.end_process(last)
    u.wait_totals(queued=10, unread=0)
    clients += t.clients(5, u.address(), lambda i: headers(10 + i))
    u.wait_totals(queued=15)
    t.worker_process("next")
    assert greeted(clients) == {"next": 15}


def test_last_worker_gone_for_good(t):
    """Their original deadlines hold: nobody waits for ever."""
    u = t.usherd(pools={"main": {"queue_deadline": "500ms", "take_back_deadline": "30s"}})
    last = t.worker_process("last")
    stop(last)
    clients = t.clients(5, u.address(), headers)
    u.wait_totals(unread=5)
    t.end_process(last)
    for client in clients:
        assert client.end() in ("closed", "reset")
    totals = u.wait_totals(queued=0, unread=0, taken_back=5)
    assert totals["refused.no_worker"] + totals["timed_out.queue"] == 5, dict(totals)


def test_clients_gone_while_unread(t):
    """Dead connections in a dead worker's channel are handed on or counted, never stuck."""
    u = t.usherd(pools=PATIENT)
    dying = t.worker_process("dying")
    stop(dying)
    clients = t.clients(10, u.address(), headers)
    u.wait_totals(unread=10)
    for client in clients[:5]:
        client.reset()
    for client in clients[5:]:
        client.close()
    t.end_process(dying)
    worker = t.worker()
    wait(lambda: worker.poll() + u.totals()["refused.client_reset"] + u.totals()["refused.client_closed"] == 10,
         lambda: f"{worker.poll()} arrived, {dict(u.totals())}")


def test_window_fills_and_empties(t):
    """More than the window for a worker that does not read: the rest queues, and all arrive when it reads."""
    u = t.usherd(pools={"main": {"window": 8, "queue_deadline": "10s", "take_back_deadline": "30s"}})
    worker = t.worker()
    t.clients(50, u.address())
    totals = u.wait_totals(accepted=50, in_header=0)
    assert totals["unread"] <= 16, f"window 8, two shards, {totals['unread']} unread"
    for connection in worker.take(50):
        connection.close()


def test_flapping_workers(t):
    """Workers that come and go 100 times leave nothing behind."""
    u = t.usherd(pools=PATIENT)
    for i in range(100):
        worker = t.worker(name=f"flap{i}")
        if i % 3 == 0:
            t.client(u.address(), proxy.v1())
            worker.take()[0].close()
        worker.close()
        t.things.remove(worker)
    u.wait_workers(0)
    clients = t.clients(5, u.address(), headers)
    t.worker_process("last")
    assert greeted(clients) == {"last": 5}


def test_worker_at_its_fd_limit(t):
    """usher-hello with room for few connections: every client is served now or later, or its loss is counted."""
    u = t.usherd(pools={"main": {"queue_deadline": "20s", "take_back_deadline": "30s"}})
    t.hello(u, "main", wrapper=(t.need("prlimit"), "--nofile=64:64"))
    waiting = {client.socket: client for client in t.clients(150, u.address())}
    for client in waiting.values():
        client.send(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
    cut = 0
    while waiting:  # each closes when served, which makes room for the next
        ready, _, _ = select.select(list(waiting), [], [], 10)
        assert ready, f"{len(waiting)} of 150 are not served, {u.workers()}"
        for sock in ready:
            client = waiting.pop(sock)
            try:
                assert b" 200 " in client.line()
            except (EOFError, ConnectionError):
                cut += 1
            client.close()
    totals = u.wait_totals(accepted=150, unread=0, queued=0)
    assert cut == totals["lost.worker_fds"], f"{cut} were cut, {totals['lost.worker_fds']} counted as lost"


def test_pool_users(t):
    """A user that the pool does not name gets no connection, and Usher says so."""
    t.need_root()
    u = t.usherd(pools={"main": {"users": ["root"]}})
    t.worker(name="welcome").close()
    wrapper = (t.need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups")
    script = ("import socket,sys; s=socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.settimeout(5)\n"
              "try: s.connect(sys.argv[1])\n"
              "except PermissionError: print('denied'); sys.exit()\n"
              "try: s.send(bytes.fromhex(sys.argv[2]))\n"
              "except BrokenPipeError: pass\n"
              "print(s.recv(1000).hex())")
    result = t.run(*wrapper, harness.SYSTEM_PYTHON, "-I", "-S", "-c", script, t.path("main.sock"),
                   wire.hello("stranger").hex())
    said = result.stdout.strip()
    assert said, result.stderr
    if said != "denied":
        answer = bytes.fromhex(said)
        kind = wire.HEAD.unpack_from(answer)[0]
        code = wire.ERROR_BODY.unpack_from(answer, wire.HEAD.size)[0]
        assert (kind, code) == (wire.ERROR, wire.ERROR_DENIED), answer[:16]
        wait(lambda: "65534" in u.log(), "the log does not name the user")
    assert not u.workers()
