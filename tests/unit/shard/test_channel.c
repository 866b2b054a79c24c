/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a channel, with the test as master and worker. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/handoff.h"
#include "shard/shard.h"
#include "sys/clock.h"

enum { WINDOW = 4, WORKERS = 2 };

static struct shard s;
static struct plan plan;
static int master; /* its end of the control socket */
static int worker_ends[WORKERS];

static void add_worker(uint32_t row)
{
	const struct control order = { .worker = row, .number = row + 1, .batch = WINDOW };
	int pair[2];

	cr_assert_eq(fdpass_pair(pair), 0);
	worker_ends[row] = dup(pair[1]);
	atomic_store(&s.board->workers[row].state, BOARD_WORKER_READY);
	cr_assert_eq(channel_add(&s, &order, pair[0], pair[1]), 0);
}

static void set_up(void)
{
	int pair[2], r;

	plan = (struct plan){ .size = sizeof(plan), .listener_count = 1, .pool_count = 1 };
	plan.pools[0] = (struct plan_pool){ .window = WINDOW, .take_back_deadline_ns = NS_PER_S };
	s = (struct shard){ .plan = &plan, .sample_ns = UINT64_MAX, .now_ns = NS_PER_S };
	s.pools[0].plan = &plan.pools[0];
	s.board = aligned_alloc(64, (board_size(1) + 63) & ~(size_t)63);
	memset(s.board, 0, board_size(1));
	board_format(s.board, 1, 100);
	s.self = board_shard(s.board, 0, 0);
	books_init(&s.books, s.board, 0, 0);
	r = ring_init(&s.ring, 0);
	if (r < 0)
		cr_skip_test("no ring here: %s", strerror(-r));
	cr_assert_eq(ring_enable(&s.ring, 0), 0);
	cr_assert_eq(fdpass_pair(pair), 0);
	s.control_fd = pair[0];
	master = pair[1];
	for (uint32_t i = 0; i < WORKERS; i++)
		add_worker(i);
}

TestSuite(channel, .init = set_up);

static void pass(uint64_t ns)
{
	s.now_ns += ns;
	channel_turn(&s);
}

/* What the master was told; 0: nothing. */
static uint32_t told(void)
{
	struct control message;
	int fds[CONTROL_FDS_MAX];

	return control_receive(master, &message, fds) == FDPASS_MESSAGE ? message.type : 0;
}

/* A message of one connection that the worker has not read. */
static void send_one(uint32_t row)
{
	const struct handoff_conns conns = { .head = handoff_head_of(HANDOFF_CONNS, sizeof(conns)) };
	struct channel *c = &s.channels[row];

	cr_assert_eq(fdpass_send(c->fd, &conns, sizeof(conns), NULL, 0), 0);
	books_row(&s.books, 0)->unread++;
	atomic_fetch_add(&s.board->in_flight, 1);
	channel_sent(&s, c, (struct unread_entry){ .bytes = sizeof(conns), .count = 1, .sent_ns = s.now_ns });
}

static uint32_t read_all(uint32_t row)
{
	struct handoff_conns conns;
	struct fdpass_message info;
	uint32_t count = 0;

	while (fdpass_receive(worker_ends[row], &conns, sizeof(conns), NULL, 0, &info) == FDPASS_MESSAGE)
		count++;
	return count;
}

Test(channel, one_that_was_full_with_nothing_unread_is_tried_again)
{
	struct channel *c = &s.channels[0];

	channel_full(&s, c);
	cr_expect_eq(channel_room(&s, c), 0);
	pass(0);
	cr_expect_eq(channel_room(&s, c), 0, "at once: a turn would never end");
	cr_assert_lt(s.sample_ns, UINT64_MAX, "nothing will wake it");
	pass(s.sample_ns - s.now_ns);
	cr_expect_eq(channel_room(&s, c), WINDOW);
}

