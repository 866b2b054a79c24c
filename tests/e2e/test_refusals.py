# SPDX-License-Identifier: Apache-2.0
"""A connection that is not delivered has exactly one reason, in the ledger and in the log."""
import socket

import proxy
from clients import Client, wait

SSL_SHORT = (proxy.SSL, b"\1\0\0\0")
MALFORMED = {
    "missing_header": [b"G", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"proxy TCP4"],
    "malformed_signature": [b"PROXX", b"PRO\r\n", b"\r\n\r\n\0\r\nQUIX", b"\r\n\r\nG"],
    "malformed_version": [proxy.v2(version=1), proxy.v2(version=3)],
    "malformed_command": [proxy.v2(command=2), proxy.v2(command=15)],
    "malformed_family": [b"PROXY TCP5 ", b"PROXY tcp4 ", b"PROXY UDP4 ", proxy.v2(family=0x41), proxy.v2(family=0x13),
                         proxy.v2(family=0xFF)],
    "malformed_length": [proxy.v2(length=11), proxy.v2(length=0), proxy.v2("2001:db8::1", length=35),
                         proxy.v2(family=0x31, block=bytes(215))],
    "malformed_address": [b"PROXY TCP4 256.0.2.1 198.51.100.1 1 2\r\n", b"PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n",
                          b"PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n",
                          b"PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n", b"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
                          b"PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n", b"PROXY TCP6 2001::db8::1 ::1 1 2\r\n"],
    "malformed_syntax": [b"PROXY  TCP4 192.0.2.1 198.51.100.1 1 2\r\n", b"PROXY TCP4  192.0.2.1 198.51.100.1 1 2\r\n",
                         b"PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n", b"PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n"],
    "malformed_tlv": [proxy.v2(tlvs=[(1, b"")], length=14), proxy.v2(length=20)[:28] + b"\xe0\0\x06abcde",
                      proxy.v2(tlvs=[SSL_SHORT]),
                      proxy.v2(tlvs=[(proxy.CRC32C, b"abc")])],
    "malformed_checksum": [proxy.v2(tlvs=[(proxy.CRC32C, b"\1\2\3\4")])],
    "header_too_long": [b"PROXY UNKNOWN " + b"x" * 100, proxy.v2(size=4097)],
    "local_source": [proxy.v1("127.0.0.1"), proxy.v2("::1")],
}


def send_and_see_the_end(t, u, data):
    client = t.keep_thing(Client(u.address()))
    try:
        client.send(data)
        client.end()
    except ConnectionError:
        pass  # refused at once, with bytes unread: the kernel says it with a reset


def malformed(t, reason):
    """Each header alone, so that a wrong reason can't hide behind a right one."""
    u = t.usherd()
    worker = t.worker()
    for i, data in enumerate(MALFORMED[reason], 1):
        send_and_see_the_end(t, u, data)
        try:
            u.wait_totals(accepted=i, timeout=2, **{f"refused__{reason}": i})
        except AssertionError as error:
            raise AssertionError(f"{data[:60]!r}: {error}") from None
    assert worker.poll() == 0
    wait(lambda: u.log_has(reason), f"the log does not say {reason}")


def test_missing_header(t):
    malformed(t, "missing_header")


def test_malformed_signature(t):
    malformed(t, "malformed_signature")


def test_malformed_version(t):
    malformed(t, "malformed_version")


def test_malformed_command(t):
    malformed(t, "malformed_command")


def test_malformed_family(t):
    malformed(t, "malformed_family")


def test_malformed_length(t):
    malformed(t, "malformed_length")


def test_malformed_address(t):
    malformed(t, "malformed_address")


def test_malformed_syntax(t):
    malformed(t, "malformed_syntax")


def test_malformed_tlv(t):
    malformed(t, "malformed_tlv")


def test_malformed_checksum(t):
    malformed(t, "malformed_checksum")


def test_header_too_long(t):
    malformed(t, "header_too_long")


def test_local_source(t):
    malformed(t, "local_source")


def test_untrusted_source_in_the_log(t):
    u = t.usherd()
    t.client(u.address(), source="127.0.0.9").end()
    u.wait_totals(refused__untrusted_source=1)
    wait(lambda: any("127.0.0.9" in str(line) and "untrusted_source" in str(line) for line in u.log_lines()),
         "the log does not name the peer")


