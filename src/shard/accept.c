/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets of a shard: what is armed on them, when accepting pauses, and which way it is done.
 *
 * Multishot costs nothing to keep armed but can't tell the peer's address and takes the whole backlog at once. A
 * window of single-shot accepts tells the address and takes no more than the window, for a submission each. `auto`
 * uses multishot while the shard keeps up and has room for all that it can take at once, and the window otherwise.
 *
 * Refuses to re-arm at once after the kernel ran out of something: that spins without end.
 */
#include "shard/shard.h"

#include <errno.h>

#include "base/cleanup.h"
#include "core/share.h"
#include "sys/clock.h"
#include "sys/probe.h"

enum {
	BUSY_ACCEPTS = 64, /* in one turn: the shard does not keep up */
	QUIET_ACCEPTS = 8, /* in one turn: it does */
	QUIET_TURNS = 32, /* in a row, before multishot is tried again */
	SLOTS_HYSTERESIS = 256,
};

#define RETRY_NS (100 * NS_PER_MS)
#define NOTE_NS (10 * NS_PER_S) /* a shortage that lasts is told of so often */
#define RENEW_NS (5 * NS_PER_MS)
#define RENEW_FOR_NS (10 * NS_PER_S)

static bool may_multishot(const struct shard *s, const struct acceptor *a)
{
	return (s->features & feature_bit(FEATURE_MULTISHOT)) &&
	       s->plan->listeners[a->listener].accept != PLAN_ACCEPT_WINDOW;
}

/* Room for whatever a multishot accept takes before it can be paused: as much as the ring holds completions for. */
static bool has_room_for_backlog(const struct shard *s)
{
	return s->conns_max >= s->conns + RING_CQ_ENTRIES;
}

int accept_add(struct shard *s, int fd, uint32_t listener)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	struct acceptor *a;

	if (s->acceptor_count == ACCEPTORS_MAX || listener >= s->plan->listener_count ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
		close_fd(&fd);
		return -EINVAL;
	}
	a = &s->acceptors[s->acceptor_count++];
	*a = (struct acceptor){ .fd = fd,
		                .listener = listener,
		                .pauses = ACCEPT_PAUSE_UNARMED,
		                .window = SLOT_LIST_EMPTY,
		                .renew_ns = UINT64_MAX };
	a->window_mode = !may_multishot(s, a) || (s->plan->listeners[listener].accept == PLAN_ACCEPT_AUTO &&
	                                          !has_room_for_backlog(s));
	s->listeners[listener].peer_size = (uint32_t)size;
	return 0;
}

static uint32_t acceptor_index(const struct shard *s, const struct acceptor *a)
{
	return (uint32_t)(a - s->acceptors);
}

/* Taken-back connections must always find a slot. */
static bool may_take_slot(const struct shard *s)
{
	return s->slots.count - s->slots.used > FDPASS_FDS_MAX;
}

static void arm_one(struct shard *s, struct acceptor *a)
{
	uint32_t index = slots_take(&s->slots);
	struct slot *slot;

	if (index == SLOT_NONE)
		return;
	slot = &s->slots.table[index];
	slot->state = SLOT_ACCEPTING;
	slot->listener = (uint8_t)acceptor_index(s, a);
	slot->address_size = sizeof(slot->address);
	slot_list_append(&s->slots, &a->window, index);
	ring_accept_one(&s->ring, a->fd, (struct sockaddr *)&slot->address, &slot->address_size,
	                op_tag_pack(OP_ACCEPT_ONE, index, slot->generation));
}

/* No more at once than there is room for, shared among the listening sockets; never none. */
static uint32_t window_max(const struct shard *s)
{
	uint32_t room = s->conns < s->conns_max ? (s->conns_max - s->conns) / s->acceptor_count : 0;

	return room < 1 ? 1 : room < ACCEPT_WINDOW ? room : ACCEPT_WINDOW;
}

static void arm(struct shard *s, struct acceptor *a)
{
	uint32_t window = window_max(s);

	if (a->cancelling && (a->multi_armed || a->window.count > 0))
		return;
	a->cancelling = false;
	if (a->pauses)
		return;
	if (!a->window_mode && !a->multi_armed) {
		a->multi_armed = true;
		ring_accept_multi(&s->ring, a->fd,
		                  op_tag_pack(OP_ACCEPT_MULTI, acceptor_index(s, a), ++a->generation));
	}
	while (a->window_mode && a->window.count < window && may_take_slot(s))
		arm_one(s, a);
}

