/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shard's process: set-up, sandbox, and the loop.
 *
 * One turn: harvest completions, let each part do what is due, publish the books, then one io_uring_enter() that
 * submits everything and waits. Nothing acts on an event from outside that loop. Started by exec, so that no ring or
 * channel of another process is open here.
 */
#include "shard/shard.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "core/fd_budget.h"
#include "shard/shard_main.h"
#include "sys/clock.h"
#include "sys/error_text.h"
#include "sys/probe.h"
#include "sys/sandbox.h"
#include "sys/signals.h"
#include "sys/uring_error.h"

#define TICK_NS (250 * NS_PER_MS)
#define STARVED_NS (NS_PER_MS / 4)
#define STARVED_MAX_NS (4 * NS_PER_MS)

enum { STASH_CHUNKS_EXTRA = 4096 };

static void on_slot(struct shard *s, struct op_tag tag, const struct ring_event *e)
{
	if (!slots_get(&s->slots, tag.index, tag.generation)) {
		buffers_give(&s->buffers, e->flags);
		return;
	}
	switch (tag.op) {
	case OP_ACCEPT_ONE:
		accept_on_one(s, tag.index, e);
		break;
	case OP_PEER:
		conn_on_peer(s, tag.index, e);
		break;
	case OP_PEEK:
		conn_on_peek(s, tag.index, e);
		break;
	case OP_POLL:
		conn_on_poll(s, tag.index, e);
		break;
	case OP_DISCARD:
		conn_on_discard(s, tag.index, e);
		break;
	case OP_NONE:
	case OP_ACCEPT_MULTI:
	case OP_CLOSE:
	case OP_CONTROL:
	case OP_RETAKEN:
	case OP_CHANNEL:
	case OP_COUNT:
		break;
	}
}

static void on_event(struct shard *s, const struct ring_event *e)
{
	struct op_tag tag = op_tag_unpack(e->tag);

	switch (tag.op) {
	case OP_ACCEPT_MULTI:
		if (tag.index < s->acceptor_count)
			accept_on_multi(s, tag.index, tag.generation, e);
		break;
	case OP_CLOSE:
		books_note(&s->books, BOARD_NOTE_CLOSE_ERROR, -e->result, BOARD_NO_LISTENER, s->now_ns);
		break;
	case OP_CONTROL:
		order_on_ready(s);
		break;
	case OP_RETAKEN:
		retake_on_ready(s, tag.generation);
		break;
	case OP_CHANNEL:
		if (e->result != -ECANCELED)
			channel_on_ready(s, tag.index, tag.generation);
		break;
	case OP_ACCEPT_ONE:
	case OP_PEER:
	case OP_PEEK:
	case OP_POLL:
	case OP_DISCARD:
		on_slot(s, tag, e);
		break;
	case OP_NONE:
	case OP_COUNT:
		break;
	}
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* No event tells that a worker has read: looked at more rarely the longer it takes, at most a quarter later than that. */
static uint64_t starved_until(const struct shard *s, const struct shard_pool *pool)
{
	uint64_t wait = (s->now_ns - pool->starved_ns) / 4;

	if (pool->starved_ns == 0 || pool->worker_count == 0)
		return UINT64_MAX;
	return s->now_ns + (wait < STARVED_NS ? STARVED_NS : earliest(wait, STARVED_MAX_NS));
}

/* How long the next wait may last. */
static uint64_t patience(struct shard *s)
{
	uint64_t until = s->now_ns + TICK_NS, now;

	if (ring_has_more(&s->ring))
		return 0;
	for (uint32_t i = 0; i < s->plan->pool_count; i++)
		until = earliest(until, starved_until(s, &s->pools[i]));
	until = earliest(until, conn_deadline(s));
	until = earliest(until, accept_deadline(s));
	until = earliest(until, s->sample_ns);
	if (s->stopping)
		until = earliest(until, s->stop_ns);
	now = clock_now_ns();
	/* at least a little: a deadline that its state does not let pass yet must not spin */
	return until > now + STARVED_NS ? until - now : STARVED_NS;
}

static void tick(struct shard *s)
{
	atomic_store_explicit(&s->self->tick_ns, s->now_ns, memory_order_relaxed);
	atomic_store_explicit(&s->self->slots_used, s->conns, memory_order_relaxed);
	atomic_store_explicit(&s->self->cq_overflows, ring_overflows(&s->ring), memory_order_relaxed);
}

static void turn(struct shard *s)
{
	static struct ring_event events[RING_HARVEST_MAX];
	unsigned count = ring_harvest(&s->ring, events);

	s->now_ns = clock_now_ns();
	for (unsigned i = 0; i < count; i++)
		on_event(s, &events[i]);
	conn_expire(s);
	retake_turn(s);
	deliver_turn(s);
	channel_turn(s);
	if (s->stopping && s->now_ns >= s->stop_ns)
		conn_refuse_all(s, REFUSED_SHUTDOWN);
	accept_turn(s);
	order_turn(s);
	buffers_flush(&s->buffers);
	books_publish(&s->books);
	tick(s);
}

static bool finished(struct shard *s)
{
	return s->stopping && s->conns == 0 && accept_idle(s) && !retake_last(s);
}

/* ---- set-up ---- */

static uint32_t conns_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) < 0 ? FD_BUDGET_CONNS_MIN : fd_budget_conns(limit.rlim_cur);
}