def test_log_is_bounded_and_escaped(t):
    """A thousand refusals with terminal escapes in them: few lines, all JSON, nothing raw."""
    u = t.usherd()
    for i in range(1000):
        client = Client(u.address(), b"PROXY TCP4 \x1b[31m\"\\\n\xff")
        client.close()
    u.wait_totals(accepted=1000, in_header=0)
    wait(lambda: u.log_has("malformed_address") or u.log_has("client_reset"), "nothing in the log")
    assert len(u.log_lines()) < 600 and "\x1b" not in u.log()


def test_slow_client_times_out(t):
    """The deadline is absolute: a byte every 100 ms does not move it."""
    u = t.usherd({"main": {"header_deadline": "700ms"}})
    slow, silent = t.client(u.address()), t.client(u.address())
    slow.socket.settimeout(0.1)
    for byte in proxy.v1("2001:db8::1", destination="2001:db8:1111:2222:3333:4444:5555:6666"):
        try:
            slow.send(bytes([byte]))
            slow.end()
        except AssertionError:
            continue
        except ConnectionError:
            break
        break
    else:
        raise AssertionError("a dripping client was never cut off")
    silent.end()
    u.wait_totals(accepted=2, timed_out__header=2, in_header=0)


def test_no_worker(t):
    """Held for the queue's deadline, then closed with a reason."""
    u = t.usherd(pools={"main": {"queue_deadline": "400ms"}})
    client = t.client(u.address(), proxy.v1())
    u.wait_totals(queued=1)
    assert client.end() in ("closed", "reset")
    totals = u.wait_totals(accepted=1, queued=0)
    assert totals["refused.no_worker"] + totals["timed_out.queue"] == 1, dict(totals)


def test_worker_comes_in_time(t):
    u = t.usherd()
    client = t.client(u.address(), proxy.v1() + b"waited")
    u.wait_totals(queued=1)
    [connection] = t.worker().take()
    assert connection.read(6) == b"waited"
    client.close()
    connection.close()


def test_queue_is_bounded(t):
    """Accepting stops at queue-size; what was already accepted may come on top, at most as much again and one window of
    accepts a shard; the rest is refused or stays in the backlog. When a worker comes, every one has an end."""
    size, count, window, shards = 50, 2000, 256, 2
    u = t.usherd(pools={"main": {"queue_size": size, "queue_deadline": "20s"}}, shards=shards)
    t.clients(count, u.address())
    most = 0

    def settled():
        nonlocal most
        now = u.totals()
        most = max(most, now["queued"])
        return now["queued"] >= size and now["in_header"] == 0
    wait(settled, lambda: f"the queue did not fill: {dict(u.totals())}")
    assert most <= shards * (2 * size + window), f"queue-size {size} and {most} queued"
    assert u.totals()["accepted"] < count, "accepting did not stop"
    worker = t.worker()

    def ended():
        worker.poll()
        now = u.totals()
        return now["accepted"] == count and now["handed_off"] + now["refused.queue_full"] == count
    wait(ended, lambda: f"not all ended: {dict(u.totals())}")
    assert u.totals()["handed_off"] >= size
    more = t.client(u.address(), proxy.v1() + b"more")
    worker.pump(lambda: worker.waiting and worker.waiting[-1].peer[1] == more.port, what="accepting did not resume")


def test_local_closed(t):
    u = t.usherd({"main": {"local": "close"}})
    worker = t.worker()
    t.client(u.address(), proxy.local()).end()
    u.wait_totals(accepted=1, refused__local_closed=1, handed_off=0)
    t.client(u.address(), proxy.v1())
    worker.take()[0].close()


def test_draining(t):
    """usherctl drain: new connections are no longer accepted or are refused with that word; old ones live."""
    u = t.usherd()
    u.need("drain")
    worker = t.worker()
    client = t.client(u.address(), proxy.v1())
    [connection] = worker.take()
    result = u.ctl("drain")
    assert result.returncode == 0, result.stderr
    connection.socket.sendall(b"old\n")
    assert client.line() == b"old"
    late = socket.socket()
    late.settimeout(1)
    try:
        late.connect(u.address())
        late.sendall(proxy.v1())
        late.recv(1)
    except OSError:
        pass
    late.close()
    assert worker.poll() == 0, "a drained usherd hands off new connections"
    connection.close()
    u.expect_clean = u.process.poll() is None
    if not u.expect_clean:
        assert u.process.returncode == 0