static void cancel_multi(struct shard *s, const struct acceptor *a)
{
	ring_cancel(&s->ring, op_tag_pack(OP_ACCEPT_MULTI, acceptor_index(s, a), a->generation));
}

static void cancel_one(struct shard *s, uint32_t index)
{
	ring_cancel(&s->ring, op_tag_pack(OP_ACCEPT_ONE, index, s->slots.table[index].generation));
}

/*
 * Cancelled accepts complete with -ECANCELED, or with a last connection. Each by its tag, which the kernel looks up:
 * for all that wait on one fd it would search everything that waits, once for each.
 *
 * Until they have completed they can still take a wake-up that was meant for a new one: nothing is armed before.
 */
static void cancel(struct shard *s, struct acceptor *a)
{
	a->cancelling = true;
	if (a->multi_armed)
		cancel_multi(s, a);
	for (uint32_t i = a->window.head; i != SLOT_NONE; i = s->slots.table[i].next)
		cancel_one(s, i);
}

static void pause_for(struct shard *s, struct acceptor *a, enum accept_pause why)
{
	if (a->pauses & why)
		return;
	if (a->pauses == 0)
		cancel(s, a);
	a->pauses |= why;
}

static void resume_from(struct acceptor *a, enum accept_pause why)
{
	a->pauses &= ~(uint32_t)why;
}

void accept_arm(struct shard *s)
{
	for (uint32_t i = 0; i < s->acceptor_count; i++) {
		struct acceptor *a = &s->acceptors[i];

		resume_from(a, ACCEPT_PAUSE_UNARMED);
		a->armed_ns = s->now_ns;
		a->renew_ns = s->now_ns + RENEW_NS;
	}
}

void accept_disarm(struct shard *s)
{
	for (uint32_t i = 0; i < s->acceptor_count; i++)
		pause_for(s, &s->acceptors[i], ACCEPT_PAUSE_UNARMED);
}

bool accept_idle(const struct shard *s)
{
	for (uint32_t i = 0; i < s->acceptor_count; i++)
		if (s->acceptors[i].multi_armed || s->acceptors[i].window.count > 0)
			return false;
	return true;
}

void accept_close(struct shard *s)
{
	for (uint32_t i = 0; i < s->acceptor_count; i++)
		close_fd(&s->acceptors[i].fd);
}

/*
 * Resource: the connection stays in the backlog (the fd is reserved first), and re-arming at once would fail at once.
 * A dead client's error (ECONNABORTED, EPROTO, …) concerns only that client.
 */
static void accept_failed(struct shard *s, struct acceptor *a, int error)
{
	if (error == -EINVAL && !a->window_mode) {
		a->window_mode = true; /* no multishot here after all */
		return;
	}
	switch (error) {
	case -ECANCELED:
	case -EINTR:
	case -EAGAIN:
	case -ECONNABORTED:
	case -EPROTO:
	case -ENETDOWN:
	case -EHOSTDOWN:
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -ENONET:
	case -ENOPROTOOPT:
	case -EOPNOTSUPP:
		break;
	default:
		if (s->now_ns - a->noted_ns >= NOTE_NS) {
			a->noted_ns = s->now_ns;
			books_note(&s->books, BOARD_NOTE_ACCEPT_PAUSED, -error, a->listener, s->now_ns);
		}
		pause_for(s, a, ACCEPT_PAUSE_RESOURCE);
		a->retry_ns = s->now_ns + RETRY_NS;
	}
}

void accept_on_multi(struct shard *s, uint32_t index, uint32_t generation, const struct ring_event *e)
{
	struct acceptor *a = &s->acceptors[index];
	uint32_t slot;

	/* whatever the result: without F_MORE nothing is armed any more */
	if (!(e->flags & IORING_CQE_F_MORE) && generation == a->generation)
		a->multi_armed = false;
	if (e->result < 0) {
		accept_failed(s, a, e->result);
		return;
	}
	a->turn_count++;
	slot = may_take_slot(s) && s->conns < s->conns_max ? slots_take(&s->slots) : SLOT_NONE;
	if (slot != SLOT_NONE) {
		conn_begin(s, slot, a->listener, e->result);
		return;
	}
	books_row(&s->books, a->listener)->accepted++;
	books_row(&s->books, a->listener)->refused[REFUSED_FD_LIMIT]++;
	ring_close(&s->ring, e->result);
}

