/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reclaimer's process: reads what a dead or stuck worker has not read out of its channels, one message at a time,
 * and gives each to a live shard, which puts the connections at the head of its queue. The kernel gives each message
 * to exactly one reader, so a connection is taken back or received, never both.
 *
 * It is a process of its own because a hostile worker can block whoever reads its channel; the master watches the
 * tick. Owns the fds of a message between reading it and giving it on, and says so on the board.
 *
 * Refuses to close a connection silently: one that no shard takes within HOLD_NS is reported as lost.
 */
#include "master/reclaimer.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "core/handoff.h"
#include "master/outbox.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "sys/sandbox.h"
#include "sys/shm.h"
#include "sys/signals.h"
#include "wire/board.h"
#include "wire/control.h"
#include "wire/retaken.h"

enum { TASKS_MAX = WORKERS_MAX, MESSAGES_PER_TURN = 16, START_WAIT_MS = 10000, TICK_MS = 200, RETRY_MS = 5 };

#define HOLD_NS (5 * NS_PER_S)

struct reclaimer;

struct task {
	struct reclaimer *reclaimer;
	int end; /* -1: free */
	struct loop_source source;
	uint64_t ticket;
	uint32_t shard;
	bool to_end;
	uint32_t count;
	struct retaken head;
};

struct reclaimer {
	struct loop loop;
	int control;
	/* what the master has no room for: an answer that is lost is a request for ever */
	struct outbox outbox;
	bool stopping;
	bool fresh; /* tasks came that nobody has looked at */
	struct loop_source control_source;
	struct board *board;
	int feeds[SHARDS_MAX];
	bool alive[SHARDS_MAX]; /* else its feed is kept for its successor */
	struct task tasks[TASKS_MAX];
};

static void tick(struct reclaimer *r, uint64_t ticket)
{
	atomic_store(&r->board->reclaimer_ticket, ticket);
	atomic_store(&r->board->reclaimer_tick_ns, clock_now_ns());
}

static void in_hand(struct reclaimer *r, uint32_t listener, uint32_t count)
{
	atomic_store(&r->board->reclaimer_hand_listener, listener);
	atomic_store(&r->board->reclaimer_hand_count, count);
}

/* A worker that only peeked may have set SO_LINGER: our close must not act on its behalf. */
static void close_connections(const int *fds, size_t count)
{
	const struct linger none = { 0 };

	for (size_t i = 0; i < count; i++)
		(void)setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	fdpass_close_all(fds, count);
}

static bool give_to(struct reclaimer *r, uint32_t shard, const uint8_t *bytes, size_t size, const int *fds,
                    size_t count)
{
	return r->feeds[shard] >= 0 && r->alive[shard] &&
	       fdpass_send(r->feeds[shard], bytes, size, fds, count) == 0;
}

/* The shard that had them first, then any other. */
static bool give(struct reclaimer *r, uint32_t first, const uint8_t *bytes, size_t size, const int *fds,
                 size_t count)
{
	for (uint32_t i = 0; i < SHARDS_MAX; i++)
		if (give_to(r, (first + i) % SHARDS_MAX, bytes, size, fds, count))
			return true;
	return false;
}

static void on_control(struct loop_source *source, uint32_t events);

/* Waits for a shard with room, or for the master to bring one; the master hears a pulse meanwhile. */
static bool give_patiently(struct reclaimer *r, const struct task *t, const uint8_t *bytes, size_t size,
                           const int *fds, size_t count)
{
	uint64_t until = clock_now_ns() + HOLD_NS;

	while (!give(r, t->shard, bytes, size, fds, count)) {
		struct pollfd wait = { .fd = r->control, .events = POLLIN };

		if (clock_now_ns() > until || r->stopping)
			return false;
		tick(r, 0);
		if (poll(&wait, 1, RETRY_MS) == 1 && wait.revents)
			on_control(&r->control_source, EPOLLIN);
	}
	return true;
}

