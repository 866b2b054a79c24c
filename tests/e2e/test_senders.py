# SPDX-License-Identifier: Apache-2.0
"""Who may send a header, and what real senders send."""
import json
import ssl
import socket

import balancers
import proxy
import wire
from clients import Client, wait

LOCALS = {"main": {"accept_local_sources": True}}


def test_curl_v1(t):
    u = t.usherd(LOCALS)
    worker = t.hello(u)
    host, port = u.address()
    said = json.loads(balancers.curl(t, (host, port), "--haproxy-protocol"))
    assert said["version"] == 1 and said["command"] == "PROXY", said
    assert said["client"] == "127.0.0.1" and said["server"] == "127.0.0.1" and said["server_port"] == port, said
    assert said["worker"] == worker.pid and said["client_port"] == said["peer_port"], said
    u.wait_totals(accepted=1, handed_off=1)


def test_command_line_without_a_file(t):
    u = t.usherd_with(["--listen", "127.0.0.1:0", "--trust", "127.0.0.1,192.0.2.0/24", "--pool", t.path("main.sock"),
                       "--accept-local-sources"])
    t.hello(u)
    said = json.loads(balancers.curl(t, next(iter(u.addresses.values())), "--haproxy-protocol"))
    assert said["client"] == "127.0.0.1", said


def test_hello_answers(t):
    u = t.usherd()
    t.hello(u)
    client = t.client(u.address(), proxy.v2("2001:db8::7", 1234, "2001:db8::8", 443, tlvs=[(0xE3, b"\0\xff")]))
    ids = set()
    for _ in range(3):
        said = client.http()
        assert (said["client"], said["client_port"]) == ("2001:db8::7", 1234), said
        assert (said["server"], said["server_port"]) == ("2001:db8::8", 443), said
        assert (said["peer"], said["peer_port"]) == ("127.0.0.1", client.port), said
        assert said["version"] == 2 and said["command"] == "PROXY" and len(said["tlvs"]) == 1, said
        ids.add(said["id"])
    assert len(ids) == 1, f"one connection, {len(ids)} ids"


def haproxy_connection(t, u, options, **more):
    """(client through HAProxy, what the worker got)"""
    host, port = u.address()
    worker = t.worker()
    address = balancers.haproxy(t, f"{host}:{port} {options}", **more)
    client = t.client(address)
    client.send(b"hello")
    [connection] = worker.take()
    t.keep_thing(connection)
    assert connection.read(5) == b"hello"
    assert connection.source == ("127.0.0.1", client.port), connection.source
    assert connection.destination == address, connection.destination
    connection.socket.sendall(b"answer\n")
    assert client.line() == b"answer"
    return connection


def test_haproxy_v1(t):
    assert haproxy_connection(t, t.usherd(LOCALS), "send-proxy").version == 1


def test_haproxy_v2(t):
    assert haproxy_connection(t, t.usherd(LOCALS), "send-proxy-v2").version == 2


def test_haproxy_v2_crc32c_and_unique_id(t):
    connection = haproxy_connection(
        t, t.usherd(LOCALS), "send-proxy-v2 proxy-v2-options crc32c,unique-id",
        frontend="unique-id-format %{+X}o-%ci:%cp-%Ts")
    assert connection.flags & wire.CHECKED, "a right checksum is not reported"
    assert sorted(kind for kind, _ in connection.tlvs) == [proxy.CRC32C, proxy.UNIQUE_ID], connection.tlvs