Test(channel, one_that_was_full_has_room_when_something_is_read)
{
	struct channel *c = &s.channels[0];

	send_one(0);
	channel_full(&s, c);
	pass(NS_PER_S / 10);
	cr_expect_eq(c->state, CHANNEL_FULL);
	cr_expect_eq(read_all(0), 1);
	channel_sample(&s, c);
	cr_expect_eq(channel_room(&s, c), WINDOW);
	cr_expect_eq(books_row(&s.books, 0)->unread, 0);
	cr_expect_eq(atomic_load(&s.board->in_flight), 0);
}

/* The control socket takes no more; returns how many messages it holds. */
static uint32_t deafen(void)
{
	uint32_t count = 0;

	while (order_tell(&s, (struct control){ .type = CONTROL_READY }))
		count++;
	return count;
}

static void hear(uint32_t count)
{
	while (count-- > 0)
		cr_assert_eq(told(), CONTROL_READY);
}

Test(channel, a_fault_that_there_was_no_room_for_is_told_later)
{
	struct channel *c = &s.channels[0];
	uint32_t count = deafen();

	channel_fault(&s, c, CONTROL_FAULT_MESSAGE);
	pass(NS_PER_S);
	hear(count);
	cr_expect_eq(told(), 0);
	pass(NS_PER_S);
	cr_expect_eq(told(), CONTROL_FAULT);
	pass(NS_PER_S);
	cr_expect_eq(told(), 0, "told twice");
}

Test(channel, stuck_is_told_then_a_probe_asks_whether_anybody_reads)
{
	struct channel *c = &s.channels[0];
	uint32_t count = deafen();

	send_one(0);
	pass(NS_PER_S);
	hear(count);
	pass(NS_PER_S);
	cr_expect_eq(told(), CONTROL_STUCK);
	pass(NS_PER_S);
	cr_expect_eq(told(), 0, "told twice");
	cr_expect_eq(read_all(0), 1); /* the reclaimer */
	channel_reclaimed(&s, 0);
	cr_expect_eq(c->state, CHANNEL_PROBING);
	pass(5 * NS_PER_S);
	cr_expect_eq(told(), 0, "a probe is nothing to take back");
	cr_expect_eq(channel_room(&s, c), 0);
	cr_expect_eq(read_all(0), 1);
	pass(NS_PER_S);
	cr_expect_eq(channel_room(&s, c), WINDOW);
	cr_expect_eq(s.sample_ns, UINT64_MAX, "nothing is left to look at");
}

Test(channel, nobody_is_stuck_when_nobody_else_has_room)
{
	send_one(0);
	atomic_store(&s.board->workers[1].state, BOARD_WORKER_PAUSED);
	pass(5 * NS_PER_S);
	cr_expect_eq(told(), 0);
}

Test(channel, one_that_dies_while_it_is_probed_is_free_again)
{
	struct channel *c = &s.channels[0];

	send_one(0);
	pass(NS_PER_S);
	(void)read_all(0);
	channel_reclaimed(&s, 0);
	cr_expect_eq(c->state, CHANNEL_PROBING);
	channel_drop(&s, 0);
	cr_expect_eq(s.pools[0].worker_count, 1);
	channel_reclaimed(&s, 0);
	cr_expect_eq(c->state, CHANNEL_FREE);
	cr_expect_eq(c->worker_end, -1);
	cr_expect_eq(books_row(&s.books, 0)->unread, 0);
	cr_expect_eq(atomic_load(&s.board->in_flight), 0);
}

Test(channel, what_cant_be_had_back_is_counted_as_lost)
{
	struct ledger *row = books_row(&s.books, 0);

	row->accepted = row->handed_off = 2;
	send_one(0);
	send_one(0);
	channel_drop(&s, 0);
	channel_lost(&s, 0);
	cr_expect_eq(s.channels[0].state, CHANNEL_FREE);
	cr_expect_eq(row->lost[LOST_RECLAIM_BLOCKED], 2);
	cr_expect_eq(row->unread, 0);
	cr_expect_eq(ledger_imbalance(row), 0);
	cr_expect_eq(atomic_load(&s.board->in_flight), 0);
}
