/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Times in nanoseconds, counted in buckets that are less than 1/64 wide: exact enough for quantiles, of fixed size. */
#include <stdint.h>

enum {
	HISTOGRAM_BITS = 6, /* 64 buckets for each power of two */
	HISTOGRAM_TOP_BIT = 40, /* 18 minutes; what is longer counts in the last bucket */
	HISTOGRAM_BUCKETS = (HISTOGRAM_TOP_BIT - HISTOGRAM_BITS + 2) << HISTOGRAM_BITS,
};

struct histogram {
	uint64_t count;
	uint64_t max;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t ns);

/* The smallest bucket's upper end that at least @parts of @whole values do not exceed; 0 when it is empty. */
uint64_t histogram_quantile(const struct histogram *h, uint64_t parts, uint64_t whole);
