/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An IP address as text, read one byte at a time: the only grammar of addresses in Usher, for PROXY v1 and for the
 * configuration alike. Each byte is answered at once, so that a text is refused at its first impossible byte however
 * it arrives. Owns nothing. Refuses zones, leading zeros, octal and hex IPv4, groups of more than four digits.
 */
#include <stdbool.h>
#include <stdint.h>

struct addr_scan {
	bool ip6; /* what is being read */
	bool dotted_tail; /* IPv6 may end in dotted IPv4 */
	bool dotted; /* octets are being read: IPv4, or the tail */
	uint8_t digits; /* of the octet or group that is being read */
	uint8_t octets; /* complete ones */
	uint8_t groups; /* complete ones */
	uint8_t colons; /* just read: a single one needs a group behind it */
	int8_t gap; /* groups before "::"; -1 while there is none */
	uint16_t value; /* of the octet or group that is being read */
	uint8_t octet[4];
	uint16_t group[8];
};

struct addr_scan addr_scan_ip4(void);
struct addr_scan addr_scan_ip6(bool dotted_tail);

/* False: no address begins with the bytes so far. The scan must not be used any more then. */
bool addr_scan_byte(struct addr_scan *s, uint8_t byte);

/* True if the bytes so far are one whole address (a longer one may begin with the same bytes). */
bool addr_scan_whole(const struct addr_scan *s);

/* The address of a whole scan. */
void addr_scan_take_ip4(const struct addr_scan *s, uint8_t ret_ip[4]);
void addr_scan_take_ip6(const struct addr_scan *s, uint8_t ret_ip[16]);
