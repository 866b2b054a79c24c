/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker table: registration, channels, pausing, death, and what is left to take back.
 *
 * The master keeps a duplicate of the worker's end of every channel. When a worker dies or is dropped, its shards
 * close their ends and the reclaimer reads each channel to its end; when it is only stuck, until nothing is there.
 * The place in the table is free again when all its channels are done, so that a number never means two workers.
 *
 * Refuses to read a channel itself: a hostile worker can block whoever does.
 */
#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "master/master.h"
#include "sys/clock.h"
#include "sys/probe.h"

#define HELLO_DEADLINE_NS (5 * NS_PER_S)

enum { MESSAGES_PER_TURN = 16, CHANNEL_SEND_BUFFER = 4 << 20 };

static struct board_worker *board_of(const struct worker *w)
{
	return &w->master->board->workers[w->row];
}

static void set_state(struct worker *w, enum board_worker_state state)
{
	atomic_store(&board_of(w)->state, state);
}

static enum board_worker_state state_of(const struct worker *w)
{
	return (enum board_worker_state)atomic_load(&board_of(w)->state);
}

static void tell_error(int fd, enum handoff_error_code code, const char *text)
{
	struct handoff_error error = { .head = handoff_head_of(HANDOFF_ERROR, sizeof(error)), .code = code };

	(void)snprintf(error.text, sizeof(error.text), "%s", text);
	(void)fdpass_send(fd, &error, sizeof(error), NULL, 0);
}

/* ---- take-back ---- */

static bool has_orphans(const struct worker *w)
{
	const struct master *m = w->master;

	for (uint32_t i = 0; i < CHANNELS_ORPHANED_MAX && m->orphan_count > 0; i++)
		if (m->orphans[i].end >= 0 && m->orphans[i].number == w->number)
			return true;
	return false;
}

/* Gives the place back when nothing of the worker is left. */
static void free_if_done(struct worker *w)
{
	if (w->registration >= 0 || has_orphans(w))
		return;
	for (uint32_t i = 0; i < w->master->shard_count; i++)
		if (w->channels[i].end >= 0)
			return;
	atomic_store(&board_of(w)->number, 0);
	atomic_store(&board_of(w)->open, 0);
	set_state(w, BOARD_WORKER_FREE);
	w->number = 0;
}

static void take_channel(struct worker *w, uint32_t shard)
{
	struct worker_channel *c = &w->channels[shard];

	if (c->end < 0 || c->taking)
		return;
	c->taking = reclaim_take(w->master, (struct reclaim_request){ .row = w->row,
	                                                              .number = w->number,
	                                                              .shard = shard,
	                                                              .orphan = -1,
	                                                              .to_end = c->draining,
	                                                              .end = c->end });
}

static void take_orphan(struct master *m, uint32_t index)
{
	struct orphan *o = &m->orphans[index];

	if (o->end < 0 || o->taking)
		return;
	o->taking = reclaim_take(m, (struct reclaim_request){ .row = o->row,
	                                                      .number = o->number,
	                                                      .shard = o->shard,
	                                                      .orphan = (int)index,
	                                                      .to_end = o->draining,
	                                                      .end = o->end });
}

static void forget_orphan(struct master *m, struct orphan *o)
{
	struct worker *w = &m->workers[o->row];

	close_fd(&o->end);
	m->orphan_count--;
	if (w->number == o->number)
		free_if_done(w);
}

static void tell_shard(struct master *m, uint32_t shard, enum control_type type, const struct worker *w)
{
	struct shard_process *p = &m->shards[shard];

	if (p->state == SHARD_RUNNING || p->state == SHARD_STOPPING)
		shards_send(p, &(struct control){ .type = type, .worker = w->row, .number = w->number }, NULL,
		            0);
}

/* The worker gets nothing more: its shards close their ends, so that its channels end after their last message. */
static void close_channels(struct worker *w)
{
	for (uint32_t i = 0; i < w->master->shard_count; i++)
		if (w->channels[i].end >= 0)
			tell_shard(w->master, i, CONTROL_DROP, w);
}

