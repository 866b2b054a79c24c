/* SPDX-License-Identifier: Apache-2.0 */
#include "core/choose.h"

#include <criterion/criterion.h>

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))

static const enum choose_policy policies[] = { CHOOSE_LEAST_CONNECTIONS, CHOOSE_ROUND_ROBIN };

Test(choose, least_load_wins_wherever_it_is)
{
	for (uint32_t lowest = 0; lowest < 4; lowest++) {
		struct choose_candidate c[4] = { { 9, 1 }, { 9, 1 }, { 9, 1 }, { 9, 1 } };

		c[lowest].load = 8;
		for (uint32_t start = 0; start < 8; start++)
			cr_assert_eq(choose_worker(CHOOSE_LEAST_CONNECTIONS, c, 4, start), (int)lowest);
	}
}

Test(choose, round_robin_ignores_load)
{
	struct choose_candidate c[] = { { 900, 1 }, { 0, 1 }, { 5, 1 } };

	for (uint32_t start = 0; start < COUNT(c); start++)
		cr_assert_eq(choose_worker(CHOOSE_ROUND_ROBIN, c, COUNT(c), start), (int)start);
}

Test(choose, among_equals_the_first_from_start)
{
	struct choose_candidate c[] = { { 3, 1 }, { 3, 2 }, { 3, 9 } };
	unsigned turns[COUNT(c)] = { 0 };
	uint32_t start = 0;

	for (int i = 0; i < 30; i++) {
		int best = choose_worker(CHOOSE_LEAST_CONNECTIONS, c, COUNT(c), start);

		turns[best]++;
		start = (uint32_t)best + 1;
	}
	for (uint32_t i = 0; i < COUNT(c); i++)
		cr_assert_eq(turns[i], 10);
}

Test(choose, without_room_is_never_chosen)
{
	struct choose_candidate c[] = { { 0, 0 }, { 7, 1 }, { 0, 0 } };

	for (uint32_t p = 0; p < COUNT(policies); p++) {
		for (uint32_t start = 0; start < 4; start++)
			cr_assert_eq(choose_worker(policies[p], c, COUNT(c), start), 1);
		c[1].room = 0;
		cr_assert_eq(choose_worker(policies[p], c, COUNT(c), 0), -1, "nobody has room");
		cr_assert_eq(choose_worker(policies[p], c, 0, 5), -1, "nobody is there");
		c[1].room = 1;
	}
}

/* A counter that is never reset comes past 2^32: still everybody is looked at. */
Test(choose, any_start)
{
	for (uint32_t only = 0; only < 3; only++) {
		struct choose_candidate c[3] = { { 1, 0 }, { 1, 0 }, { 1, 0 } };

		c[only].room = 1;
		for (uint32_t start = UINT32_MAX - 4; start != 4; start++)
			for (uint32_t p = 0; p < COUNT(policies); p++)
				cr_assert_eq(choose_worker(policies[p], c, 3, start), (int)only, "start %u",
				             start);
	}
}

Test(choose, share_is_fair_and_leaves_nothing)
{
	cr_assert_eq(choose_share(0, 0), 1);
	cr_assert_eq(choose_share(0, 5), 1);
	cr_assert_eq(choose_share(7, 1), 7);
	cr_assert_eq(choose_share(7, 0), 7);
	cr_assert_eq(choose_share(3, 8), 1);
	cr_assert_eq(choose_share(UINT32_MAX, UINT32_MAX), 1);
	for (uint32_t ready = 1; ready < 40; ready++)
		for (uint32_t workers = 1; workers < 12; workers++) {
			uint32_t share = choose_share(ready, workers);

			cr_assert(share * workers >= ready);
			cr_assert(share == 1 || (share - 1) * workers < ready, "no more than needed");
		}
}
