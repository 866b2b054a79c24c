/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ledger.h"

#include <criterion/criterion.h>
#include <string.h>

Test(ledger, every_member_has_its_own_word)
{
	for (int i = 0; i < REFUSED_COUNT; i++) {
		const char *name = refused_name((enum refused)i);

		cr_assert_str_neq(name, "?");
		for (int k = 0; k < i; k++)
			cr_assert_str_neq(name, refused_name((enum refused)k));
	}
	for (int i = 0; i < LOST_COUNT; i++)
		cr_assert_str_neq(lost_name((enum lost)i), "?");
	for (int i = 0; i < TIMED_OUT_COUNT; i++)
		cr_assert_str_neq(timed_out_name((enum timed_out)i), "?");
	cr_assert_str_eq(refused_name(REFUSED_COUNT), "?");
}

static struct ledger balanced(void)
{
	struct ledger l = {
		.accepted = 100, .handed_off = 60, .taken_back = 10, .in_header = 7, .queued = 3
	};

	l.refused[REFUSED_DENIED] = 20;
	l.refused[REFUSED_UNTRUSTED_SOURCE] = 5;
	l.timed_out[TIMED_OUT_HEADER] = 10;
	l.lost[LOST_WORKER_FDS] = 5;
	l.unread = 4;
	return l;
}

Test(ledger, each_column_counts_once)
{
	struct ledger l = balanced();

	cr_assert_eq(ledger_imbalance(&l), 0);
	cr_assert_eq(ledger_delivered(&l), 50);
	for (size_t i = 0; i < sizeof(l) / sizeof(uint64_t); i++) {
		struct ledger off = balanced();
		uint64_t *column = (uint64_t *)&off + i;

		*column += 1;
		if (column == &off.unread)
			cr_assert_eq(ledger_imbalance(&off), 0, "unread is a gauge of what was delivered");
		else
			cr_assert_neq(ledger_imbalance(&off), 0, "column %zu", i);
	}
}

Test(ledger, taken_back_by_another_shard)
{
	struct ledger from = { .accepted = 1, .handed_off = 1 }, to = { .taken_back = 1, .queued = 1 },
		      sum = { 0 };

	cr_assert_eq(ledger_imbalance(&from), 0);
	cr_assert_eq(ledger_imbalance(&to), 0);
	cr_assert_eq(ledger_delivered(&to), -1);
	ledger_add(&sum, &from);
	ledger_add(&sum, &to);
	cr_assert_eq(ledger_imbalance(&sum), 0);
	cr_assert_eq(ledger_delivered(&sum), 0);
}

Test(ledger, books_of_a_dead_shard)
{
	struct ledger l = balanced();

	ledger_close_books(&l);
	cr_assert_eq(ledger_imbalance(&l), 0);
	cr_assert_eq(l.lost[LOST_SHARD_DIED], 10);
	cr_assert_eq(l.in_header + l.queued, 0);
}
