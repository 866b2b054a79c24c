/* SPDX-License-Identifier: Apache-2.0 */
#include "loadgen/histogram.h"

#include <criterion/criterion.h>

static struct histogram h;

Test(histogram, is_empty_at_first)
{
	cr_assert_eq(histogram_quantile(&h, 50, 100), 0);
	cr_assert_eq(histogram_quantile(&h, 999, 1000), 0);
}

Test(histogram, small_values_are_exact)
{
	for (uint64_t v = 1; v <= 100; v++)
		histogram_add(&h, v);
	cr_assert_eq(histogram_quantile(&h, 50, 100), 50);
	cr_assert_eq(histogram_quantile(&h, 99, 100), 99);
	cr_assert_eq(histogram_quantile(&h, 100, 100), 100);
	cr_assert_eq(h.max, 100);
}

Test(histogram, large_values_are_right_to_one_part_in_64)
{
	for (uint64_t v = 1; v < UINT64_C(1) << 40; v = v * 3 + 1) {
		h = (struct histogram){ 0 };
		histogram_add(&h, v);
		histogram_add(&h, UINT64_C(1) << 41); /* so that the maximum does not hide the bucket's end */
		uint64_t q = histogram_quantile(&h, 50, 100);

		cr_assert(q >= v && q - v <= v / 64, "%llu came back as %llu", (unsigned long long)v,
		          (unsigned long long)q);
	}
}

Test(histogram, the_rarest_counts)
{
	for (int i = 0; i < 999; i++)
		histogram_add(&h, 10);
	histogram_add(&h, 5000);
	cr_assert_eq(histogram_quantile(&h, 999, 1000), 10);
	cr_assert_eq(histogram_quantile(&h, 9991, 10000), 5000);
}

Test(histogram, what_is_too_long_is_counted)
{
	histogram_add(&h, UINT64_MAX);
	cr_assert_eq(h.count, 1);
	cr_assert_eq(h.max, UINT64_MAX);
	cr_assert_gt(histogram_quantile(&h, 50, 100), UINT64_C(1) << 40);
}