void accept_on_one(struct shard *s, uint32_t index, const struct ring_event *e)
{
	struct slot *slot = &s->slots.table[index];
	struct acceptor *a = &s->acceptors[slot->listener];

	slot_list_remove(&s->slots, &a->window, index);
	if (e->result < 0) {
		slots_give(&s->slots, index);
		accept_failed(s, a, e->result);
		return;
	}
	a->turn_count++;
	conn_begin(s, index, a->listener, e->result);
}

static void choose_mode(struct shard *s, struct acceptor *a)
{
	bool multishot = may_multishot(s, a), room = has_room_for_backlog(s);

	if (s->plan->listeners[a->listener].accept == PLAN_ACCEPT_AUTO && multishot) {
		a->quiet_turns = a->turn_count < QUIET_ACCEPTS ? a->quiet_turns + 1 : 0;
		if (!a->window_mode && (a->turn_count >= BUSY_ACCEPTS || !room)) {
			cancel(s, a);
			a->window_mode = true;
		} else if (a->window_mode && room && a->quiet_turns >= QUIET_TURNS) {
			cancel(s, a);
			a->window_mode = false;
		}
	}
	a->turn_count = 0;
}

static void check_pauses(struct shard *s, struct acceptor *a)
{
	const struct shard_pool *pool = &s->pools[s->plan->listeners[a->listener].pool];

	if (s->conns >= s->conns_max)
		pause_for(s, a, ACCEPT_PAUSE_SLOTS);
	else if (s->conns + SLOTS_HYSTERESIS <= s->conns_max || s->conns <= s->conns_max / 2)
		resume_from(a, ACCEPT_PAUSE_SLOTS);
	if (pool->queued >= pool->plan->queue_size ||
	    share_left(pool->queued, s->conns, s->conns_max, 1) == 0)
		pause_for(s, a, ACCEPT_PAUSE_QUEUE);
	else if (pool->queued <= pool->plan->queue_size / 2)
		resume_from(a, ACCEPT_PAUSE_QUEUE);
	if ((a->pauses & ACCEPT_PAUSE_RESOURCE) && s->now_ns >= a->retry_ns) {
		resume_from(a, ACCEPT_PAUSE_RESOURCE);
		books_note(&s->books, BOARD_NOTE_ACCEPT_RESUMED, 0, a->listener, s->now_ns);
	}
}

/*
 * The ring of a shard that was killed is taken down some time after its process is gone, and until then each connection
 * that comes wakes one of its accepts instead of ours. It waits in the backlog, which only a fresh accept looks at:
 * there is one after 5 ms, and then each time as much later as has passed since the word to accept.
 */
static void renew(struct shard *s, struct acceptor *a)
{
	uint64_t passed = s->now_ns - a->armed_ns;

	if (s->now_ns < a->renew_ns || a->pauses)
		return;
	a->renew_ns = passed < RENEW_FOR_NS ? s->now_ns + passed : UINT64_MAX;
	if (a->multi_armed)
		cancel_multi(s, a);
	if (a->window.head != SLOT_NONE)
		cancel_one(s, a->window.head);
}

static enum board_accept accept_mode(const struct acceptor *a)
{
	if (a->pauses & ACCEPT_PAUSE_UNARMED)
		return BOARD_ACCEPT_OFF;
	if (a->pauses)
		return BOARD_ACCEPT_PAUSED;
	return a->window_mode ? BOARD_ACCEPT_WINDOW : BOARD_ACCEPT_MULTISHOT;
}

void accept_turn(struct shard *s)
{
	for (uint32_t i = 0; i < s->acceptor_count; i++) {
		struct acceptor *a = &s->acceptors[i];

		check_pauses(s, a);
		choose_mode(s, a);
		renew(s, a);
		arm(s, a);
	}
	if (s->acceptor_count > 0)
		atomic_store_explicit(&s->self->accept, accept_mode(&s->acceptors[0]), memory_order_relaxed);
}

uint64_t accept_deadline(const struct shard *s)
{
	uint64_t first = UINT64_MAX;

	for (uint32_t i = 0; i < s->acceptor_count; i++) {
		const struct acceptor *a = &s->acceptors[i];

		if ((a->pauses & ACCEPT_PAUSE_RESOURCE) && a->retry_ns < first)
			first = a->retry_ns;
		if (a->pauses == 0 && a->renew_ns < first)
			first = a->renew_ns;
	}
	return first;
}