static void gone(struct worker *w, const char *event, const char *why, enum config_log_level level)
{
	struct master *m = w->master;

	loop_remove(&m->loop, &w->source);
	loop_remove(&m->loop, &w->death);
	close_fd(&w->registration);
	close_fd(&w->pidfd);
	if (w->welcomed) {
		m->worker_count--;
		log_event(m, level, event, "ss ss sI si ss", "pool", m->config->pools[w->pool].name, "worker",
		          w->name, "id", (json_int_t)w->number, "pid", (int)w->pid, "why", why);
	}
	set_state(w, BOARD_WORKER_GONE);
	close_channels(w);
	for (uint32_t i = 0; i < m->shard_count; i++) {
		w->channels[i].draining = true;
		take_channel(w, i);
	}
	for (uint32_t i = 0; i < CHANNELS_ORPHANED_MAX && m->orphan_count > 0; i++) {
		if (m->orphans[i].end < 0 || m->orphans[i].number != w->number)
			continue;
		m->orphans[i].draining = true;
		take_orphan(m, i);
	}
	free_if_done(w);
}

static void drop(struct worker *w, const char *why)
{
	tell_error(w->registration, HANDOFF_ERROR_DROPPED, why);
	gone(w, "worker_dropped", why, CONFIG_LOG_WARNING);
}

static void channel_taken(struct worker *w, const struct reclaim_request *request, bool blocked)
{
	struct worker_channel *c = &w->channels[request->shard];

	c->taking = false;
	if (blocked || request->to_end) {
		close_fd(&c->end);
		tell_shard(w->master, request->shard, blocked ? CONTROL_LOST : CONTROL_RECLAIMED, w);
		free_if_done(w);
	} else if (c->draining) {
		take_channel(w, request->shard); /* it died while it was only stuck */
	} else {
		tell_shard(w->master, request->shard, CONTROL_RECLAIMED, w);
	}
}

static void orphan_taken(struct master *m, const struct reclaim_request *request, bool blocked)
{
	struct orphan *o = &m->orphans[request->orphan];

	if (o->end < 0 || o->number != request->number)
		return;
	o->taking = false;
	if (blocked || request->to_end)
		forget_orphan(m, o);
	else if (o->draining)
		take_orphan(m, (uint32_t)request->orphan);
}

void worker_taken(struct master *m, const struct reclaim_request *request, bool blocked)
{
	struct worker *w = &m->workers[request->row];

	/* whoever blocks its channel goes first, so that the shards' DROP is under way before their LOST */
	if (blocked && w->number == request->number && w->registration >= 0)
		drop(w, control_fault_text(CONTROL_FAULT_BLOCKED));
	if (request->orphan >= 0)
		orphan_taken(m, request, blocked);
	else if (w->number == request->number && w->channels[request->shard].end >= 0)
		channel_taken(w, request, blocked);
}

static struct worker *find(struct master *m, const struct control *message)
{
	struct worker *w;

	if (message->worker >= WORKERS_MAX)
		return NULL;
	w = &m->workers[message->worker];
	return w->number != 0 && w->number == message->number ? w : NULL;
}

void worker_on_stuck(struct master *m, const struct control *message)
{
	struct worker *w = find(m, message);

	if (!w || w->registration < 0)
		return;
	log_event(m, CONFIG_LOG_WARNING, "worker_stuck", "ss ss sI si si", "pool",
	          m->config->pools[w->pool].name, "worker", w->name, "id", (json_int_t)w->number, "pid",
	          (int)w->pid, "shard", (int)message->shard);
	if (message->shard < m->shard_count)
		take_channel(w, message->shard);
}

void worker_on_fault(struct master *m, const struct control *message)
{
	struct worker *w = find(m, message);

	if (w && w->registration >= 0 && message->code < CONTROL_FAULT_COUNT)
		drop(w, control_fault_text((enum control_fault)message->code));
}

/* ---- channels ---- */

static bool wants_shard(const struct worker *w, const struct shard_process *p)
{
	return !(w->flags & HANDOFF_HELLO_ONE_CPU) || p->cpu == w->cpu;
}

/* A new channel: the shard is told, the worker's end is kept and borrowed to @ret_end. 0 or -errno. */
static int open_channel(struct worker *w, struct shard_process *p)
{
	const struct control message = { .type = CONTROL_WORKER,
		                         .worker = w->row,
		                         .number = w->number,
		                         .pool = w->pool,
		                         .batch = w->batch };
	const int off = 0, buffer = CHANNEL_SEND_BUFFER;
	int pair[2], r = fdpass_pair(pair);

	if (r < 0)
		return r;
	/* as much as the system allows; nobody may send us fds, where the kernel can refuse them */
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	if (w->master->features & feature_bit(FEATURE_PASSRIGHTS))
		(void)setsockopt(pair[0], SOL_SOCKET, PROBE_SO_PASSRIGHTS, &off, sizeof(off));
	shards_send(p, &message, pair, 2);
	close_fd(&pair[0]);
	w->channels[p->index] = (struct worker_channel){ .end = pair[1] };
	return 0;
}

