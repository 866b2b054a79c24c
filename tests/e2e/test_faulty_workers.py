# SPDX-License-Identifier: Apache-2.0
"""A worker that breaks the rules is dropped, alone, and is told or at least logged why. Every other one goes on."""
import array
import contextlib
import os
import socket
import struct

import proxy
import wire
from clients import wait
from harness import Skip

PATIENT = {"main": {"queue_deadline": "10s", "take_back_deadline": "30s"}}


def dropped(t, misbehave, unread=0, pools=None):
    """misbehave(worker) gets it dropped, at the latest when it is sent something; the other worker gets everything, the
    unread of the bad one too."""
    u = t.usherd(pools=pools or PATIENT)
    bad = t.worker(name="badworker")
    t.clients(unread, u.address())
    u.wait_totals(unread=unread)
    good = t.worker(name="good")
    with contextlib.suppress(OSError):
        misbehave(bad)
    t.clients(30, u.address(), lambda i: proxy.v1(port=1000 + i))
    wait(lambda: [row["name"] for row in u.workers()] == ["good"], "it is still a worker")
    for connection in good.take(30 + unread):
        connection.close()
    wait(lambda: "badworker" in u.log(), "the log does not name the worker")
    assert good.registration is not None and all(channel.open for channel in good.channels)
    return u, bad


def on_channel(data):
    return lambda worker: worker.channels[0].socket.send(data)


def on_registration(data):
    return lambda worker: worker.registration.send(data)


def test_garbage_on_a_channel(t):
    dropped(t, on_channel(b"\xff" * 40))


def test_short_message_on_a_channel(t):
    dropped(t, on_channel(b"\x30"))


def test_oversize_message_on_a_channel(t):
    dropped(t, on_channel(wire.message(wire.DONE, bytes(20000))))


def test_wrong_length_on_a_channel(t):
    dropped(t, on_channel(wire.message(wire.DONE, struct.pack("=Q", 1), length=4096)))


def test_wrong_version_on_a_channel(t):
    dropped(t, on_channel(wire.message(wire.LOST, struct.pack("=II", 0, 0), version=9)))


def test_conns_from_a_worker(t):
    dropped(t, on_channel(wire.message(wire.CONNS, wire.CONNS_BODY.pack(0, 0, 1))))


def test_done_without_having_said_so(t):
    dropped(t, on_channel(wire.message(wire.DONE, struct.pack("=Q", 1))))


def test_lost_more_than_it_got(t):
    dropped(t, on_channel(wire.message(wire.LOST, struct.pack("=II", 0, 1 << 31))))


def test_garbage_on_the_pool_socket(t):
    _, bad = dropped(t, on_registration(b"garbage!" * 4))
    bad.pump(lambda: bad.error or not bad.registration, what="nobody told it")


def test_second_hello(t):
    dropped(t, on_registration(wire.hello("again")))


def test_shut_down_reading(t):
    dropped(t, lambda worker: worker.channels[0].socket.shutdown(socket.SHUT_RD))


def test_shut_down_writing(t):
    dropped(t, lambda worker: worker.channels[0].socket.shutdown(socket.SHUT_WR))


def test_garbage_with_unread_connections(t):
    """What it had not read is not lost with it."""
    dropped(t, on_channel(b"\xff" * 40), unread=10)


def test_channels_closed_with_unread_connections(t):
    """A worker that closed its channels and keeps its registration: nothing reads them, so it is as good as stuck."""
    u = t.usherd(pools={"main": {"queue_deadline": "10s", "take_back_deadline": "200ms"}})
    bad = t.worker(name="badworker")
    t.clients(10, u.address())
    u.wait_totals(unread=10)
    for channel in bad.channels:
        channel.socket.close()
        channel.open = False
    good = t.worker(name="good")
    t.clients(30, u.address())
    for connection in good.take(40):
        connection.close()


