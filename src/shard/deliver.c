/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the queue to a worker: who gets how many, the message, the send, the close.
 *
 * All connections of one listener for one worker that are ready in this turn go in one message; batching comes from
 * load, never from waiting. The send is a system call of its own and not a ring operation: it costs one call a batch,
 * its result is known before anything is closed, and nothing can be parked in the ring while its fds change meaning.
 * Our copy of a connection is closed only after the send has succeeded; from then on the kernel's queue holds it.
 *
 * Refuses to wait: what can't be sent now stays at the head of the queue.
 */
#include "shard/shard.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "core/handoff.h"

static void enqueue(struct shard *s, uint32_t index)
{
	struct slot *slot = &s->slots.table[index];

	slot->state = SLOT_QUEUED;
	books_row(&s->books, slot->listener)->queued++;
	s->pools[s->listeners[slot->listener].plan->pool].queued++;
}

void deliver_enqueue(struct shard *s, uint32_t index)
{
	struct slot *slot = &s->slots.table[index];
	struct shard_listener *l = &s->listeners[slot->listener];
	const struct shard_pool *pool = &s->pools[l->plan->pool];

	slot->deadline_ns = s->now_ns + pool->plan->queue_deadline_ns;
	slot_list_append(&s->slots, &l->queue, index);
	enqueue(s, index);
	/* accepting has stopped at queue_size; what was in its header then may still come, up to twice that */
	if (pool->queued > 2 * pool->plan->queue_size + ACCEPT_WINDOW)
		conn_refuse(s, index, REFUSED_QUEUE_FULL);
}

/* Where a connection with this deadline belongs: behind which one. They come in order, so the last place is a start. */
static uint32_t place_of(const struct shard *s, const struct shard_listener *l, uint64_t deadline_ns)
{
	const struct slot *table = s->slots.table;
	uint32_t after = l->retaken, next;

	if (after == SLOT_NONE || table[after].state != SLOT_QUEUED ||
	    s->listeners + table[after].listener != l || table[after].deadline_ns > deadline_ns)
		after = SLOT_NONE;
	next = after == SLOT_NONE ? l->queue.head : table[after].next;
	while (next != SLOT_NONE && table[next].deadline_ns <= deadline_ns) {
		after = next;
		next = table[next].next;
	}
	return after;
}

void deliver_enqueue_again(struct shard *s, uint32_t index)
{
	struct slot *slot = &s->slots.table[index];
	struct shard_listener *l = &s->listeners[slot->listener];

	slot_list_insert(&s->slots, &l->queue, index, place_of(s, l, slot->deadline_ns));
	l->retaken = index;
	enqueue(s, index);
}

/* The listener of this pool whose first connection has waited longest. */
static struct shard_listener *oldest_queue(struct shard *s, uint32_t pool)
{
	struct shard_listener *oldest = NULL;
	uint64_t first = UINT64_MAX;

	for (uint32_t i = 0; i < s->plan->listener_count; i++) {
		struct shard_listener *l = &s->listeners[i];

		if (l->plan->pool != pool || l->queue.head == SLOT_NONE)
			continue;
		if (s->slots.table[l->queue.head].deadline_ns < first) {
			first = s->slots.table[l->queue.head].deadline_ns;
			oldest = l;
		}
	}
	return oldest;
}

/* ---- the message ---- */

struct delivery {
	uint32_t count;
	size_t size;
	int fds[HANDOFF_FDS_MAX];
	uint32_t slots[HANDOFF_FDS_MAX];
};

static void fill_record(const struct shard *s, const struct slot *slot, const struct plan_listener *l,
                        struct handoff_conn *record, uint32_t data_offset)
{
	*record = (struct handoff_conn){
		.id = slot->id,
		.deadline = slot->deadline_ns,
		.flags = slot->flags,
		.proxy_version = slot->proxy_version,
		.vendor = l->vendor,
		.unix_bytes = (uint16_t)slot->unix_bytes,
		.data_offset = data_offset,
		.tlv_bytes = slot->tlv_bytes,
		.peer = slot->peer,
		.source = slot->source,
		.destination = slot->destination,
	};
}

/* How many from the head of the queue fit into one message, at most @max; and how large their data is. */
static uint32_t count_fitting(const struct shard *s, const struct slot_list *queue, uint32_t max,
                              size_t *ret_data)
{
	uint32_t count = 0;
	size_t data = 0;

	for (uint32_t i = queue->head; i != SLOT_NONE && count < max; i = s->slots.table[i].next) {
		size_t more = s->slots.table[i].unix_bytes + s->slots.table[i].tlv_bytes;
		size_t size = sizeof(struct handoff_conns) + (count + 1) * sizeof(struct handoff_conn) +
		              data + more;

		if (size > HANDOFF_BYTES_MAX)
			break;
		data += more;
		count++;
	}
	*ret_data = data;
	return count;
}