static int welcome(struct worker *w, const int *ends, size_t count)
{
	const struct handoff_welcome message = {
		.head = handoff_head_of(HANDOFF_WELCOME, sizeof(message)),
		.worker = w->number,
		.generation = w->master->generation,
		.channels = (uint32_t)count,
		.pid = (uint32_t)getpid(),
	};

	return fdpass_send(w->registration, &message, sizeof(message), ends, count);
}

static int connect_all(struct worker *w)
{
	struct master *m = w->master;
	int ends[SHARDS_MAX];
	size_t count = 0;

	for (uint32_t i = 0; i < m->shard_count; i++) {
		int r;

		if (!wants_shard(w, &m->shards[i]) || m->shards[i].state != SHARD_RUNNING)
			continue;
		r = open_channel(w, &m->shards[i]);
		if (r < 0)
			return r;
		ends[count++] = w->channels[i].end;
	}
	return welcome(w, ends, count);
}

void worker_connect_shard(struct master *m, struct shard_process *p)
{
	for (uint32_t i = 0; i < WORKERS_MAX; i++) {
		struct worker *w = &m->workers[i];
		int r;

		if (w->registration < 0 || !w->welcomed || !wants_shard(w, p) ||
		    state_of(w) == BOARD_WORKER_DRAINING)
			continue;
		r = open_channel(w, p);
		if (r == 0)
			r = welcome(w, &w->channels[p->index].end, 1);
		if (r < 0)
			drop(w, "does not read its registration socket");
	}
}

static struct orphan *free_orphan(struct master *m)
{
	for (uint32_t i = 0; i < CHANNELS_ORPHANED_MAX; i++)
		if (m->orphans[i].end < 0)
			return &m->orphans[i];
	return NULL;
}

static void orphan_channel(struct worker *w, uint32_t shard)
{
	struct worker_channel *c = &w->channels[shard];
	struct orphan *o = free_orphan(w->master);

	if (!o) {
		close_fd(
			&c->end); /* the worker still has what is in it; only a take-back is no longer possible */
	} else {
		*o = (struct orphan){ .end = take_fd(&c->end),
			              .row = w->row,
			              .number = w->number,
			              .shard = shard,
			              .since_ns = clock_now_ns(),
			              .taking = c->taking,
			              .draining = c->draining };
		w->master->orphan_count++;
		reclaim_orphaned(w->master, w->row, shard, (int)(o - w->master->orphans));
	}
	*c = (struct worker_channel){ .end = -1 };
	free_if_done(w);
}

void worker_shard_died(struct master *m, uint32_t shard)
{
	for (uint32_t i = 0; i < WORKERS_MAX; i++)
		if (m->workers[i].number != 0 && m->workers[i].channels[shard].end >= 0)
			orphan_channel(&m->workers[i], shard);
}

/* ---- registration ---- */

static bool cpu_exists(const struct master *m, uint32_t cpu)
{
	for (uint32_t i = 0; i < m->shard_count; i++)
		if (m->shards[i].cpu == cpu)
			return true;
	return false;
}

static void enter_board(struct worker *w, const struct handoff_hello *hello)
{
	struct board_worker *b = board_of(w);

	w->flags = hello->flags;
	w->capacity = hello->capacity;
	w->batch = hello->batch;
	w->cpu = hello->cpu;
	memcpy(w->name, hello->name, sizeof(w->name));
	b->capacity = hello->capacity;
	b->batch = hello->batch;
	b->pool = w->pool;
	b->sends_done = hello->flags & HANDOFF_HELLO_SENDS_DONE;
	atomic_store(&b->open, hello->open); /* what it has from an Usher before this one */
	atomic_store(&b->number, w->number);
	set_state(w, BOARD_WORKER_READY);
}

static void reject(struct worker *w, enum handoff_error_code code, const char *why)
{
	log_event(w->master, CONFIG_LOG_WARNING, "worker_refused", "ss si si ss", "pool",
	          w->master->config->pools[w->pool].name, "pid", (int)w->pid, "uid", (int)w->uid, "why", why);
	tell_error(w->registration, code, why);
	gone(w, "", "", CONFIG_LOG_DEBUG);
}

