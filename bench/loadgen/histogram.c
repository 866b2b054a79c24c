/* SPDX-License-Identifier: Apache-2.0 */
/* Times in buckets: see histogram.h. */
#include "loadgen/histogram.h"

static uint32_t bucket_of(uint64_t ns)
{
	uint32_t top, shift;

	if (ns < 1U << HISTOGRAM_BITS)
		return (uint32_t)ns;
	top = 63 - (uint32_t)__builtin_clzll(ns);
	if (top > HISTOGRAM_TOP_BIT)
		return HISTOGRAM_BUCKETS - 1;
	shift = top - HISTOGRAM_BITS;
	return (shift << HISTOGRAM_BITS) + (uint32_t)(ns >> shift);
}

/* Largest value that falls into @bucket. */
static uint64_t end_of(uint32_t bucket)
{
	uint32_t shift;
	uint64_t first;

	if (bucket < 2U << HISTOGRAM_BITS)
		return bucket;
	shift = (bucket >> HISTOGRAM_BITS) - 1;
	first = bucket - (shift << HISTOGRAM_BITS);
	return ((first + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	h->buckets[bucket_of(ns)]++;
	h->count++;
	if (ns > h->max)
		h->max = ns;
}

uint64_t histogram_quantile(const struct histogram *h, uint64_t parts, uint64_t whole)
{
	uint64_t seen = 0;

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen * whole >= h->count * parts && seen > 0)
			return end_of(i) < h->max ? end_of(i) : h->max;
	}
	return 0;
}