/* @buffer holds HANDOFF_BYTES_MAX and is 8-byte aligned. */
static void build(const struct shard *s, const struct shard_listener *l, struct channel *c, uint8_t *buffer,
                  uint32_t max, struct delivery *ret)
{
	struct handoff_conns *conns = (struct handoff_conns *)(void *)buffer;
	struct handoff_conn *records = (struct handoff_conn *)(void *)(buffer + sizeof(*conns));
	size_t data, at;
	uint32_t index = l->queue.head;

	ret->count = count_fitting(s, &l->queue, max, &data);
	at = sizeof(*conns) + ret->count * sizeof(*records);
	ret->size = at + data;
	*conns = (struct handoff_conns){ .head = handoff_head_of(HANDOFF_CONNS, ret->size),
		                         .count = ret->count,
		                         .listener = (uint32_t)(l - s->listeners),
		                         .sequence = ++c->sequence };
	for (uint32_t i = 0; i < ret->count; i++) {
		const struct slot *slot = &s->slots.table[index];
		size_t bytes = slot->unix_bytes + slot->tlv_bytes;

		fill_record(s, slot, l->plan, &records[i], (uint32_t)at);
		if (bytes > 0)
			stash_copy(&s->stash, &slot->stash, slot->data_skip, buffer + at, bytes);
		at += bytes;
		ret->fds[i] = slot->fd;
		ret->slots[i] = index;
		index = slot->next;
	}
}

/* ---- reservations ---- */

/* Adds up to @want to @counter without passing @max; returns how many. */
static uint32_t reserve(_Atomic uint32_t *counter, uint32_t max, uint32_t want)
{
	uint32_t now = atomic_load_explicit(counter, memory_order_relaxed), take;

	do {
		take = now >= max ? 0 : max - now < want ? max - now : want;
	} while (take > 0 && !atomic_compare_exchange_weak_explicit(
				     counter, &now, now + take, memory_order_relaxed, memory_order_relaxed));
	return take;
}

static void unreserve(_Atomic uint32_t *counter, uint32_t count)
{
	atomic_fetch_sub_explicit(counter, count, memory_order_relaxed);
}

/*
 * Room at the worker and in the user id's budget of fds in flight, of both or neither. Open connections are counted
 * only for a worker that says when it has finished one: of others the number would only grow.
 */
static uint32_t reserve_both(struct shard *s, const struct channel *c, uint32_t want)
{
	struct board_worker *w = &s->board->workers[c->worker];
	uint32_t max = w->capacity ? w->capacity : UINT32_MAX;
	uint32_t open = w->sends_done ? reserve(&w->open, max, want) : want;
	uint32_t flight = reserve(&s->board->in_flight, s->board->in_flight_max, open);

	if (w->sends_done)
		unreserve(&w->open, open - flight);
	if (open > 0 && flight == 0)
		s->pools[c->pool].no_budget = true;
	return flight;
}

static void unreserve_both(struct shard *s, const struct channel *c, uint32_t count)
{
	struct board_worker *w = &s->board->workers[c->worker];

	if (w->sends_done)
		unreserve(&w->open, count);
	unreserve(&s->board->in_flight, count);
}

/* ---- the send ---- */

static void delivered(struct shard *s, struct channel *c, struct shard_listener *l, const struct delivery *d)
{
	struct ledger *row = books_row(&s->books, (uint32_t)(l - s->listeners));

	channel_sent(s, c,
	             (struct unread_entry){ .bytes = (uint32_t)d->size,
	                                    .count = (uint16_t)d->count,
	                                    .listener = (uint16_t)(l - s->listeners),
	                                    .sent_ns = s->now_ns });
	row->handed_off += d->count;
	row->queued -= d->count;
	row->unread += d->count;
	s->pools[c->pool].queued -= d->count;
	for (uint32_t i = 0; i < d->count; i++) {
		slot_list_remove(&s->slots, &l->queue, d->slots[i]);
		ring_close(&s->ring, d->fds[i]);
		stash_release(&s->stash, &s->slots.table[d->slots[i]].stash);
		slots_give(&s->slots, d->slots[i]);
	}
	s->conns -= d->count;
}