static void watch_control(struct reclaimer *r)
{
	(void)loop_change(&r->loop, &r->control_source,
	                  outbox_empty(&r->outbox) ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

static void tell(struct reclaimer *r, const struct control *message)
{
	/* without its answers we are of no use to the master: it asks a successor again */
	if (outbox_send(&r->outbox, r->control, message, NULL, 0) < 0)
		r->stopping = true;
	if (!outbox_empty(&r->outbox))
		watch_control(r);
}

static void pass_on(struct reclaimer *r, struct task *t, const uint8_t *buffer, size_t size, const int *fds,
                    size_t count)
{
	const struct handoff_conns *conns =
		(const struct handoff_conns *)(const void *)(buffer + sizeof(t->head));

	in_hand(r, conns->listener, conns->count);
	if (give_patiently(r, t, buffer, size, fds, count)) {
		/* at once: what a shard has must not be reported as lost if we die here */
		in_hand(r, 0, 0);
		t->count += (uint32_t)count;
		fdpass_close_all(fds, count);
	} else {
		tell(r, &(struct control){
				.type = CONTROL_LOST, .listener = conns->listener, .count = conns->count });
		close_connections(fds, count);
	}
	in_hand(r, 0, 0);
}

/* enum fdpass_result or -errno, after one message at most. */
static int take_one(struct reclaimer *r, struct task *t)
{
	static _Alignas(8) uint8_t buffer[sizeof(struct retaken) + HANDOFF_BYTES_MAX];
	uint8_t *bytes = buffer + sizeof(struct retaken);
	const struct handoff_conns *conns = (const struct handoff_conns *)(const void *)bytes;
	struct fdpass_message info;
	int fds[FDPASS_FDS_MAX], result;

	tick(r, t->ticket);
	result = fdpass_receive(t->end, bytes, HANDOFF_BYTES_MAX, fds, FDPASS_FDS_MAX, &info);
	tick(r, 0);
	if (result != FDPASS_MESSAGE)
		return result;
	/* a GOAWAY, a probe: nothing to give on */
	if (!handoff_conns_check(bytes, info.size) || conns->count == 0) {
		close_connections(fds, info.fd_count);
		return FDPASS_MESSAGE;
	}
	memcpy(buffer, &t->head, sizeof(t->head));
	pass_on(r, t, buffer, sizeof(t->head) + info.size, fds, info.fd_count);
	return FDPASS_MESSAGE;
}

static void finish(struct reclaimer *r, struct task *t)
{
	loop_remove(&r->loop, &t->source);
	close_fd(&t->end);
	tell(r, &(struct control){
			.type = CONTROL_TAKEN, .ticket = t->ticket, .shard = t->shard, .count = t->count });
}

static void on_task(struct loop_source *source, uint32_t events)
{
	struct task *t = (struct task *)(void *)((char *)source - offsetof(struct task, source));

	for (int i = 0; i < MESSAGES_PER_TURN && t->end >= 0; i++) {
		int result = take_one(t->reclaimer, t);

		/* after a shard's end closes, a reset can come before the messages that are left */
		if (result == FDPASS_MESSAGE || result == -ECONNRESET)
			continue;
		if (result == FDPASS_NOTHING && t->to_end)
			return;
		finish(t->reclaimer, t);
	}
}

static void begin(struct reclaimer *r, const struct control *message, int end)
{
	struct task *t = NULL;

	for (uint32_t i = 0; i < TASKS_MAX && !t; i++)
		if (r->tasks[i].end < 0)
			t = &r->tasks[i];
	if (!t) {
		close_fd(&end);
		return; /* the master never has more than TASKS_MAX requests */
	}
	*t = (struct task){ .reclaimer = r,
		            .end = end,
		            .source = LOOP_SOURCE_NULL,
		            .ticket = message->ticket,
		            .shard = message->shard % SHARDS_MAX,
		            .to_end = message->code != 0,
		            .head = { .worker = message->worker, .number = message->number } };
	(void)loop_add(&r->loop, &t->source, end, EPOLLIN | EPOLLRDHUP, on_task);
	/* an empty channel would never be reported as ready; and not here, where another message may be in hand */
	r->fresh = true;
}

/* With a new feed, or (-1) alive again at the one it has. */
static void attach(struct reclaimer *r, uint32_t shard, int feed)
{
	if (feed >= 0) {
		close_fd(&r->feeds[shard]);
		r->feeds[shard] = feed;
	}
	r->alive[shard] = r->feeds[shard] >= 0;
}

static void obey(struct reclaimer *r, const struct control *message, int fds[CONTROL_FDS_MAX])
{
	switch (message->type) {
	case CONTROL_SHARD:
		if (message->shard < SHARDS_MAX)
			attach(r, message->shard, take_fd(&fds[0]));
		break;
	case CONTROL_SHARD_GONE:
		if (message->shard < SHARDS_MAX)
			r->alive[message->shard] = false;
		break;
	case CONTROL_TAKE:
		begin(r, message, take_fd(&fds[0]));
		break;
	default:
		break;
	}
}

static void on_control(struct loop_source *source, uint32_t events)
{
	struct reclaimer *r =
		(struct reclaimer *)(void *)((char *)source - offsetof(struct reclaimer, control_source));

	if (events & EPOLLOUT) {
		if (outbox_flush(&r->outbox, r->control) < 0)
			r->stopping = true;
		watch_control(r);
	}
	for (;;) {
		struct control message;
		int fds[CONTROL_FDS_MAX];
		int result = control_receive(r->control, &message, fds);

		if (result == FDPASS_NOTHING)
			return;
		if (result != FDPASS_MESSAGE) {
			r->stopping = true; /* the lifeline */
			return;
		}
		obey(r, &message, fds);
		fdpass_close_all(fds, CONTROL_FDS_MAX);
	}
}

static void look_at_fresh(struct reclaimer *r)
{
	if (!r->fresh)
		return;
	r->fresh = false;
	for (uint32_t i = 0; i < TASKS_MAX; i++)
		if (r->tasks[i].end >= 0)
			on_task(&r->tasks[i].source, EPOLLIN);
}

static int start(struct reclaimer *r)
{
	struct pollfd wait = { .fd = r->control, .events = POLLIN };
	struct control message;
	int fds[CONTROL_FDS_MAX], result;
	size_t size;
	void *map;

	if (poll(&wait, 1, START_WAIT_MS) != 1)
		return -ETIMEDOUT;
	result = control_receive(r->control, &message, fds);
	if (result != FDPASS_MESSAGE || message.type != CONTROL_START)
		return -EPROTO;
	result = shm_map(fds[0], 1, &map, &size);
	fdpass_close_all(fds, CONTROL_FDS_MAX);
	if (result < 0)
		return result;
	r->board = map;
	if (!board_check(map, size))
		return -EBADMSG;
	result = loop_init(&r->loop);
	if (result == 0)
		result = loop_add(&r->loop, &r->control_source, r->control, EPOLLIN, on_control);
	if (result == 0)
		result = sandbox_reclaimer(message.features);
	return result;
}

int reclaimer_main(int control_fd)
{
	static struct reclaimer r;

	signals_leave_to_master();
	r.control = control_fd;
	outbox_init(&r.outbox);
	for (uint32_t i = 0; i < SHARDS_MAX; i++)
		r.feeds[i] = -1;
	for (uint32_t i = 0; i < TASKS_MAX; i++)
		r.tasks[i].end = -1;
	if (start(&r) < 0)
		return EXIT_FAILURE;
	while (!r.stopping) {
		tick(&r, 0);
		if (loop_turn(&r.loop, r.fresh ? 0 : TICK_MS) < 0)
			return EXIT_FAILURE;
		look_at_fresh(&r);
	}
	return EXIT_SUCCESS;
}
