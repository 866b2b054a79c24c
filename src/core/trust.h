/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Trust lists: sets of IP addresses, given as CIDR texts, looked up per connection.
 *
 * A set is an array of ranges, sorted and disjoint, in memory that the caller owns; IPv4 lives in its mapped form, so
 * that 10.0.0.0/8 matches a mapped peer and ::ffff:10.0.0.0/104 is the same entry. Lookup is a binary search.
 * Refuses to resolve names.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"

struct trust_range {
	uint8_t first[16];
	uint8_t last[16]; /* inclusive */
};

/* "ffff:…:255.255.255.255/128" and the NUL */
#define TRUST_TEXT_BYTES 64

/*
 * One entry: "ADDRESS", "ADDRESS/BITS" or "any", which is the whole space, IPv4 and IPv6.
 *
 * Bits after the prefix must be zero: 10.0.0.1/8 is more likely an error than a wish, and is refused. So is an IPv6
 * prefix that takes in all of IPv4 because that lives in ::ffff:0:0/96 (::/0 to ::/80): who means everybody writes "any".
 *
 * Returns NULL, or what is wrong, as a static string that reads on from the text: "has bits set after its prefix".
 * In that one case @ret is the network that was probably meant; for other failures it is all zero.
 */
const char *trust_parse(const char *text, struct trust_range *ret);

/* A range that trust_parse() gave, as "10.0.0.0/8", "2001:db8::/32" or "any". Returns @text (TRUST_TEXT_BYTES). */
const char *trust_text(const struct trust_range *range, char *text);

/* How many leading bits all addresses of the range share, 0 to 128 (IPv4: 96 and more). */
unsigned int trust_prefix_bits(const struct trust_range *range);

/* One address, which must be IP. */
struct trust_range trust_range_of(const struct addr *a);

/* Sorts and merges @count ranges in place; returns how many are left. */
size_t trust_build(struct trust_range *ranges, size_t count);

/* @ranges as trust_build() left them. An address that is not IP is in no set. */
bool trust_contains(const struct trust_range *ranges, size_t count, const struct addr *a);