def test_haproxy_v2_ssl(t):
    u = t.usherd(LOCALS)
    host, port = u.address()
    worker = t.worker()
    address = balancers.haproxy(
        t, f"{host}:{port} send-proxy-v2-ssl proxy-v2-options ssl,ssl-cipher,authority,crc32c",
        bind=f"ssl crt {balancers.certificate(t)} alpn http/1.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = t.keep_thing(context.wrap_socket(socket.create_connection(address, 5), server_hostname="e2e.test"))
    client.sendall(b"secret")
    [connection] = worker.take()
    assert connection.read(6) == b"secret" and connection.flags & wire.CHECKED
    found = dict(connection.tlvs)
    assert found[proxy.AUTHORITY] == b"e2e.test", found
    assert found[proxy.SSL][0] & 1, "the client used TLS and the header does not say so"
    assert any(kind == 0x21 and value.startswith(b"TLSv1") for kind, value in proxy.tlvs(found[proxy.SSL][5:]))
    connection.close()


def health_check(t, local):
    """HAProxy's HTTP health check over send-proxy-v2, which says LOCAL; what HAProxy thinks of the server."""
    u = t.usherd({"main": {"accept_local_sources": True, "local": local}})
    t.hello(u)
    host, port = u.address()
    address = balancers.haproxy(
        t, f"{host}:{port} send-proxy-v2 check check-send-proxy inter 100ms rise 1 fall 1",
        defaults="mode http", frontend="http-request return status 200 content-type text/plain lf-string "
        "%[srv_is_up(out/one)] if { path /up }", backend="option httpchk GET /")
    return u, address


def test_haproxy_health_check_delivered(t):
    u, address = health_check(t, "deliver")
    client = t.client(address)
    said = client.http()  # through HAProxy, which starts with the server up
    assert said["command"] == "PROXY", said
    wait(lambda: u.totals()["handed_off"] >= 4, "no health check was delivered")
    u.wait_totals(refused__local_closed=0, refused__missing_header=0)
    assert balancers.curl(t, address, "--request-target", "/up") == "1", "HAProxy calls the server down"
    client.close()


def test_haproxy_health_check_closed(t):
    u, address = health_check(t, "close")
    wait(lambda: u.totals()["refused.local_closed"] >= 2, "no LOCAL was closed")
    wait(lambda: balancers.curl(t, address, "--request-target", "/up") == "0", "HAProxy calls the server up")
    assert u.totals()["handed_off"] == 0


def test_nginx_stream(t):
    u = t.usherd(LOCALS)
    worker = t.worker()
    address = balancers.nginx(t, u.address())
    client = t.client(address)
    client.send(b"hello")
    [connection] = worker.take()
    assert connection.version == 1 and connection.source == ("127.0.0.1", client.port)
    assert connection.destination == address and connection.read(5) == b"hello"
    connection.close()


def delivered(t, worker, address, header, source=None):
    t.client(address, header + b"x", source)
    [connection] = worker.take()
    t.keep_thing(connection)
    assert connection.read(1) == b"x"
    return connection


def refused(u, address, header, reason, source=None):
    """Closed without an answer, counted under exactly this reason."""
    before = u.totals()
    client = Client(address, source=source)
    try:
        client.send(header)
        client.end()
    except (ConnectionResetError, BrokenPipeError):
        pass
    client.close()
    u.wait_totals(**{f"refused__{reason}": before[f"refused.{reason}"] + 1}, handed_off=before["handed_off"],
                  accepted=before["accepted"] + 1)


def test_trust(t):
    u = t.usherd({"main": {"trust": ["127.0.0.1", "127.9.0.0/16"]}})
    worker = t.worker()
    for source in ("127.0.0.1", "127.9.0.0", "127.9.255.255"):
        connection = delivered(t, worker, u.address(), proxy.v2(), source)
        assert connection.peer[0] == source and connection.source == (proxy.SOURCE, proxy.SOURCE_PORT)
    for source in ("127.0.0.2", "127.8.255.255", "127.10.0.0"):
        refused(u, u.address(), proxy.v2(), "untrusted_source", source)


def test_untrusted_bytes_are_not_parsed(t):
    u = t.usherd({"main": {"trust": ["192.0.2.0/24"]}})
    for junk in (b"", b"G", b"PROXY TCP9 ", proxy.v2(version=3)):
        refused(u, u.address(), junk, "untrusted_source")


def test_trust_any(t):
    u = t.usherd({"main": {"trust": ["any"]}})
    assert delivered(t, t.worker(), u.address(), proxy.v1(), "127.44.0.1").peer[0] == "127.44.0.1"


def test_mapped_cidr_is_ip4(t):
    u = t.usherd({"main": {"trust": ["::ffff:127.1.0.0/112"]}})
    assert delivered(t, t.worker(), u.address(), proxy.v1(), "127.1.2.3").peer[0] == "127.1.2.3"
    refused(u, u.address(), proxy.v1(), "untrusted_source", "127.2.0.1")


def test_ip6_listener(t):
    u = t.usherd({"main": {"address": "[::1]:0", "trust": ["::1"]}})
    connection = delivered(t, t.worker(), u.address(), proxy.v1("2001:db8::5"))
    assert connection.peer[0] == "::1" and connection.source[0] == "2001:db8::5"


def test_dual_stack(t):
    u = t.usherd({"main": {"address": "[::]:0", "trust": ["::1", "127.0.0.1"]}})
    worker = t.worker()
    for host in ("127.0.0.1", "::1"):
        connection = delivered(t, worker, u.address(host=host), proxy.v1())
        assert connection.peer[0] == host, connection.peer
    refused(u, u.address(host="127.0.0.1"), proxy.v1(), "untrusted_source", "127.0.0.2")


def test_policy_mixed(t):
    u = t.usherd({"main": {"proxy": "mixed"}})
    worker = t.worker()
    connection = delivered(t, worker, u.address(), proxy.v1())
    assert connection.flags & wire.PROXIED and connection.version == 1
    connection = delivered(t, worker, u.address(), b"", "127.0.0.2")
    assert not connection.flags & wire.PROXIED and connection.source is None and connection.version == 0
    header = proxy.v2()
    client = t.client(u.address(), header, "127.0.0.2")
    [connection] = worker.take()
    assert connection.read(len(header)) == header and connection.source is None, "a direct client was believed"
    client.close()
    connection.close()
    refused(u, u.address(), b"GET / HTTP/1.1\r\n", "missing_header")


def test_policy_mixed_delivers_silent_direct_clients(t):
    u = t.usherd({"main": {"proxy": "mixed"}})
    client = t.client(u.address(), source="127.0.0.2")
    [connection] = t.worker().take()
    connection.socket.sendall(b"220 ready\n")
    assert client.line() == b"220 ready"
    connection.close()


def test_policy_off(t):
    u = t.usherd({"main": {"proxy": "off", "trust": None}})
    worker = t.worker()
    header = proxy.v1()
    for source in ("127.0.0.1", "127.0.0.2"):
        client = t.client(u.address(), header, source)
        [connection] = worker.take()
        assert connection.read(len(header)) == header and connection.source is None
        assert connection.peer == (source, client.port) and connection.version == 0
        connection.close()


def test_local_source(t):
    u = t.usherd()
    for source in ("127.0.0.1", "0.0.0.0", "224.0.0.1", "::1", "::", "ff02::1", "127.200.0.1"):
        refused(u, u.address(), proxy.v2(source), "local_source")
        refused(u, u.address(), proxy.v1(source), "local_source")


def test_local_source_accepted_when_told(t):
    u = t.usherd(LOCALS)
    worker = t.worker()
    for source in ("127.0.0.1", "::1"):
        assert delivered(t, worker, u.address(), proxy.v2(source)).source[0] == source


def test_local_command(t):
    u = t.usherd()
    worker = t.worker()
    aws = proxy.v2(command=proxy.LOCAL, family=0x11, block=b"", tlvs=[(proxy.NOOP, bytes(5))], crc=True)
    for header in (proxy.local(), aws, proxy.local(proxy.v2()[16:], 0x11), proxy.local(b"abc", 0xFF)):
        connection = delivered(t, worker, u.address(), header)
        assert connection.flags & wire.IS_LOCAL and connection.source is None and not connection.tlvs


def test_unknown_and_unspec(t):
    u = t.usherd()
    worker = t.worker()
    for header in (b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN anything at all\r\n", proxy.v2(family=0, block=b"")):
        connection = delivered(t, worker, u.address(), header)
        assert connection.flags & wire.PROXIED and not connection.flags & wire.IS_LOCAL
        assert connection.source is None and connection.destination is None


def test_unix_addresses(t):
    u = t.usherd()
    block = b"/run/client".ljust(108, b"\0") + b"/run/server".ljust(108, b"\0")
    connection = delivered(t, t.worker(), u.address(), proxy.v2(family=0x31, block=block, tlvs=[(2, b"name")]))
    assert connection.source == connection.destination == "unix"
    assert connection.unix == block and connection.tlvs == [(2, b"name")]


def test_dgram_flag(t):
    u = t.usherd()
    connection = delivered(t, t.worker(), u.address(), proxy.v2(family=0x12))
    assert connection.flags & wire.DGRAM and connection.source[0] == proxy.SOURCE


def test_vendor(t):
    u = t.usherd({"main": {"vendor": "aws"}})
    connection = delivered(t, t.worker(), u.address(), proxy.v2(tlvs=[(0xEA, b"\x01vpce-0123")]))
    assert connection.vendor == 1 and connection.tlvs == [(0xEA, b"\x01vpce-0123")]


def test_dotted_tail(t):
    header = b"PROXY TCP6 ::ffff:192.0.2.9 2001:db8::1 1000 443\r\n"
    u = t.usherd({"main": {}, "strict": {"dotted_tail": False}})
    connection = delivered(t, t.worker(), u.address(), header)
    assert connection.source == ("192.0.2.9", 1000), connection.source
    refused(u, u.address("strict"), header, "malformed_address")
