/* SPDX-License-Identifier: Apache-2.0 */
#include "core/unread.h"

#include <criterion/criterion.h>

enum { SIZE = 8 };

static struct unread_entry memory[SIZE];

static struct unread fresh(void)
{
	return (struct unread){ .entries = memory, .size = SIZE };
}

static struct unread_entry entry(uint32_t bytes, uint16_t count)
{
	return (struct unread_entry){ .bytes = bytes, .count = count, .sent_ns = bytes };
}

Test(unread, first_in_first_out_with_sums)
{
	struct unread u = fresh();

	cr_assert(unread_empty(&u));
	cr_assert_null(unread_oldest(&u));
	for (uint16_t i = 1; i <= SIZE; i++) {
		cr_assert_not(unread_full(&u));
		unread_push(&u, entry(100U + i, i));
	}
	cr_assert(unread_full(&u));
	cr_assert_eq(u.count, 36);
	cr_assert_eq(u.bytes, 836);
	for (uint16_t i = 1; i <= SIZE; i++) {
		cr_assert_eq(unread_oldest(&u)->sent_ns, 100U + i);
		cr_assert_eq(unread_pop(&u).count, i);
	}
	cr_assert(unread_empty(&u));
	cr_assert_eq(u.count, 0);
	cr_assert_eq(u.bytes, 0);
}

Test(unread, goes_round_and_past_2_to_the_32)
{
	struct unread u = fresh();
	uint32_t next = 1, expected = 1;

	u.head = u.tail = UINT32_MAX - 20;
	for (int i = 0; i < 100; i++) {
		while (!unread_full(&u))
			unread_push(&u, entry(next++, 1));
		cr_assert_eq(u.count, SIZE);
		for (int k = 0; k < 3; k++)
			cr_assert_eq(unread_pop(&u).bytes, expected++);
	}
}

/* The kernel drops whole messages from the front: for each number of them that were read, exactly those are found. */
Test(unread, bytes_left_say_which_were_read)
{
	static const uint32_t sizes[] = { 120, 24, 4000, 120, 131072 };

	for (size_t read = 0; read <= 5; read++) {
		struct unread u = fresh();
		uint64_t left = 0;
		size_t found = 0;

		for (size_t i = 0; i < 5; i++) {
			unread_push(&u, entry(sizes[i], 1));
			left += i >= read ? sizes[i] : 0;
		}
		for (; unread_oldest_was_read(&u, left); found++)
			(void)unread_pop(&u);
		cr_assert_eq(found, read);
		cr_assert_eq(u.bytes, left);
	}
}

Test(unread, a_probe_counts_no_connection)
{
	struct unread u = fresh();

	unread_push(&u, entry(24, 0));
	cr_assert_eq(u.count, 0);
	cr_assert_not(unread_oldest_was_read(&u, 24));
	cr_assert(unread_oldest_was_read(&u, 0));
	(void)unread_pop(&u);
	cr_assert_not(unread_oldest_was_read(&u, 0), "nothing is left to have been read");
}