static void on_hello(struct worker *w, const struct handoff_hello *hello)
{
	struct master *m = w->master;
	const char *why;
	int r;

	if (w->welcomed) {
		drop(w, "sent HELLO twice");
		return;
	}
	if (!handoff_hello_check(hello, &why)) {
		reject(w, HANDOFF_ERROR_PROTOCOL, why);
		return;
	}
	if ((hello->flags & HANDOFF_HELLO_ONE_CPU) && !cpu_exists(m, hello->cpu)) {
		reject(w, HANDOFF_ERROR_CPU,
		       "no shard runs on the CPU that HELLO asks for; see usherctl shards");
		return;
	}
	enter_board(w, hello);
	r = connect_all(w);
	if (r < 0) {
		reject(w, HANDOFF_ERROR_FULL, strerror(-r));
		return;
	}
	w->welcomed = true;
	m->worker_count++;
	log_event(m, CONFIG_LOG_INFO, "worker_registered", "ss ss sI si si", "pool",
	          m->config->pools[w->pool].name, "worker", w->name, "id", (json_int_t)w->number, "pid",
	          (int)w->pid, "uid", (int)w->uid);
}

static void on_message(struct worker *w, const void *bytes, size_t size)
{
	const struct handoff_head *head = bytes;

	if (size >= sizeof(*head) && head->version != HANDOFF_VERSION) {
		reject(w, HANDOFF_ERROR_VERSION, "this Usher speaks version 1 of the worker protocol");
		return;
	}
	if (!handoff_head_check(bytes, size) || (!w->welcomed && head->type != HANDOFF_HELLO)) {
		if (w->welcomed)
			drop(w, control_fault_text(CONTROL_FAULT_MESSAGE));
		else
			reject(w, HANDOFF_ERROR_PROTOCOL, "expected HELLO as docs/protocol.md describes it");
		return;
	}
	switch (head->type) {
	case HANDOFF_HELLO:
		on_hello(w, bytes);
		break;
	case HANDOFF_PAUSE:
		if (state_of(w) == BOARD_WORKER_READY)
			set_state(w, BOARD_WORKER_PAUSED);
		break;
	case HANDOFF_RESUME:
		if (state_of(w) == BOARD_WORKER_PAUSED)
			set_state(w, BOARD_WORKER_READY);
		break;
	case HANDOFF_DRAIN:
		set_state(w, BOARD_WORKER_DRAINING);
		close_channels(w);
		break;
	default:
		drop(w, control_fault_text(CONTROL_FAULT_MESSAGE));
	}
}

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct worker *w = (struct worker *)(void *)((char *)source - offsetof(struct worker, source));

	for (int i = 0; i < MESSAGES_PER_TURN && w->registration >= 0; i++) {
		_Alignas(8) uint8_t bytes[HANDOFF_CONTROL_BYTES_MAX];
		struct fdpass_message info;
		int r = fdpass_receive(w->registration, bytes, sizeof(bytes), NULL, 0, &info);

		if (r == FDPASS_NOTHING)
			return;
		if (r == FDPASS_MESSAGE)
			on_message(w, bytes, info.cut ? 0 : info.size);
		else
			gone(w, "worker_gone", "its registration ended", CONFIG_LOG_INFO);
	}
}

static void on_death(struct loop_source *source, uint32_t events)
{
	struct worker *w = (struct worker *)(void *)((char *)source - offsetof(struct worker, death));

	gone(w, "worker_gone", "its process ended", CONFIG_LOG_INFO);
}

static struct worker *free_place(struct master *m)
{
	for (uint32_t i = 0; i < WORKERS_MAX; i++)
		if (m->workers[i].number == 0)
			return &m->workers[i];
	return NULL;
}

static void watch_death(struct worker *w)
{
	socklen_t size = sizeof(w->pidfd);

	if (!(w->master->features & feature_bit(FEATURE_PEERPIDFD)) ||
	    getsockopt(w->registration, SOL_SOCKET, PROBE_SO_PEERPIDFD, &w->pidfd, &size) < 0)
		w->pidfd = -1;
	else
		(void)loop_add(&w->master->loop, &w->death, w->pidfd, EPOLLIN, on_death);
}

