/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as values: see addr.h. Refuses to resolve names or to look at the host. */
#include "core/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

struct addr addr_from_ip4(const uint8_t ip[4], uint16_t port)
{
	struct addr a = { .family = ADDR_IP4, .port = port };

	memcpy(a.ip, mapped_prefix, sizeof(mapped_prefix));
	memcpy(a.ip + 12, ip, 4);
	return a;
}

struct addr addr_from_ip6(const uint8_t ip[16], uint16_t port)
{
	struct addr a = { .family = ADDR_IP6, .port = port };

	if (memcmp(ip, mapped_prefix, sizeof(mapped_prefix)) == 0)
		a.family = ADDR_IP4;
	memcpy(a.ip, ip, 16);
	return a;
}

static bool addr_is_ip(const struct addr *a)
{
	return a->family == ADDR_IP4 || a->family == ADDR_IP6;
}

bool addr_same_ip(const struct addr *a, const struct addr *b)
{
	return addr_is_ip(a) && addr_is_ip(b) && memcmp(a->ip, b->ip, 16) == 0;
}

bool addr_is_local(const struct addr *a)
{
	static const uint8_t loopback6[16] = { [15] = 1 };
	static const uint8_t unspecified[16] = { 0 };
	const uint8_t *v4 = a->ip + 12;

	if (a->family == ADDR_IP4) {
		/* 0.0.0.0/8 means "this host"; 224.0.0.0/4 is multicast; 240.0.0.0/4 is valid nowhere */
		return v4[0] == 127 || v4[0] == 0 || v4[0] >= 224;
	}
	if (a->family == ADDR_IP6)
		return a->ip[0] == 0xff || memcmp(a->ip, loopback6, 16) == 0 ||
		       memcmp(a->ip, unspecified, 16) == 0;
	return false;
}

const char *addr_text(const struct addr *a, char *text)
{
	text[0] = '\0';
	if (a->family == ADDR_IP4)
		(void)inet_ntop(AF_INET, a->ip + 12, text, ADDR_TEXT_BYTES);
	else if (a->family == ADDR_IP6)
		(void)inet_ntop(AF_INET6, a->ip, text, ADDR_TEXT_BYTES);
	return text;
}

const char *addr_port_text(const struct addr *a, char *text)
{
	char ip[ADDR_TEXT_BYTES];

	text[0] = '\0';
	if (addr_is_ip(a))
		(void)snprintf(text, ADDR_TEXT_BYTES, a->family == ADDR_IP6 ? "[%.46s]:%u" : "%.46s:%u",
		               addr_text(a, ip), a->port);
	return text;
}
