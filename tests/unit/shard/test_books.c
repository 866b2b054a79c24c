/* SPDX-License-Identifier: Apache-2.0 */
#include "shard/books.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "sys/clock.h"

static struct board *board;
static struct books books;

static void setup(void)
{
	board = aligned_alloc(64, board_size(2));
	cr_assert_not_null(board);
	memset(board, 0, board_size(2));
	board_format(board, 2, 0);
	books_init(&books, board, 0, 1);
}

static void teardown(void)
{
	free(board);
}

TestSuite(books, .init = setup, .fini = teardown);

static uint64_t published(uint32_t listener)
{
	struct ledger l;

	board_row_read(board_row(board, 0, 1, listener), &l);
	return l.accepted;
}

Test(books, rows_are_seen_once_published)
{
	static const uint32_t listeners[] = { 0, 1, 31, 32, 63 };

	for (uint64_t round = 1; round < 4; round++) {
		for (int i = 0; i < 5; i++)
			books_row(&books, listeners[i])->accepted += 10 + listeners[i];
		for (int i = 0; i < 5; i++)
			cr_assert_eq(published(listeners[i]), (round - 1) * (10 + listeners[i]));
		books_publish(&books);
		for (int i = 0; i < 5; i++)
			cr_assert_eq(published(listeners[i]), round * (10 + listeners[i]));
	}
	cr_assert_eq(published(2), 0);
}

Test(books, only_what_changed_is_written)
{
	struct board_row *other = board_row(board, 0, 1, 8);

	books_row(&books, 7)->accepted = 1;
	books_publish(&books);
	cr_assert_eq(atomic_load(&other->sequence), 0);
	books_publish(&books);
	cr_assert_eq(atomic_load(&board_row(board, 0, 1, 7)->sequence), 1);
	cr_assert_eq(books.dirty, 0);
}

Test(books, a_successor_goes_on)
{
	struct books next;

	books_row(&books, 3)->accepted = 5;
	books_row(&books, 3)->refused[REFUSED_DENIED] = 2;
	books_publish(&books);
	books_row(&books, 3)->accepted = 6; /* it died before it published this */
	books_init(&next, board, 0, 1);
	cr_assert_eq(books_row(&next, 3)->accepted, 5);
	cr_assert_eq(books_row(&next, 3)->refused[REFUSED_DENIED], 2);
	books_row(&next, 3)->accepted++;
	books_publish(&next);
	cr_assert_eq(published(3), 6);
}

Test(books, another_shard_s_rows_stay_as_they_are)
{
	struct ledger l;

	books_row(&books, 0)->accepted = 5;
	books_publish(&books);
	board_row_read(board_row(board, 0, 0, 0), &l);
	cr_assert_eq(l.accepted, 0);
	board_row_read(board_row(board, 1, 1, 0), &l);
	cr_assert_eq(l.accepted, 0);
}

static unsigned drain(struct board_log_record *ret_last)
{
	unsigned count = 0;

	while (board_log_read(board_log(board, 0, 1), ret_last))
		count++;
	return count;
}

static void log_many(unsigned count, uint64_t now_ns)
{
	for (unsigned i = 0; i < count; i++)
		books_log(&books, (struct board_log_record){ .kind = BOARD_LOG_REFUSED, .id = i }, now_ns);
}

Test(books, a_second_has_so_many_lines_and_the_next_says_how_many_are_missing)
{
	struct board_log_record last = { 0 };

	log_many(LOG_LINES_PER_SECOND + 40, 5 * NS_PER_S);
	log_many(2, 6 * NS_PER_S - 1);
	cr_assert_eq(drain(&last), LOG_LINES_PER_SECOND);
	cr_assert_eq(last.id, LOG_LINES_PER_SECOND - 1);
	cr_assert_eq(last.suppressed, 0);
	log_many(1, 6 * NS_PER_S);
	cr_assert_eq(drain(&last), 1);
	cr_assert_eq(last.suppressed, 42);
	log_many(LOG_LINES_PER_SECOND, 6 * NS_PER_S);
	cr_assert_eq(drain(&last), LOG_LINES_PER_SECOND - 1);
	cr_assert_eq(last.suppressed, 0);
	log_many(1, 9 * NS_PER_S);
	cr_assert_eq(drain(&last), 1);
	cr_assert_eq(last.suppressed, 1);
}

/* The master does not read: what was suppressed is told by the first line that gets in. */
Test(books, a_full_log_forgets_no_suppressed_lines)
{
	struct board_log_record last = { 0 };
	uint64_t now = NS_PER_S;

	for (unsigned written = 0; written < LOG_RECORDS; written += LOG_LINES_PER_SECOND, now += NS_PER_S)
		log_many(LOG_LINES_PER_SECOND, now);
	books.suppressed = 9;
	log_many(1, now);
	cr_assert_eq(books.suppressed, 9);
	cr_assert(atomic_load(&books.log->dropped) > 0);
	cr_assert_eq(drain(&last), LOG_RECORDS);
	log_many(1, now);
	cr_assert_eq(drain(&last), 1);
	cr_assert_eq(last.suppressed, 9);
}

Test(books, a_note_has_its_number_and_value)
{
	struct board_log_record last = { 0 };

	books_note(&books, BOARD_NOTE_CHANNEL_ERROR, 24, 6, NS_PER_S);
	cr_assert_eq(drain(&last), 1);
	cr_assert_eq(last.kind, BOARD_LOG_NOTE);
	cr_assert_eq(last.reason, BOARD_NOTE_CHANNEL_ERROR);
	cr_assert_eq(last.value, 24);
	cr_assert_eq(last.listener, 6);
}
