/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channels: what each worker has not read, how much more it may get, and what it says.
 *
 * The kernel's queue is the ledger of what was handed off: FIONREAD on a duplicate of the worker's end gives the
 * payload bytes that are unread, and the FIFO of messages sent makes connections and ages of them. It is looked at
 * when the window is full and on a tick while something is unread, not per connection.
 *
 * Refuses to read a worker's queue (that is the reclaimer's, which a hostile worker may block).
 */
#include "shard/shard.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "core/handoff.h"
#include "core/share.h"
#include "sys/clock.h"

enum { MESSAGES_PER_TURN = 64, IN_FLIGHT_PARTS = 4 };

#define SAMPLE_NS (20 * NS_PER_MS)

static void publish(struct shard *s, const struct channel *c)
{
	struct board_channel *b = &s->self->channels[c->worker];

	atomic_store_explicit(&b->unread, c->unread.count, memory_order_relaxed);
	atomic_store_explicit(&b->stuck, c->state == CHANNEL_STUCK || c->state == CHANNEL_PROBING,
	                      memory_order_relaxed);
}

static uint64_t channel_tag(const struct channel *c)
{
	return op_tag_pack(OP_CHANNEL, c->worker, c->generation);
}

static void listen_to(struct shard *s, struct channel *c)
{
	ring_poll(&s->ring, c->fd, POLLIN | POLLRDHUP, channel_tag(c));
}

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

int channel_add(struct shard *s, const struct control *order, int fd, int worker_end)
{
	struct channel *c = &s->channels[order->worker % WORKERS_MAX];
	uint32_t window, generation = c->generation;

	if (order->worker >= WORKERS_MAX || order->pool >= s->plan->pool_count || c->state != CHANNEL_FREE) {
		close_fd(&fd);
		close_fd(&worker_end);
		return -EINVAL;
	}
	/* one more than the window: the probe. Allocated per worker, never per connection */
	window = power_of_two(s->plan->pools[order->pool].window + 1);
	*c = (struct channel){ .state = CHANNEL_OPEN,
		               .fd = fd,
		               .worker_end = worker_end,
		               .worker = order->worker,
		               .number = order->number,
		               .pool = order->pool,
		               .batch = order->batch,
		               .generation = generation + 1,
		               .unread = { .entries = calloc(window, sizeof(struct unread_entry)),
		                           .size = window } };
	if (!c->unread.entries) {
		close_fd(&fd);
		close_fd(&worker_end);
		c->state = CHANNEL_FREE;
		return -ENOMEM;
	}
	s->pools[c->pool].workers[s->pools[c->pool].worker_count++] = c->worker;
	atomic_store_explicit(&s->self->channels[c->worker].handed_off, 0, memory_order_relaxed);
	publish(s, c);
	listen_to(s, c);
	return 0;
}

/* ---- unread ---- */

static void forget(struct shard *s, struct channel *c)
{
	struct unread_entry entry = unread_pop(&c->unread);

	if (entry.count == 0)
		return;
	books_row(&s->books, entry.listener)->unread -= entry.count;
	s->in_flight -= entry.count;
	/* ours first: killed between the two, we leave the sum too high, never below nothing, which would be no room */
	atomic_store_explicit(&s->self->in_flight, s->in_flight, memory_order_release);
	atomic_fetch_sub_explicit(&s->board->in_flight, entry.count, memory_order_release);
}

void channel_sample(struct shard *s, struct channel *c)
{
	bool read = false;
	int left = 0;

	if (c->state == CHANNEL_FREE || unread_empty(&c->unread))
		return;
	if (ioctl(c->worker_end, FIONREAD, &left) < 0)
		return;
	while (unread_oldest_was_read(&c->unread, (uint64_t)left)) {
		forget(s, c);
		read = true;
	}
	if (read && c->state == CHANNEL_FULL)
		c->state = CHANNEL_OPEN;
	if (c->state == CHANNEL_PROBING && unread_empty(&c->unread))
		c->state = CHANNEL_OPEN;
	publish(s, c);
}

static void want_tick(struct shard *s)
{
	if (s->sample_ns > s->now_ns + SAMPLE_NS)
		s->sample_ns = s->now_ns + SAMPLE_NS;
}

