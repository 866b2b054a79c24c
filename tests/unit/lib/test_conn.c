/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/conn.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static const struct addr peer4 = {
	.family = ADDR_IP4,
	.port = 99,
	.ip = { [10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = 1 }
};

static int listener(int family)
{
	struct sockaddr_in6 in6 = { .sin6_family = (sa_family_t)family };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert(fd >= 0);
	if (family == AF_INET6)
		inet_pton(AF_INET6, "::ffff:127.0.0.1", &in6.sin6_addr);
	cr_assert_eq(bind(fd, (struct sockaddr *)&in6,
	                  family == AF_INET6 ? sizeof(in6) : sizeof(struct sockaddr_in)),
	             0);
	return fd;
}

Test(conn, a_direct_client)
{
	struct handoff_conn record = { .peer = peer4, .id = 5 };
	struct usher_conn conn = { 0 };
	const struct sockaddr_in *in;
	int fd = listener(AF_INET6);

	conn_fill((const char *)&record, &record, fd, &conn);
	cr_assert_eq(conn.client, &conn.peer);
	cr_assert_eq(conn.source.size, 0);
	cr_assert_eq(conn.source.storage.ss_family, AF_UNSPEC);
	cr_assert_eq(conn.peer.size, sizeof(struct sockaddr_in));
	/* The socket is an IPv6 one; its address is IPv4 all the same. */
	cr_assert_eq(conn.server, &conn.own);
	in = (const struct sockaddr_in *)&conn.own.storage;
	cr_assert_eq(in->sin_family, AF_INET);
	cr_assert_eq(ntohl(in->sin_addr.s_addr), 0x7f000001);
	cr_assert_neq(in->sin_port, 0);
	close(fd);
}

Test(conn, an_ip4_socket_and_none)
{
	struct handoff_conn record = { .peer = peer4 };
	struct usher_conn conn = { 0 };
	int fd = listener(AF_INET);

	conn_fill((const char *)&record, &record, fd, &conn);
	cr_assert_eq(conn.own.storage.ss_family, AF_INET);
	cr_assert_eq(conn.own.size, sizeof(struct sockaddr_in));
	close(fd);
	conn_fill((const char *)&record, &record, -1, &conn);
	cr_assert_eq(conn.own.size, 0);
	cr_assert_eq(conn.own.storage.ss_family, AF_UNSPEC);
}

Test(conn, ip6)
{
	struct handoff_conn record = {
		.peer = peer4,
		.source = { .family = ADDR_IP6, .port = 7, .ip = { 0x20, 0x01, 0x0d, 0xb8 } },
		.destination = { .family = ADDR_IP6, .port = 8, .ip = { 0x20, 1 } }
	};
	struct usher_conn conn = { 0 };
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&conn.source.storage;

	conn_fill((const char *)&record, &record, -1, &conn);
	cr_assert_eq(conn.client, &conn.source);
	cr_assert_eq(conn.server, &conn.destination);
	cr_assert_eq(in6->sin6_family, AF_INET6);
	cr_assert_eq(ntohs(in6->sin6_port), 7);
	cr_assert_arr_eq(&in6->sin6_addr, record.source.ip, 16);
}

Test(conn, unix_addresses)
{
	struct {
		struct handoff_conn record;
		char paths[2][108];
		char tlv[4];
	} m = { .record = { .peer = peer4,
		            .source = { .family = ADDR_UNIX },
		            .destination = { .family = ADDR_UNIX },
		            .unix_bytes = HANDOFF_UNIX_BYTES,
		            .data_offset = sizeof(m.record),
		            .tlv_bytes = 4 },
		.paths = { "/run/x.sock", "\0abstract" },
		.tlv = { 1, 0, 1, 'h' } };
	struct usher_conn conn = { 0 };
	const struct sockaddr_un *un = (const struct sockaddr_un *)&conn.source.storage;
	const void *value;
	size_t size;

	conn_fill((const char *)&m, &m.record, -1, &conn);
	cr_assert_eq(un->sun_family, AF_UNIX);
	cr_assert_str_eq(un->sun_path, "/run/x.sock");
	cr_assert_eq(conn.source.size, offsetof(struct sockaddr_un, sun_path) + 11);
	cr_assert_eq(conn.destination.size, offsetof(struct sockaddr_un, sun_path) + 9);
	cr_assert_eq(usher_tlv(&conn, 1, &value, &size), 1);
	cr_assert_eq(size, 1);
	memset(m.paths[0], 'x', sizeof(m.paths[0])); /* fills the field: no NUL */
	conn_fill((const char *)&m, &m.record, -1, &conn);
	cr_assert_eq(conn.source.size, sizeof(struct sockaddr_un));
}