def test_done_twice(t):
    """More DONE than connections: its capacity would grow without end."""
    u = t.usherd(pools=PATIENT)
    bad = t.worker(name="badworker", done=True, capacity=4)
    t.client(u.address(), proxy.v1())
    [connection] = bad.take()
    bad.done(connection, 1)
    with contextlib.suppress(OSError):
        connection.channel.socket.send(wire.message(wire.DONE, struct.pack("=Q", 1 << 63)))
    wait(lambda: not u.workers(), "it is still a worker")
    wait(lambda: "badworker" in u.log(), "the log does not name the worker")


def test_fds_from_a_worker(t):
    """Refused by the kernel where it can (SO_PASSRIGHTS), closed where not: none stays in Usher."""
    u = t.usherd()
    bad, good = t.worker(name="badworker"), t.worker(name="good")
    fds = array.array("i", [0] * 100)
    for sock in [channel.socket for channel in bad.channels] + [bad.registration]:
        with contextlib.suppress(OSError):
            sock.sendmsg([wire.message(wire.PAUSE)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
    bad.close()
    u.wait_workers(1)
    before = u.fd_counts()
    t.client(u.address(), proxy.v1())
    good.take()[0].close()
    assert sum(before.values()) < sum(u.baseline.values()) + 50, dict(before - u.baseline)


def registration_refused(t, raw, code=2):
    u = t.usherd()
    try:
        t.worker(raw=raw)
    except wire.Refused as refused:
        assert refused.code == code and refused.text, refused
    except AssertionError:
        pass  # closed without a word is allowed for what is not even a message
    else:
        raise AssertionError("it was welcomed")
    t.client(u.address(), proxy.v1())
    t.worker().take()[0].close()


def test_hello_of_another_version(t):
    u = t.usherd()
    raw = wire.hello("future", version=2)
    try:
        t.worker(raw=raw)
    except wire.Refused as refused:
        assert refused.code == 1 and "1" in refused.text, f"must name Usher's version: {refused}"
    else:
        raise AssertionError("version 2 was welcomed")
    assert u.process.poll() is None


def test_hello_too_long(t):
    registration_refused(t, wire.hello() + bytes(100))


def test_hello_is_something_else(t):
    registration_refused(t, wire.message(wire.DRAIN))


def test_hello_batch_zero(t):
    registration_refused(t, wire.hello(batch=0))


def test_hello_batch_too_big(t):
    registration_refused(t, wire.hello(batch=254))


def test_hello_capacity_without_done(t):
    registration_refused(t, wire.hello(capacity=5))


def test_hello_name_without_end(t):
    registration_refused(t, wire.hello("x" * 64))


def test_connects_and_says_nothing(t):
    """200 silent connections to the pool's socket do not keep a worker out for ever, nor leave fds."""
    u = t.usherd()
    silent = []
    for _ in range(200):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        try:
            sock.connect(t.path("main.sock"))
        except BlockingIOError:
            sock.close()
            break
        silent.append(t.keep_thing(sock))
    t.client(u.address(), proxy.v1())
    t.worker(timeout=10).take()[0].close()


def test_refuses_fds_on_its_channels(t):
    """SO_PASSRIGHTS = 0 on a worker's end, where the kernel has it: sends to it fail, so it is dropped."""
    option = 83  # SO_PASSRIGHTS

    def refuse(worker):
        for channel in worker.channels:
            channel.socket.setsockopt(socket.SOL_SOCKET, option, 0)
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        probe.getsockopt(socket.SOL_SOCKET, option)
    except OSError:
        raise Skip("this kernel has no SO_PASSRIGHTS") from None
    finally:
        probe.close()
    u = t.usherd(pools=PATIENT)
    bad, good = t.worker(name="badworker"), t.worker(name="good")
    refuse(bad)
    t.clients(20, u.address())
    for connection in good.take(20):
        connection.close()
    wait(lambda: "badworker" in u.log(), "the log does not name the worker")
    assert os.path.exists(t.path("main.sock"))
