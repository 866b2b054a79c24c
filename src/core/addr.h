/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An address and a port as Usher handles them everywhere: in its own memory, on the wire to workers, in its answers.
 *
 * An IP address is always held in 16 bytes, IPv4 in its mapped form (::ffff:a.b.c.d), so that one comparison serves
 * both; @family says how it is shown. A mapped IPv6 address *is* IPv4 here: addr_from_ip6() normalises, so that
 * ::ffff:192.0.2.1 matches, is shown and is returned as 192.0.2.1.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum addr_family {
	ADDR_NONE = 0, /* no address: LOCAL, UNKNOWN, UNSPEC */
	ADDR_UNIX = 1, /* the path travels beside, see core/handoff.h */
	ADDR_IP4 = 4,
	ADDR_IP6 = 6,
};

struct addr {
	uint8_t family; /* enum addr_family */
	uint8_t zero;
	uint16_t port; /* host byte order */
	uint8_t ip[16];
};

/* "[ffff:…:255.255.255.255]:65535" and the NUL */
#define ADDR_TEXT_BYTES 64

struct addr addr_from_ip4(const uint8_t ip[4], uint16_t port);
struct addr addr_from_ip6(const uint8_t ip[16], uint16_t port);

/* True if both are IP addresses and equal; ports are not compared. */
bool addr_same_ip(const struct addr *a, const struct addr *b);

/* Loopback, unspecified, multicast or limited broadcast: no client can have it. */
bool addr_is_local(const struct addr *a);

/*
 * The IP address alone as text (RFC 5952), without port; "" when there is none. Returns @text, always terminated.
 * @text holds ADDR_TEXT_BYTES.
 */
const char *addr_text(const struct addr *a, char *text);

/* With the port: "192.0.2.1:443" or "[2001:db8::1]:443". */
const char *addr_port_text(const struct addr *a, char *text);

/*
 * Strict text forms, for the configuration and for PROXY v1 alike: no zone, no leading zero, no octal or hex IPv4.
 * @size bytes, not terminated. Return false when the text is not exactly one address.
 */
bool addr_parse_ip4(const char *text, size_t size, uint8_t ret_ip[4]);
bool addr_parse_ip6(const char *text, size_t size, uint8_t ret_ip[16]);
