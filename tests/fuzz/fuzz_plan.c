/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a plan: what passes the check can be read as a shard reads it, and no byte beyond. */
#include "core/trust.h"
#include "fuzz_check.h"
#include "wire/plan.h"

static void read_ranges(const struct plan *plan, uint32_t first, uint32_t count)
{
	const struct addr nobody = { .family = ADDR_IP6 };
	volatile unsigned sum = 0;

	for (uint32_t i = 0; i < count; i++)
		sum += plan->ranges[first + i].first[0] + plan->ranges[first + i].last[15];
	(void)sum;
	(void)trust_contains(&plan->ranges[first], count, &nobody);
}

static void read_plan(const struct plan *plan, size_t size)
{
	FUZZ_CHECK(plan->size <= size);
	FUZZ_CHECK(plan->listener_count <= LISTENERS_MAX && plan->pool_count <= POOLS_MAX);
	read_ranges(plan, plan->own_first, plan->own_count);
	for (uint32_t i = 0; i < plan->listener_count; i++) {
		FUZZ_CHECK(plan->listeners[i].pool < plan->pool_count);
		FUZZ_CHECK(plan->listeners[i].header_limit <= HEADER_BYTES_MAX);
		read_ranges(plan, plan->listeners[i].trust_first, plan->listeners[i].trust_count);
	}
}

/*
 * The input is laid over a plan that is right: places (2 bytes) with 4 bytes for each, then the ranges. Few random
 * inputs of 15 KB would be a plan.
 */
static size_t build(const uint8_t *bytes, size_t size, struct plan *plan)
{
	size_t edits = size ? bytes[0] % 16 : 0, at = 1;

	memset(plan, 0, sizeof(*plan));
	*plan = (struct plan){ .listener_count = 3, .pool_count = 2, .range_count = 4, .own_count = 1 };
	plan->size = sizeof(*plan) + plan->range_count * sizeof(struct trust_range);
	for (uint32_t i = 0; i < 3; i++)
		plan->listeners[i] = (struct plan_listener){ .pool = i % 2,
			                                     .header_limit = HEADER_LIMIT_DEFAULT,
			                                     .trust_first = i,
			                                     .trust_count = 2 };
	for (; edits > 0 && at + 6 <= size; edits--, at += 6) {
		size_t place = (bytes[at] | (size_t)bytes[at + 1] << 8) % (sizeof(*plan) - 4);

		memcpy((uint8_t *)plan + place, bytes + at + 2, 4);
	}
	return size > at ? size - at : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct plan plan;
	size_t ranges = build(bytes, size, &plan);
	uint8_t *whole = malloc(sizeof(plan) + ranges); /* no more than that, for the sanitizer's sake */

	if (!whole)
		abort();
	memcpy(whole, &plan, sizeof(plan));
	if (ranges)
		memcpy(whole + sizeof(plan), bytes + size - ranges, ranges);
	if (plan_check(whole, sizeof(plan) + ranges))
		read_plan((const struct plan *)(const void *)whole, sizeof(plan) + ranges);
	free(whole);
	whole = fuzz_copy(bytes, size);
	if (plan_check(whole, size))
		read_plan((const struct plan *)(const void *)whole, size);
	free(whole);
	return 0;
}
