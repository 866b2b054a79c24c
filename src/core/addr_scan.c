/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses from text, byte by byte: see addr_scan.h. Refuses to look ahead. */
#include "core/addr_scan.h"

#include <string.h>

enum { OCTETS = 4, GROUPS = 8, GROUP_DIGITS_MAX = 4 };

struct addr_scan addr_scan_ip4(void)
{
	return (struct addr_scan){ .dotted = true, .gap = -1 };
}

struct addr_scan addr_scan_ip6(bool dotted_tail)
{
	return (struct addr_scan){ .ip6 = true, .dotted_tail = dotted_tail, .gap = -1 };
}

static bool octet_ends(struct addr_scan *s)
{
	if (s->digits == 0 || s->octets == OCTETS - 1)
		return false;
	s->octet[s->octets++] = (uint8_t)s->value;
	s->digits = 0;
	s->value = 0;
	return true;
}

static bool octet_byte(struct addr_scan *s, uint8_t byte)
{
	uint16_t value;

	if (byte == '.')
		return octet_ends(s);
	if (byte < '0' || byte > '9')
		return false;
	if (s->digits > 0 && s->value == 0)
		return false; /* a leading zero: some would read octal */
	value = (uint16_t)(s->value * 10 + (byte - '0'));
	if (value > 255)
		return false;
	s->value = value;
	s->digits++;
	return true;
}

/* "::" stands for one group at least. */
static uint8_t groups_max(const struct addr_scan *s)
{
	return s->gap < 0 ? GROUPS : GROUPS - 1;
}

static bool group_colon(struct addr_scan *s)
{
	if (s->digits > 0) {
		if (s->groups + 1 >= groups_max(s))
			return false;
		s->group[s->groups++] = s->value;
		s->digits = 0;
		s->value = 0;
		s->colons = 1;
		return true;
	}
	if (s->colons == 1 && s->gap < 0) {
		s->gap = (int8_t)s->groups;
		s->colons = 2;
		return true;
	}
	if (s->colons == 0) {
		s->colons = 1; /* the very first byte: only "::" can begin so */
		return true;
	}
	return false;
}

static bool group_digit(struct addr_scan *s, uint8_t nibble)
{
	bool lone_first_colon = s->groups == 0 && s->colons == 1;

	if (lone_first_colon || s->digits == GROUP_DIGITS_MAX || s->groups == groups_max(s))
		return false;
	s->value = (uint16_t)(s->value << 4 | nibble);
	s->digits++;
	s->colons = 0;
	return true;
}

/* A dot follows: the group was decimal, 0x192 stood for 192. False if it can't have been an octet. */
static bool group_was_octet(struct addr_scan *s)
{
	uint16_t hundreds = s->value >> 8, tens = (s->value >> 4) & 15, ones = s->value & 15;
	uint16_t value = (uint16_t)(hundreds * 100 + tens * 10 + ones);

	if (s->digits < 1 || s->digits > 3 || hundreds > 9 || tens > 9 || ones > 9 || value > 255)
		return false;
	if (s->digits > 1 && s->value >> (4 * (s->digits - 1)) == 0)
		return false; /* a leading zero */
	s->value = value;
	return true;
}

static bool tail_begins(struct addr_scan *s)
{
	bool room = s->gap < 0 ? s->groups == GROUPS - 2 : s->groups < GROUPS - 2;

	if (!s->dotted_tail || !room || !group_was_octet(s))
		return false;
	s->dotted = true;
	return octet_ends(s);
}

static bool group_byte(struct addr_scan *s, uint8_t byte)
{
	if (byte == ':')
		return group_colon(s);
	if (byte == '.')
		return tail_begins(s);
	if (byte >= '0' && byte <= '9')
		return group_digit(s, byte - '0');
	if (byte >= 'a' && byte <= 'f')
		return group_digit(s, (uint8_t)(byte - 'a' + 10));
	if (byte >= 'A' && byte <= 'F')
		return group_digit(s, (uint8_t)(byte - 'A' + 10));
	return false;
}

bool addr_scan_byte(struct addr_scan *s, uint8_t byte)
{
	return s->dotted ? octet_byte(s, byte) : group_byte(s, byte);
}

bool addr_scan_whole(const struct addr_scan *s)
{
	if (s->dotted)
		return s->octets == OCTETS - 1 && s->digits > 0;
	if (s->gap >= 0)
		return s->colons != 1;
	return s->groups == GROUPS - 1 && s->digits > 0;
}

void addr_scan_take_ip4(const struct addr_scan *s, uint8_t ret_ip[4])
{
	memcpy(ret_ip, s->octet, OCTETS - 1);
	ret_ip[OCTETS - 1] = (uint8_t)s->value;
}

void addr_scan_take_ip6(const struct addr_scan *s, uint8_t ret_ip[16])
{
	uint8_t packed[16] = { 0 };
	size_t size = 0, groups_end = 2 * (size_t)s->groups, before;

	for (; size < groups_end; size += 2) {
		packed[size] = (uint8_t)(s->group[size / 2] >> 8);
		packed[size + 1] = (uint8_t)s->group[size / 2];
	}
	if (s->dotted) {
		addr_scan_take_ip4(s, packed + size);
		size += OCTETS;
	} else if (s->digits > 0) {
		packed[size] = (uint8_t)(s->value >> 8);
		packed[size + 1] = (uint8_t)s->value;
		size += 2;
	}
	before = s->gap < 0 ? size : 2 * (size_t)s->gap;
	memset(ret_ip, 0, 16);
	memcpy(ret_ip, packed, before);
	memcpy(ret_ip + 16 - (size - before), packed + before, size - before);
}