static void send_failed(struct shard *s, struct channel *c, int error)
{
	switch (error) {
	case -EAGAIN:
	case -ENOBUFS:
	case -ENOMEM:
		channel_full(s, c);
		break;
	case -ETOOMANYREFS:
		/* the user id's budget is spent by somebody else too: wait for anything to be read */
		s->pools[c->pool].no_budget = true;
		break;
	case -EPERM:
		channel_fault(s, c, CONTROL_FAULT_RIGHTS);
		break;
	case -EPIPE:
	case -ECONNRESET:
		channel_fault(s, c, CONTROL_FAULT_SHUT);
		break;
	default:
		books_note(&s->books, BOARD_NOTE_CHANNEL_ERROR, -error, BOARD_NO_LISTENER, s->now_ns);
		channel_full(s, c);
	}
}

/* Sends one message of at most @max connections. False: nothing was sent, and the channel or pool says why. */
static bool deliver(struct shard *s, struct channel *c, struct shard_listener *l, uint32_t max)
{
	static _Alignas(8) uint8_t buffer[HANDOFF_BYTES_MAX];
	struct delivery d;
	uint32_t got = reserve_both(s, c, max < HANDOFF_FDS_MAX ? max : HANDOFF_FDS_MAX);
	int r;

	if (got == 0)
		return false;
	build(s, l, c, buffer, got, &d);
	assert(d.count > 0);
	unreserve_both(s, c, got - d.count);
	r = fdpass_send(c->fd, buffer, d.size, d.fds, d.count);
	if (r < 0) {
		c->sequence--;
		unreserve_both(s, c, d.count);
		send_failed(s, c, r);
		return false;
	}
	delivered(s, c, l, &d);
	return true;
}

/* ---- the choice ---- */

static uint32_t load_of(const struct shard *s, const struct channel *c, bool by_open)
{
	return by_open ? atomic_load_explicit(&s->board->workers[c->worker].open, memory_order_relaxed)
	               : c->unread.count;
}

/* Open connections can rank workers only if all of them say when they have finished one. */
static bool all_report(const struct shard *s, const struct shard_pool *pool)
{
	for (uint32_t i = 0; i < pool->worker_count; i++)
		if (!s->board->workers[pool->workers[i]].sends_done)
			return false;
	return true;
}

static uint32_t gather(struct shard *s, const struct shard_pool *pool, struct choose_candidate *candidates)
{
	bool by_open = all_report(s, pool);
	uint32_t with_room = 0;

	for (uint32_t i = 0; i < pool->worker_count; i++) {
		const struct channel *c = &s->channels[pool->workers[i]];

		candidates[i].load = load_of(s, c, by_open);
		candidates[i].room = channel_room(s, c);
		with_room += candidates[i].room > 0;
	}
	return with_room;
}

static void sample_all(struct shard *s, const struct shard_pool *pool)
{
	for (uint32_t i = 0; i < pool->worker_count; i++)
		channel_sample(s, &s->channels[pool->workers[i]]);
}

/* Looks again at what is unread, then who has room. */
static uint32_t gather_afresh(struct shard *s, const struct shard_pool *pool,
                              struct choose_candidate *candidates)
{
	sample_all(s, pool);
	return gather(s, pool, candidates);
}

static void deliver_pool(struct shard *s, uint32_t index)
{
	static struct choose_candidate candidates[WORKERS_MAX];
	struct shard_pool *pool = &s->pools[index];
	bool sent = false;

	/* what has been read since is the budget that there is */
	if (pool->no_budget)
		sample_all(s, pool);
	pool->no_budget = false;
	/* ends: each round sends something, or takes a channel out, or stops */
	while (pool->queued > 0 && !pool->no_budget) {
		uint32_t with_room = gather(s, pool, candidates);
		uint32_t share;
		int best;

		if (with_room == 0)
			with_room = gather_afresh(s, pool, candidates);
		if (with_room == 0)
			break;
		best = choose_worker((enum choose_policy)pool->plan->choose, candidates, pool->worker_count,
		                     pool->rotate);
		assert(best >= 0);
		pool->rotate = (uint32_t)best + 1;
		share = choose_share(pool->queued, with_room);
		if (share > candidates[best].room)
			share = candidates[best].room;
		if (deliver(s, &s->channels[pool->workers[best]], oldest_queue(s, index), share))
			sent = true;
		else if (channel_room(s, &s->channels[pool->workers[best]]) > 0)
			break;
	}
	if (pool->queued == 0)
		pool->starved_ns = 0;
	else if (sent || pool->starved_ns == 0)
		pool->starved_ns = s->now_ns;
}

void deliver_turn(struct shard *s)
{
	for (uint32_t i = 0; i < s->plan->pool_count; i++)
		if (s->pools[i].queued > 0)
			deliver_pool(s, i);
		else
			s->pools[i].starved_ns = 0;
}
