/* SPDX-License-Identifier: Apache-2.0 */
/* Who a connection pretends to be: see plan.h. */
#include "loadgen/plan.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum {
	PEER_FIRST = 0x7f100001, /* 127.16.0.1 */
	SOURCES4 = 1 << 17,
	PORT_FIRST = 1024,
	PORTS = 64512 - 1,
	DESTINATION_PORT = 443,
};

/* 198.18.0.0/15, reserved for benchmarks (RFC 2544) */
static const uint32_t source4_first = 0xc6120000;

static struct sockaddr_storage loopback4(uint32_t host_order, socklen_t *ret_size)
{
	struct sockaddr_storage s = { 0 };
	struct sockaddr_in *a = (struct sockaddr_in *)&s;

	a->sin_family = AF_INET;
	a->sin_addr.s_addr = htonl(host_order);
	*ret_size = sizeof(*a);
	return s;
}

static struct sockaddr_storage loopback6(socklen_t *ret_size)
{
	struct sockaddr_storage s = { 0 };
	struct sockaddr_in6 *a = (struct sockaddr_in6 *)&s;

	a->sin6_family = AF_INET6;
	a->sin6_addr = in6addr_loopback;
	*ret_size = sizeof(*a);
	return s;
}

static struct addr source4(uint64_t index)
{
	uint32_t ip = source4_first + (uint32_t)(index % SOURCES4);
	/* each turn through the addresses takes the next port; the first summand only makes ports vary */
	uint64_t port = (index % SOURCES4 + index / SOURCES4) % PORTS;
	uint32_t bytes = htonl(ip);
	uint8_t raw[4];

	memcpy(raw, &bytes, sizeof(raw));
	return addr_from_ip4(raw, (uint16_t)(PORT_FIRST + port));
}

/* 2001:db8:5::/64, reserved for documentation (RFC 3849), with the number in the host part. */
static struct addr source6(uint64_t index)
{
	uint8_t raw[16] = { 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x05 };

	for (int i = 0; i < 8; i++)
		raw[15 - i] = (uint8_t)(index >> 8 * i);
	return addr_from_ip6(raw, (uint16_t)(PORT_FIRST + index % PORTS));
}

struct planned plan_at(const struct plan *p, uint64_t index)
{
	static const uint8_t destination4[4] = { 203, 0, 113, 10 };
	static const uint8_t destination6[16] = { 0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff, [15] = 10 };
	struct planned r = { 0 };

	r.bind = p->target6 ? loopback6(&r.bind_size)
	                    : loopback4(PEER_FIRST + (uint32_t)(index % p->peers), &r.bind_size);
	r.source = p->stated6 ? source6(index) : source4(index);
	r.destination = p->stated6 ? addr_from_ip6(destination6, DESTINATION_PORT)
	                           : addr_from_ip4(destination4, DESTINATION_PORT);
	return r;
}
