/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/plan.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { RANGES = 10 };

static struct plan *plan;
static size_t size;

static void setup(void)
{
	size = sizeof(*plan) + RANGES * sizeof(struct trust_range);
	plan = calloc(1, size);
	*plan = (struct plan){ .size = size,
		               .listener_count = 2,
		               .pool_count = 3,
		               .range_count = RANGES,
		               .own_first = 8,
		               .own_count = 2 };
	for (uint32_t i = 0; i < plan->listener_count; i++)
		plan->listeners[i] = (struct plan_listener){ .name = "l",
			                                     .pool = 2,
			                                     .header_limit = HEADER_LIMIT_DEFAULT,
			                                     .trust_first = 4 * i,
			                                     .trust_count = 4 };
}

static void teardown(void)
{
	free(plan);
}

TestSuite(plan, .init = setup, .fini = teardown);

Test(plan, a_whole_one)
{
	cr_assert(plan_check(plan, size));
	cr_assert(plan_check(plan, size + 4000), "a mapping is whole pages");
}

Test(plan, every_shorter_size)
{
	for (size_t less = 0; less < size; less++)
		cr_assert_not(plan_check(plan, less));
	plan->size = size - 1;
	cr_assert_not(plan_check(plan, size), "its ranges do not fit into what it says");
	plan->size = UINT64_MAX;
	cr_assert_not(plan_check(plan, size));
	plan->size = 0;
	cr_assert_not(plan_check(plan, size));
}

/* Refuses while @place holds @value, and only then. */
static void refuses(uint32_t *place, uint32_t value)
{
	uint32_t usual = *place;

	*place = value;
	cr_expect_not(plan_check(plan, size), "%u at offset %td", value, (char *)place - (char *)plan);
	*place = usual;
	cr_assert(plan_check(plan, size));
}

Test(plan, every_index_outside)
{
	struct plan_listener *last = &plan->listeners[1];

	refuses(&plan->listener_count, LISTENERS_MAX + 1);
	refuses(&plan->listener_count, UINT32_MAX);
	refuses(&plan->pool_count, POOLS_MAX + 1);
	refuses(&plan->pool_count, UINT32_MAX);
	refuses(&plan->pool_count, 2);
	refuses(&plan->range_count, RANGES + 1);
	refuses(&plan->range_count, RANGES - 1);
	refuses(&plan->range_count, UINT32_MAX);
	refuses(&plan->own_first, 9);
	refuses(&plan->own_first, UINT32_MAX);
	refuses(&plan->own_count, 3);
	refuses(&plan->own_count, UINT32_MAX - 7); /* the sum is 0 in 32 bits */
	refuses(&last->pool, 3);
	refuses(&last->pool, UINT32_MAX);
	refuses(&last->trust_first, 7);
	refuses(&last->trust_first, UINT32_MAX);
	refuses(&last->trust_count, 7);
	refuses(&last->trust_count, UINT32_MAX - 3);
	refuses(&last->header_limit, HEADER_V1_BYTES_MAX - 1);
	refuses(&last->header_limit, HEADER_BYTES_MAX + 1);
}

Test(plan, what_is_not_counted_is_not_looked_at)
{
	memset(&plan->listeners[2], 0xff, sizeof(plan->listeners) - 2 * sizeof(plan->listeners[0]));
	cr_assert(plan_check(plan, size));
	plan->listener_count = 3;
	cr_assert_not(plan_check(plan, size));
}
