/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/board.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SHARDS = 3, COLUMNS = sizeof(struct ledger) / sizeof(uint64_t) };

static struct board *make(uint32_t shards)
{
	void *p = mmap(NULL, board_size(shards), PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	cr_assert_neq(p, MAP_FAILED);
	board_format(p, shards, 1000);
	return p;
}

Test(board, check_takes_what_format_made_and_nothing_else)
{
	struct board *b = make(SHARDS);
	size_t size = board_size(SHARDS);

	cr_assert_eq(b->in_flight_max, 1000);
	cr_assert(board_check(b, size));
	cr_assert_not(board_check(b, size - 1));
	cr_assert_not(board_check(b, size + 1));
	cr_assert_not(board_check(b, 0));
	cr_assert_not(board_check(b, sizeof(*b) - 1));
	b->shards = SHARDS + 1;
	cr_assert_not(board_check(b, size), "its last shard would lie outside");
	b->shards = UINT32_MAX;
	cr_assert_not(board_check(b, size));
	b->shards = SHARDS_MAX + 1;
	cr_assert_not(board_check(b, board_size(SHARDS_MAX + 1)));
	b->shards = SHARDS;
	b->magic++;
	cr_assert_not(board_check(b, size));
}

struct span {
	const char *from, *to;
};

static int by_address(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

Test(board, nothing_overlaps_and_all_lies_inside)
{
	enum { PER_SHARD = 2 + LISTENERS_MAX };
	static struct span spans[GENERATIONS_MAX * SHARDS * PER_SHARD];
	struct board *b = make(SHARDS);
	size_t count = 0;

	for (uint32_t slot = 0; slot < GENERATIONS_MAX; slot++)
		for (uint32_t shard = 0; shard < SHARDS; shard++) {
			struct board_shard *s = board_shard(b, slot, shard);
			struct board_log *log = board_log(b, slot, shard);

			spans[count++] = (struct span){ (char *)s, (char *)(s + 1) };
			spans[count++] = (struct span){ (char *)log, (char *)(log + 1) };
			for (uint32_t l = 0; l < LISTENERS_MAX; l++) {
				struct board_row *row = board_row(b, slot, shard, l);

				spans[count++] = (struct span){ (char *)row, (char *)(row + 1) };
			}
		}
	qsort(spans, count, sizeof(spans[0]), by_address);
	cr_assert(spans[0].from >= (char *)(b + 1));
	for (size_t i = 0; i < count; i++) {
		cr_assert_eq((uintptr_t)spans[i].from % 64, 0, "a cache line of its own");
		cr_assert(i + 1 == count || spans[i].to <= spans[i + 1].from);
	}
	cr_assert(spans[count - 1].to <= (char *)b + board_size(SHARDS));
}

static struct ledger all_columns(uint64_t value)
{
	uint64_t columns[COLUMNS];
	struct ledger l;

	for (size_t i = 0; i < COLUMNS; i++)
		columns[i] = value;
	memcpy(&l, columns, sizeof(l));
	return l;
}

/* What every column holds; fails where they differ: two publications are mixed. */
static uint64_t value_of(const struct ledger *l)
{
	uint64_t columns[COLUMNS];

	memcpy(columns, l, sizeof(columns));
	for (size_t i = 1; i < COLUMNS; i++)
		cr_assert_eq(columns[i], columns[0], "torn at column %zu", i);
	return columns[0];
}

Test(board, a_row_is_read_as_it_was_published)
{
	struct board_row *row = board_row(make(1), 0, 0, 5);
	struct ledger l;

	board_row_read(row, &l);
	cr_assert_eq(value_of(&l), 0);
	for (uint64_t i = 1; i < 5; i++) {
		l = all_columns(i);
		board_row_publish(row, &l);
		board_row_read(row, &l);
		cr_assert_eq(value_of(&l), i);
	}
}

/* A writer that dies in the middle of a row: its last whole one stays. */
Test(board, a_row_that_was_begun_is_not_seen)
{
	struct board_row *row = board_row(make(1), 0, 0, 0);
	struct ledger l = all_columns(1);

	board_row_publish(row, &l);
	memset(&row->copies[(atomic_load(&row->sequence) + 1) & 1], 0x55, sizeof(l) / 2);
	board_row_read(row, &l);
	cr_assert_eq(value_of(&l), 1);
	l = all_columns(2);
	board_row_publish(row, &l);
	board_row_read(row, &l);
	cr_assert_eq(value_of(&l), 2);
}

enum { PUBLICATIONS = 200000, READS_MAX = 50000000 };

static void *publish_many(void *argument)
{
	for (uint64_t i = 1; i <= PUBLICATIONS; i++) {
		struct ledger l = all_columns(i);

		board_row_publish(argument, &l);
		if (i % 64 == 0)
			(void)sched_yield(); /* as a shard, which publishes once a turn */
	}
	return NULL;
}

Test(board, a_reader_beside_a_writer_sees_whole_rows_in_order, .timeout = 50)
{
	struct board_row *row = board_row(make(1), 0, 0, 0);
	uint64_t seen = 0, distinct = 0;
	pthread_t writer;

	cr_assert_eq(pthread_create(&writer, NULL, publish_many, row), 0);
	for (int i = 0; i < READS_MAX && seen < PUBLICATIONS; i++) {
		struct ledger l;
		uint64_t value;

		board_row_read(row, &l);
		value = value_of(&l);
		cr_assert(value >= seen);
		distinct += value != seen;
		seen = value;
	}
	cr_assert_eq(pthread_join(writer, NULL), 0);
	cr_assert_eq(seen, PUBLICATIONS);
	cr_assert(distinct > 1);
}

Test(board, log_keeps_order_and_counts_what_it_drops)
{
	struct board_log *log = board_log(make(1), 0, 0);
	struct board_log_record record = { 0 };

	cr_assert_not(board_log_read(log, &record));
	for (uint64_t round = 0; round < 3; round++) {
		for (uint64_t i = 0; i < LOG_RECORDS; i++) {
			record.id = i;
			cr_assert(board_log_write(log, &record));
		}
		for (int i = 0; i < 7; i++)
			cr_assert_not(board_log_write(log, &record));
		cr_assert_eq(atomic_load(&log->dropped), 7 * (round + 1));
		for (uint64_t i = 0; i < LOG_RECORDS; i++) {
			cr_assert(board_log_read(log, &record));
			cr_assert_eq(record.id, i);
		}
		cr_assert_not(board_log_read(log, &record));
	}
}

Test(board, log_goes_past_2_to_the_32)
{
	struct board_log *log = board_log(make(1), 0, 0);
	struct board_log_record record = { 0 };

	atomic_store(&log->head, UINT32_MAX - 10);
	atomic_store(&log->tail, UINT32_MAX - 10);
	for (uint64_t i = 0; i < 40; i++) {
		record.id = i;
		cr_assert(board_log_write(log, &record));
		record.id = 0;
		cr_assert(board_log_read(log, &record));
		cr_assert_eq(record.id, i);
	}
}

static void *write_log(void *argument)
{
	struct board_log_record record = { 0 };

	while (record.id < PUBLICATIONS) {
		record.value = (int64_t)record.id * 3;
		record.suppressed = (uint32_t)record.id;
		if (board_log_write(argument, &record))
			record.id++;
		else
			(void)sched_yield();
	}
	return NULL;
}

Test(board, log_between_two_threads_loses_nothing, .timeout = 50)
{
	struct board_log *log = board_log(make(1), 0, 0);
	uint64_t expected = 0;
	pthread_t writer;

	cr_assert_eq(pthread_create(&writer, NULL, write_log, log), 0);
	for (int i = 0; i < READS_MAX && expected < PUBLICATIONS; i++) {
		struct board_log_record record;

		if (!board_log_read(log, &record)) {
			(void)sched_yield();
			continue;
		}
		cr_assert_eq(record.id, expected);
		cr_assert_eq(record.value, (int64_t)expected * 3);
		cr_assert_eq(record.suppressed, (uint32_t)expected);
		expected++;
	}
	cr_assert_eq(expected, PUBLICATIONS);
	cr_assert_eq(pthread_join(writer, NULL), 0);
}
