/* SPDX-License-Identifier: Apache-2.0 */
#include "core/share.h"

#include <criterion/criterion.h>

Test(share, one_gets_its_part)
{
	cr_assert_eq(share_left(0, 0, 1000, 1), 500);
	cr_assert_eq(share_left(500, 500, 1000, 1), 0);
	cr_assert_eq(share_left(499, 499, 1000, 1), 1);
	cr_assert_eq(share_left(0, 0, 1000, 4), 200);
	cr_assert_eq(share_left(200, 200, 1000, 4), 0);
	cr_assert_eq(share_left(0, 0, 1, 1), 1);
	cr_assert_eq(share_left(0, 0, 1, 4), 1);
}

Test(share, nothing_is_left_of_a_full_store)
{
	cr_assert_eq(share_left(0, 1000, 1000, 1), 0);
	cr_assert_eq(share_left(0, 1200, 1000, 4), 0);
	cr_assert_eq(share_left(0, 0, 0, 1), 0);
	cr_assert_eq(share_left(UINT32_MAX, UINT32_MAX - 1, UINT32_MAX, 4), 0);
}

/* Each takes all that it may, one after the other, which is the worst order for the next. */
Test(share, greedy_ones_leave_something_for_the_next)
{
	uint32_t own[20] = { 0 }, used = 0, max = 20000, rest = max;

	for (int i = 0; i < 20; i++) {
		uint32_t more;

		while ((more = share_left(own[i], used, max, 4)) > 0) {
			own[i] += more;
			used += more;
		}
		rest = rest * 4 / 5;
		cr_assert_geq(max - used + 20, rest, "after %d users %u are left", i + 1, max - used);
		cr_assert_lt(used, max);
	}
	for (int i = 0; i < 20; i++)
		cr_assert_eq(share_left(own[i], used, max, 4), 0, "none gets more of what it left");
}
