/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the master orders and what it is told. The control socket is also the lifeline: when it ends, the master is
 * gone, and this shard stops accepting, finishes what it holds within the plan's orphan deadline, and leaves.
 */
#include "shard/shard.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/clock.h"
#include "sys/shm.h"

enum { ORDERS_PER_TURN = 64, START_WAIT_MS = 10000 };

bool order_tell(struct shard *s, struct control message)
{
	int r;

	message.shard = s->index;
	message.slot = s->slot;
	r = control_send(s->control_fd, &message, NULL, 0);
	/* any other error: it is gone, and nobody is left to tell */
	return r != -EAGAIN && r != -ENOBUFS;
}

static int map_plan(struct shard *s, int fd)
{
	void *map;
	size_t size;
	int r = shm_map(fd, 0, &map, &size);

	if (r < 0)
		return r;
	s->plan = map;
	return plan_check(map, size) ? 0 : -EBADMSG;
}

static int map_board(struct shard *s, int fd)
{
	void *map;
	size_t size;
	int r = shm_map(fd, 1, &map, &size);

	if (r < 0)
		return r;
	s->board = map;
	return board_check(map, size) && s->slot < GENERATIONS_MAX && s->index < s->board->shards ? 0
	                                                                                          : -EBADMSG;
}

int order_start(struct shard *s, int control_fd)
{
	struct pollfd wait = { .fd = control_fd, .events = POLLIN };
	struct control start;
	int fds[CONTROL_FDS_MAX], r;

	s->control_fd = control_fd;
	if (poll(&wait, 1, START_WAIT_MS) != 1)
		return -ETIMEDOUT;
	r = control_receive(control_fd, &start, fds);
	if (r != FDPASS_MESSAGE || start.type != CONTROL_START)
		return r < 0 ? r : -EPROTO;
	s->slot = start.slot;
	s->index = start.shard;
	s->instance = start.number;
	s->features = start.features;
	s->cpu = start.cpu;
	s->retaken_fd = fds[2];
	r = map_plan(s, fds[0]);
	if (r == 0)
		r = map_board(s, fds[1]);
	close_fd(&fds[0]);
	close_fd(&fds[1]);
	close_fd(&fds[3]);
	return r;
}

static void stop(struct shard *s, uint64_t deadline_ns)
{
	accept_disarm(s);
	if (!s->stopping || deadline_ns < s->stop_ns)
		s->stop_ns = deadline_ns;
	s->stopping = true;
	atomic_store_explicit(&s->self->state, BOARD_SHARD_STOPPING, memory_order_relaxed);
}

static void add_worker(struct shard *s, const struct control *order, int fds[CONTROL_FDS_MAX])
{
	int r = channel_add(s, order, take_fd(&fds[0]), take_fd(&fds[1]));

	if (r < 0)
		books_note(&s->books, BOARD_NOTE_CHANNEL_ERROR, -r, BOARD_NO_LISTENER, s->now_ns);
}

/* Connections that were read back and then went down with the reclaimer. */
static void lost_on_the_way(struct shard *s, const struct control *order)
{
	struct ledger *row;

	if (order->listener >= s->plan->listener_count)
		return;
	row = books_row(&s->books, order->listener);
	row->taken_back += order->count;
	row->lost[LOST_RECLAIM_BLOCKED] += order->count;
}

static bool names_worker(const struct control *order)
{
	return order->type == CONTROL_DROP || order->type == CONTROL_RECLAIMED ||
	       (order->type == CONTROL_LOST && order->worker != CONTROL_NO_WORKER);
}

static void obey(struct shard *s, const struct control *order, int fds[CONTROL_FDS_MAX])
{
	if (names_worker(order) && order->worker >= WORKERS_MAX)
		return;
	switch (order->type) {
	case CONTROL_LISTENER:
		(void)accept_add(s, take_fd(&fds[0]), order->listener);
		break;
	case CONTROL_WORKER:
		add_worker(s, order, fds);
		break;
	case CONTROL_SHARD:
		retake_replace(s, take_fd(&fds[0]));
		break;
	case CONTROL_ARM:
		accept_arm(s);
		break;
	case CONTROL_DROP:
		channel_drop(s, order->worker);
		break;
	case CONTROL_RECLAIMED:
		channel_reclaimed(s, order->worker);
		break;
	case CONTROL_LOST:
		if (order->worker == CONTROL_NO_WORKER)
			lost_on_the_way(s, order);
		else
			channel_lost(s, order->worker);
		break;
	case CONTROL_STOP:
		stop(s, order->deadline_ns);
		break;
	default:
		break;
	}
}

void order_turn(struct shard *s)
{
	/* nobody will ever accept from them again, and a new Usher needs their address */
	if (s->orphaned && accept_idle(s))
		accept_close(s);
	if (s->control_fd >= 0 && !s->control_armed) {
		s->control_armed = true;
		ring_poll(&s->ring, s->control_fd, POLLIN, op_tag_pack(OP_CONTROL, 0, 0));
	}
}

void order_on_ready(struct shard *s)
{
	s->control_armed = false;
	for (int i = 0; i < ORDERS_PER_TURN; i++) {
		struct control order;
		int fds[CONTROL_FDS_MAX];
		int r = control_receive(s->control_fd, &order, fds);

		if (r == FDPASS_NOTHING)
			return;
		if (r == -EBADMSG) {
			/* no room for its fds: whatever it was about is missing, but the master is there */
			books_note(&s->books, BOARD_NOTE_ORDER_CUT, 0, BOARD_NO_LISTENER, s->now_ns);
			continue;
		}
		if (r != FDPASS_MESSAGE) {
			close_fd(&s->control_fd);
			s->orphaned = true;
			stop(s, s->now_ns + s->plan->orphan_deadline_ns);
			return;
		}
		obey(s, &order, fds);
		for (int k = 0; k < CONTROL_FDS_MAX; k++)
			close_fd(&fds[k]);
	}
}