static void prepare_tables(struct shard *s)
{
	s->self = board_shard(s->board, s->slot, s->index);
	s->sample_ns = UINT64_MAX;
	for (uint32_t i = 0; i < s->plan->listener_count; i++)
		s->listeners[i] = (struct shard_listener){ .plan = &s->plan->listeners[i],
			                                   .header = SLOT_LIST_EMPTY,
			                                   .queue = SLOT_LIST_EMPTY,
			                                   .retaken = SLOT_NONE };
	for (uint32_t i = 0; i < s->plan->pool_count; i++)
		s->pools[i].plan = &s->plan->pools[i];
	books_init(&s->books, s->board, s->slot, s->index);
}

static int prepare_memory(struct shard *s)
{
	uint32_t acceptors = s->plan->listener_count;
	int r;

	s->conns_max = conns_limit();
	r = slots_init(&s->slots, s->conns_max + acceptors * ACCEPT_WINDOW + FDPASS_FDS_MAX + 1);
	if (r < 0)
		return r;
	return stash_init(&s->stash, s->conns_max + STASH_CHUNKS_EXTRA);
}

static int prepare_ring(struct shard *s)
{
	int r = ring_init(&s->ring, s->features);

	if (r == 0)
		r = buffers_init(&s->buffers, &s->ring);
	if (r == 0)
		r = ring_enable(&s->ring, s->features);
	return r;
}

static int prepare(struct shard *s)
{
	struct control answer = { .type = CONTROL_READY };
	int r;

	prepare_tables(s);
	r = prepare_memory(s);
	if (r < 0)
		(void)snprintf(answer.text, sizeof(answer.text), "no memory for %u connections",
		               s->conns_max);
	if (r == 0) {
		r = prepare_ring(s);
		if (r < 0)
			(void)uring_refusal(-r, answer.text, sizeof(answer.text));
	}
	if (r == 0) {
		r = sandbox_shard(s->features);
		if (r < 0)
			(void)snprintf(
				answer.text, sizeof(answer.text),
				"the sandbox can't be set up: %s; --without seccomp or landlock leaves it out",
				error_text(-r));
	}
	answer.type = r < 0 ? CONTROL_FAILED : CONTROL_READY;
	answer.error = r;
	answer.features = s->features;
	(void)order_tell(s, answer);
	return r;
}

static void pin(uint32_t cpu)
{
	cpu_set_t set;

	if (cpu >= CPU_SETSIZE)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

int shard_main(int control_fd)
{
	static struct shard s;
	int r;

	signals_leave_to_master();
	r = order_start(&s, control_fd);
	if (r < 0)
		return EXIT_FAILURE;
	pin(s.cpu);
	if (prepare(&s) < 0)
		return EXIT_FAILURE;
	atomic_store_explicit(&s.self->slots, s.conns_max, memory_order_relaxed);
	atomic_store_explicit(&s.self->features, s.features, memory_order_relaxed);
	atomic_store_explicit(&s.self->state, BOARD_SHARD_RUNNING, memory_order_relaxed);
	for (;;) {
		turn(&s);
		if (finished(&s))
			break;
		r = ring_turn(&s.ring, patience(&s));
		if (r < 0)
			return EXIT_FAILURE;
	}
	channel_goodbye_all(&s);
	books_publish(&s.books);
	atomic_store_explicit(&s.self->state, BOARD_SHARD_OFF, memory_order_relaxed);
	return EXIT_SUCCESS;
}
