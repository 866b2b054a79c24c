/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trust lists: see trust.h. Sorts with a heap sort of its own: the C library's qsort may allocate, and quicksort
 * recurses. Refuses to decide what trust means; it only says who is in a set.
 */
#include "core/trust.h"

#include <stdio.h>
#include <string.h>

enum { BITS_MAX = 128, BITS_BEFORE_IP4 = 96, BITS_DIGITS_MAX = 3 };

static const uint8_t mapped_first[16] = { [10] = 0xff, [11] = 0xff };

static struct trust_range prefix_range(const uint8_t ip[16], unsigned int bits)
{
	struct trust_range r;

	for (unsigned int i = 0; i < 16; i++) {
		unsigned int kept = bits > i * 8 ? bits - i * 8 : 0;
		uint8_t host = (uint8_t)(kept < 8 ? 0xffU >> kept : 0);

		r.first[i] = (uint8_t)(ip[i] & ~host);
		r.last[i] = (uint8_t)(ip[i] | host);
	}
	return r;
}

static bool range_holds(const struct trust_range *range, const uint8_t ip[16])
{
	return memcmp(range->first, ip, 16) <= 0 && memcmp(ip, range->last, 16) <= 0;
}

/* Decimal, without sign or leading zero. */
static bool parse_bits(const char *text, unsigned int max, unsigned int *ret)
{
	size_t size = strlen(text);
	unsigned int value = 0;

	if (size == 0 || size > BITS_DIGITS_MAX || (text[0] == '0' && size > 1))
		return false;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (unsigned int)(text[i] - '0');
	}
	*ret = value;
	return value <= max;
}

/* Fills @ret_ip and how many of its bits come before the text's own first one; false when it is no address. */
static bool parse_address(const char *text, size_t size, uint8_t ret_ip[16], unsigned int *ret_before)
{
	uint8_t ip4[4];

	*ret_before = 0;
	if (addr_parse_ip6(text, size, ret_ip))
		return true;
	if (!addr_parse_ip4(text, size, ip4))
		return false;
	memcpy(ret_ip, addr_from_ip4(ip4, 0).ip, 16);
	*ret_before = BITS_BEFORE_IP4;
	return true;
}

const char *trust_parse(const char *text, struct trust_range *ret)
{
	const char *slash = strchr(text, '/');
	size_t size = slash ? (size_t)(slash - text) : strlen(text);
	unsigned int bits = 0, before;
	struct trust_range range;
	uint8_t ip[16];

	memset(ret, 0, sizeof(*ret));
	if (strcmp(text, "any") == 0) {
		memset(ret->last, 0xff, sizeof(ret->last));
		return NULL;
	}
	if (!parse_address(text, size, ip, &before))
		return "is not an IP address, a network like 10.0.0.0/8, or \"any\" (names are not resolved)";
	if (!slash)
		bits = BITS_MAX - before;
	else if (!parse_bits(slash + 1, BITS_MAX - before, &bits))
		return before ? "has a prefix that is not a number from 0 to 32"
		              : "has a prefix that is not a number from 0 to 128";
	bits += before;
	range = prefix_range(ip, bits);
	if (bits < BITS_BEFORE_IP4 && range_holds(&range, mapped_first))
		return "takes in all of IPv4 too: write \"any\" for everybody, or 2000::/3 for all of IPv6";
	*ret = range;
	return memcmp(range.first, ip, 16) == 0 ? NULL : "has bits set after its prefix";
}

unsigned int trust_prefix_bits(const struct trust_range *range)
{
	unsigned int bits = 0;

	while (bits < BITS_MAX && !((range->first[bits / 8] ^ range->last[bits / 8]) & (0x80U >> bits % 8)))
		bits++;
	return bits;
}

const char *trust_text(const struct trust_range *range, char *text)
{
	struct addr a = addr_from_ip6(range->first, 0);
	unsigned int bits = trust_prefix_bits(range);
	char ip[ADDR_TEXT_BYTES];

	if (bits == 0)
		(void)snprintf(text, TRUST_TEXT_BYTES, "any");
	else
		(void)snprintf(text, TRUST_TEXT_BYTES, "%.46s/%u", addr_text(&a, ip),
		               a.family == ADDR_IP4 && bits >= BITS_BEFORE_IP4 ? bits - BITS_BEFORE_IP4
		                                                               : bits);
	return text;
}

struct trust_range trust_range_of(const struct addr *a)
{
	return prefix_range(a->ip, BITS_MAX);
}

static bool comes_before(const struct trust_range *a, const struct trust_range *b)
{
	int order = memcmp(a->first, b->first, 16);

	return order < 0 || (order == 0 && memcmp(a->last, b->last, 16) < 0);
}

static void swap(struct trust_range *a, struct trust_range *b)
{
	struct trust_range t = *a;

	*a = *b;
	*b = t;
}

/* Lets ranges[at] sink to its place in the heap of @count ranges with the greatest on top. */
static void sift(struct trust_range *ranges, size_t count, size_t at)
{
	for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
		if (child + 1 < count && comes_before(&ranges[child], &ranges[child + 1]))
			child++;
		if (!comes_before(&ranges[at], &ranges[child]))
			return;
		swap(&ranges[at], &ranges[child]);
		at = child;
	}
}

static void sort(struct trust_range *ranges, size_t count)
{
	for (size_t i = count / 2; i > 0; i--)
		sift(ranges, count, i - 1);
	for (size_t left = count; left > 1; left--) {
		swap(&ranges[0], &ranges[left - 1]);
		sift(ranges, left - 1, 0);
	}
}

/* True if @next begins inside @range or right behind it. */
static bool continues(const struct trust_range *range, const struct trust_range *next)
{
	uint8_t behind[16];
	size_t i = sizeof(behind);

	if (memcmp(next->first, range->last, 16) <= 0)
		return true;
	memcpy(behind, range->last,
	       sizeof(behind)); /* not the greatest address, or the first test had held */
	while (i > 0 && ++behind[--i] == 0)
		continue;
	return memcmp(next->first, behind, 16) == 0;
}

size_t trust_build(struct trust_range *ranges, size_t count)
{
	size_t left = 0;

	sort(ranges, count);
	for (size_t i = 0; i < count; i++) {
		if (left == 0 || !continues(&ranges[left - 1], &ranges[i]))
			ranges[left++] = ranges[i];
		else if (memcmp(ranges[left - 1].last, ranges[i].last, 16) < 0)
			memcpy(ranges[left - 1].last, ranges[i].last, 16);
	}
	return left;
}

bool trust_contains(const struct trust_range *ranges, size_t count, const struct addr *a)
{
	size_t low = 0, high = count;

	if (a->family != ADDR_IP4 && a->family != ADDR_IP6)
		return false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(a->ip, ranges[middle].last, 16) <= 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low < count && range_holds(&ranges[low], a->ip);
}