static int enter(struct master *m, uint32_t pool, int fd, const struct ucred *peer)
{
	struct worker *w = free_place(m);
	uint32_t row;
	int r;

	if (!w)
		return -ENOSPC;
	row = (uint32_t)(w - m->workers);
	*w = (struct worker){ .master = m,
		              .row = row,
		              .number = ++m->next_worker,
		              .pool = pool,
		              .registration = fd,
		              .pidfd = -1,
		              .source = LOOP_SOURCE_NULL,
		              .death = LOOP_SOURCE_NULL,
		              .pid = peer->pid,
		              .uid = peer->uid,
		              .since_ns = clock_now_ns() };
	for (uint32_t i = 0; i < SHARDS_MAX; i++)
		w->channels[i].end = -1;
	r = loop_add(&m->loop, &w->source, fd, EPOLLIN, on_ready);
	if (r < 0)
		w->number = 0;
	else
		watch_death(w);
	return r;
}

static void deny(struct master *m, uint32_t pool, const struct ucred *peer, int fd)
{
	log_event(m, CONFIG_LOG_WARNING, "worker_refused", "ss si si ss", "pool", m->config->pools[pool].name,
	          "pid", (int)peer->pid, "uid", (int)peer->uid, "why",
	          "its user is not in the pool's `users` or `groups`");
	tell_error(fd, HANDOFF_ERROR_DENIED,
	           "your user may not register: add it to the pool's `users` or `groups`");
}

void worker_admit(struct master *m, uint32_t pool, int fd)
{
	_cleanup_close_ int owned = fd;
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return;
	if (m->state != MASTER_RUNNING) {
		tell_error(fd, HANDOFF_ERROR_STOPPING, "Usher is going down");
		return;
	}
	if (!pool_may_register(m, pool, peer.uid, peer.gid)) {
		deny(m, pool, &peer, fd);
		return;
	}
	if (enter(m, pool, fd, &peer) == 0)
		(void)take_fd(&owned);
	else
		tell_error(fd, HANDOFF_ERROR_FULL, "the table of workers is full");
}

/* ---- the tick ---- */

static bool has_others(const struct master *m, const struct worker *w)
{
	for (uint32_t i = 0; i < WORKERS_MAX; i++)
		if (m->workers[i].number != 0 && m->workers[i].number != w->number &&
		    m->workers[i].welcomed && m->workers[i].pool == w->pool &&
		    state_of(&m->workers[i]) == BOARD_WORKER_READY)
			return true;
	return false;
}

/* Nobody samples a dead shard's channel any more: see whether it is empty, or its worker stuck. */
static void tick_orphan(struct master *m, uint32_t index, uint64_t now_ns)
{
	struct orphan *o = &m->orphans[index];
	const struct worker *w = &m->workers[o->row];
	int left = 0;

	if (o->taking)
		return;
	if (o->draining) {
		take_orphan(m, index);
		return;
	}
	if (ioctl(o->end, FIONREAD, &left) < 0 || left == 0)
		forget_orphan(m, o);
	else if (now_ns - o->since_ns > m->config->pools[w->pool].take_back_deadline_ns && has_others(m, w))
		take_orphan(m, index);
}

static void tick_worker(struct worker *w, uint64_t now_ns)
{
	if (w->registration >= 0 && !w->welcomed && now_ns - w->since_ns > HELLO_DEADLINE_NS)
		reject(w, HANDOFF_ERROR_PROTOCOL, "no HELLO within 5 s");
	for (uint32_t i = 0; i < w->master->shard_count && w->number != 0; i++)
		if (w->channels[i].draining)
			take_channel(w, i);
}

void worker_tick(struct master *m, uint64_t now_ns)
{
	for (uint32_t i = 0; i < WORKERS_MAX; i++)
		if (m->workers[i].number != 0)
			tick_worker(&m->workers[i], now_ns);
	for (uint32_t i = 0; i < CHANNELS_ORPHANED_MAX && m->orphan_count > 0; i++)
		if (m->orphans[i].end >= 0)
			tick_orphan(m, i, now_ns);
}

void worker_close_all(struct master *m)
{
	for (uint32_t i = 0; i < WORKERS_MAX; i++) {
		struct worker *w = &m->workers[i];

		if (w->number == 0)
			continue;
		if (w->registration >= 0)
			tell_error(w->registration, HANDOFF_ERROR_STOPPING, "Usher is going down");
		loop_remove(&m->loop, &w->source);
		loop_remove(&m->loop, &w->death);
		close_fd(&w->registration);
		close_fd(&w->pidfd);
		for (uint32_t k = 0; k < m->shard_count; k++)
			close_fd(&w->channels[k].end);
	}
	for (uint32_t i = 0; i < CHANNELS_ORPHANED_MAX; i++)
		close_fd(&m->orphans[i].end);
}