void channel_sent(struct shard *s, struct channel *c, struct unread_entry entry)
{
	struct board_channel *b = &s->self->channels[c->worker];

	unread_push(&c->unread, entry);
	c->handed_off += entry.count;
	s->in_flight += entry.count;
	atomic_store_explicit(&s->self->in_flight, s->in_flight, memory_order_relaxed);
	atomic_store_explicit(&b->handed_off,
	                      atomic_load_explicit(&b->handed_off, memory_order_relaxed) + entry.count,
	                      memory_order_relaxed);
	publish(s, c);
	want_tick(s);
}

void channel_full(struct shard *s, struct channel *c)
{
	c->state = CHANNEL_FULL;
	want_tick(s);
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

uint32_t channel_room(struct shard *s, const struct channel *c)
{
	struct board_worker *w = &s->board->workers[c->worker];
	uint32_t window = s->plan->pools[c->pool].window;
	uint32_t open, room;

	if (c->state != CHANNEL_OPEN || unread_full(&c->unread) || c->unread.count >= window ||
	    atomic_load_explicit(&w->state, memory_order_relaxed) != BOARD_WORKER_READY)
		return 0;
	/* unread connections are descriptors in flight, of which the user id has one budget: a fair share of it */
	room = share_left(c->unread.count, atomic_load_explicit(&s->board->in_flight, memory_order_relaxed),
	                  s->board->in_flight_max, IN_FLIGHT_PARTS);
	room = min_u32(min_u32(room, window - c->unread.count), c->batch);
	open = atomic_load_explicit(&w->open, memory_order_relaxed);
	if (w->capacity)
		room = open >= w->capacity ? 0 : min_u32(room, w->capacity - open);
	return room;
}

/* ---- stuck ---- */

static bool somebody_else_has_room(struct shard *s, const struct channel *c)
{
	const struct shard_pool *pool = &s->pools[c->pool];

	for (uint32_t i = 0; i < pool->worker_count; i++)
		if (pool->workers[i] != c->worker && channel_room(s, &s->channels[pool->workers[i]]) > 0)
			return true;
	return false;
}

static void check_stuck(struct shard *s, struct channel *c)
{
	const struct unread_entry *oldest = unread_oldest(&c->unread);

	/* dropped: a worker that drains and has stopped reading */
	if (c->state != CHANNEL_OPEN && c->state != CHANNEL_FULL && c->state != CHANNEL_PROBING &&
	    (c->state != CHANNEL_DROPPED || c->asked))
		return;
	if (!oldest || oldest->count == 0)
		return;
	if (s->now_ns - oldest->sent_ns < s->plan->pools[c->pool].take_back_deadline_ns)
		return;
	if (!somebody_else_has_room(s, c))
		return;
	if (!order_tell(s,
	                (struct control){ .type = CONTROL_STUCK, .worker = c->worker, .number = c->number }))
		return; /* no room: at the next look */
	c->asked = true;
	if (c->state != CHANNEL_DROPPED)
		c->state = CHANNEL_STUCK;
	publish(s, c);
}

/* Sends a message without connections. It is unread like any other until it has been read. */
static int say(struct shard *s, struct channel *c, const void *message, size_t size)
{
	int r = unread_full(&c->unread) ? -EAGAIN : fdpass_send(c->fd, message, size, NULL, 0);

	if (r == 0)
		channel_sent(s, c, (struct unread_entry){ .bytes = (uint32_t)size, .sent_ns = s->now_ns });
	return r;
}

/* An empty message: when it has been read, somebody reads again. No connection is risked to find out. */
static void probe(struct shard *s, struct channel *c)
{
	const struct handoff_conns empty = { .head = handoff_head_of(HANDOFF_CONNS, sizeof(empty)),
		                             .sequence = ++c->sequence };
	int r = say(s, c, &empty, sizeof(empty));

	if (r < 0)
		channel_fault(s, c, r == -EPIPE ? CONTROL_FAULT_SHUT : CONTROL_FAULT_BLOCKED);
	else
		c->state = CHANNEL_PROBING;
}

/* A courtesy: the end of the channel says the same. */
static void say_goodbye(struct shard *s, struct channel *c, uint32_t why)
{
	const struct handoff_goaway goaway = { .head = handoff_head_of(HANDOFF_GOAWAY, sizeof(goaway)),
		                               .code = why };

	(void)say(s, c, &goaway, sizeof(goaway));
}

static void channel_free(struct shard *s, struct channel *c)
{
	while (!unread_empty(&c->unread))
		forget(s, c);
	publish(s, c);
	free(c->unread.entries);
	c->unread = (struct unread){ 0 };
	close_fd(&c->worker_end);
	c->state = CHANNEL_FREE;
}

void channel_reclaimed(struct shard *s, uint32_t worker)
{
	struct channel *c = &s->channels[worker];

	channel_sample(s, c);
	if (c->state == CHANNEL_DROPPED)
		channel_free(s, c);
	else if (c->state == CHANNEL_STUCK)
		probe(s, c);
}

/* ---- the end of a channel ---- */

static void tell_fault(struct shard *s, struct channel *c)
{
	const struct control fault = {
		.type = CONTROL_FAULT, .worker = c->worker, .number = c->number, .code = c->untold
	};

	if (c->state != CHANNEL_FAULTY || c->untold == CONTROL_FAULT_NONE)
		return;
	if (order_tell(s, fault))
		c->untold = CONTROL_FAULT_NONE;
	else
		want_tick(s);
}

void channel_fault(struct shard *s, struct channel *c, enum control_fault fault)
{
	if (c->state == CHANNEL_FAULTY || c->state == CHANNEL_DROPPED || c->state == CHANNEL_FREE)
		return;
	c->state = CHANNEL_FAULTY;
	c->untold = fault;
	tell_fault(s, c);
}

static void leave_pool(struct shard_pool *pool, uint32_t worker)
{
	for (uint32_t i = 0; i < pool->worker_count; i++)
		if (pool->workers[i] == worker)
			pool->workers[i] = pool->workers[--pool->worker_count];
}

/* By the worker itself, with DRAIN. */
static bool asked_for(const struct shard *s, const struct channel *c)
{
	return atomic_load_explicit(&s->board->workers[c->worker].state, memory_order_relaxed) ==
	       BOARD_WORKER_DRAINING;
}

void channel_drop(struct shard *s, uint32_t worker)
{
	struct channel *c = &s->channels[worker];

	if (c->state == CHANNEL_FREE || c->state == CHANNEL_DROPPED)
		return;
	leave_pool(&s->pools[c->pool], worker);
	say_goodbye(s, c, asked_for(s, c) ? 0 : HANDOFF_ERROR_DROPPED);
	/* the master has a duplicate of this end: a close alone would not end the channel for its readers */
	(void)shutdown(c->fd, SHUT_RDWR);
	/* the poll holds the socket open: it goes first */
	ring_cancel(&s->ring, channel_tag(c));
	ring_close(&s->ring, take_fd(&c->fd));
	c->generation++;
	c->state = CHANNEL_DROPPED;
	publish(s, c);
}

void channel_lost(struct shard *s, uint32_t worker)
{
	struct channel *c = &s->channels[worker];

	if (c->state != CHANNEL_DROPPED)
		return;
	channel_sample(s, c);
	while (!unread_empty(&c->unread)) {
		const struct unread_entry *entry = unread_oldest(&c->unread);
		struct ledger *row = books_row(&s->books, entry->listener);

		row->taken_back += entry->count;
		row->lost[LOST_RECLAIM_BLOCKED] += entry->count;
		forget(s, c);
	}
	channel_free(s, c);
}

void channel_goodbye_all(struct shard *s)
{
	for (uint32_t i = 0; i < WORKERS_MAX; i++)
		if (s->channels[i].fd >= 0 && s->channels[i].state != CHANNEL_FREE &&
		    s->channels[i].state != CHANNEL_DROPPED)
			say_goodbye(s, &s->channels[i], HANDOFF_ERROR_STOPPING);
}

/* ---- what workers say ---- */

/* @count connections are no longer open at the worker. False: it never had so many. */
static bool close_open(struct shard *s, const struct channel *c, uint64_t count)
{
	_Atomic uint32_t *open = &s->board->workers[c->worker].open;
	uint32_t now = atomic_load_explicit(open, memory_order_relaxed);

	do {
		if (count > now)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(open, &now, now - (uint32_t)count,
	                                                memory_order_relaxed, memory_order_relaxed));
	return true;
}

static bool on_done(struct shard *s, const struct channel *c, uint64_t count)
{
	return s->board->workers[c->worker].sends_done && close_open(s, c, count);
}

/* What did not arrive is in no DONE. */
static bool on_lost(struct shard *s, struct channel *c, const struct handoff_lost *lost)
{
	bool counted = s->board->workers[c->worker].sends_done;
	struct ledger *row;

	if (lost->listener >= s->plan->listener_count || lost->count > c->handed_off - c->lost)
		return false;
	if (counted && !close_open(s, c, lost->count))
		return false;
	c->lost += lost->count;
	row = books_row(&s->books, lost->listener);
	row->taken_back += lost->count;
	row->lost[LOST_WORKER_FDS] += lost->count;
	return true;
}

static enum control_fault on_message(struct shard *s, struct channel *c, const void *bytes, size_t size)
{
	const struct handoff_head *head = bytes;

	if (!handoff_head_check(bytes, size))
		return CONTROL_FAULT_MESSAGE;
	if (head->type == HANDOFF_DONE)
		return on_done(s, c, ((const struct handoff_done *)bytes)->count) ? CONTROL_FAULT_NONE
		                                                                  : CONTROL_FAULT_DONE;
	if (head->type == HANDOFF_LOST)
		return on_lost(s, c, bytes) ? CONTROL_FAULT_NONE : CONTROL_FAULT_MESSAGE;
	return CONTROL_FAULT_MESSAGE;
}

static enum control_fault read_messages(struct shard *s, struct channel *c)
{
	enum control_fault fault = CONTROL_FAULT_NONE;

	for (int i = 0; i < MESSAGES_PER_TURN && fault == CONTROL_FAULT_NONE; i++) {
		_Alignas(8) uint8_t bytes[HANDOFF_CONTROL_BYTES_MAX];
		struct fdpass_message info;
		int r = fdpass_receive(c->fd, bytes, sizeof(bytes), NULL, 0, &info);

		if (r == FDPASS_NOTHING)
			break;
		if (r != FDPASS_MESSAGE)
			return CONTROL_FAULT_SHUT;
		fault = info.cut ? CONTROL_FAULT_MESSAGE : on_message(s, c, bytes, info.size);
	}
	return fault;
}

void channel_on_ready(struct shard *s, uint32_t worker, uint32_t generation)
{
	struct channel *c = &s->channels[worker];
	enum control_fault fault;

	if (worker >= WORKERS_MAX || c->generation != generation || c->state == CHANNEL_FREE ||
	    c->state == CHANNEL_FAULTY)
		return;
	fault = read_messages(s, c);
	if (fault != CONTROL_FAULT_NONE)
		channel_fault(s, c, fault);
	else
		listen_to(s, c);
}

/* ---- the tick ---- */

/* True while it needs the tick. */
static bool tick_channel(struct shard *s, struct channel *c)
{
	if (c->state == CHANNEL_FREE)
		return false;
	channel_sample(s, c);
	/* nothing that could be read took the room: the kernel was short of memory */
	if (c->state == CHANNEL_FULL && unread_empty(&c->unread))
		c->state = CHANNEL_OPEN;
	check_stuck(s, c);
	tell_fault(s, c);
	return !unread_empty(&c->unread) || (c->state == CHANNEL_FAULTY && c->untold != CONTROL_FAULT_NONE);
}

void channel_turn(struct shard *s)
{
	bool again = false;

	if (s->now_ns < s->sample_ns)
		return;
	for (uint32_t i = 0; i < WORKERS_MAX; i++)
		again |= tick_channel(s, &s->channels[i]);
	s->sample_ns = again ? s->now_ns + SAMPLE_NS : UINT64_MAX;
}
