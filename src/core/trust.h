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

/*
 * One entry: "ADDRESS", "ADDRESS/BITS" or "any". Host bits must be zero: 10.0.0.1/8 is more likely an error than a
 * wish, and is refused. "any" fills two ranges' worth: it is the whole space, 0 to ffff….
 * Returns NULL, or what is wrong with @text, as a static string.
 */
const char *trust_parse(const char *text, struct trust_range *ret);

/* One address. */
struct trust_range trust_range_of(const struct addr *a);

/* Sorts and merges @count ranges in place; returns how many are left. */
size_t trust_build(struct trust_range *ranges, size_t count);

/* @ranges as trust_build() left them. An address that is not IP is in no set. */
bool trust_contains(const struct trust_range *ranges, size_t count, const struct addr *a);
