/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker table: death of workers, and what is left to take back.
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
#include "master/worker.h"
#include "sys/clock.h"
#include "sys/probe.h"

enum { HANG_UP_MESSAGES_MAX = 64 };

#define HELLO_DEADLINE_NS (5 * NS_PER_S)

void worker_tell_error(int fd, enum handoff_error_code code, const char *text)
{
	struct handoff_error error = { .head = handoff_head_of(HANDOFF_ERROR, sizeof(error)), .code = code };

	(void)snprintf(error.text, sizeof(error.text), "%s", text);
	(void)fdpass_send(fd, &error, sizeof(error), NULL, 0);
}

void worker_hang_up(int fd)
{
	char unread[HANDOFF_CONTROL_BYTES_MAX];
	struct fdpass_message info;

	if (fd < 0)
		return;
	(void)shutdown(fd, SHUT_RD);
	for (int i = 0; i < HANG_UP_MESSAGES_MAX; i++)
		if (fdpass_receive(fd, unread, sizeof(unread), NULL, 0, &info) != FDPASS_MESSAGE)
			break;
	close_fd(&fd);
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
void worker_free_if_done(struct worker *w)
{
	if (w->registration >= 0 || has_orphans(w))
		return;
	for (uint32_t i = 0; i < w->master->shard_count; i++)
		if (w->channels[i].end >= 0)
			return;
	atomic_store(&worker_board(w)->number, 0);
	atomic_store(&worker_board(w)->open, 0);
	worker_set_state(w, BOARD_WORKER_FREE);
	w->number = 0;
}

static void take_channel(struct worker *w, uint32_t shard)
{
	struct worker_channel *c = &w->channels[shard];

	c->wanted = true;
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
		worker_free_if_done(w);
}

void worker_tell_shard(struct master *m, uint32_t shard, enum control_type type, const struct worker *w)
{
	struct shard_process *p = &m->shards[shard];

	if (p->state == SHARD_RUNNING || p->state == SHARD_STOPPING)
		shards_send(p, &(struct control){ .type = type, .worker = w->row, .number = w->number }, NULL,
		            0);
}

/* The worker gets nothing more: its shards close their ends, so that its channels end after their last message. */
void worker_close_channels(struct worker *w)
{
	for (uint32_t i = 0; i < w->master->shard_count; i++)
		if (w->channels[i].end >= 0)
			worker_tell_shard(w->master, i, CONTROL_DROP, w);
}

void worker_gone(struct worker *w, const char *event, const char *why, enum config_log_level level)
{
	struct master *m = w->master;

	loop_remove(&m->loop, &w->source);
	loop_remove(&m->loop, &w->death);
	worker_hang_up(take_fd(&w->registration));
	close_fd(&w->pidfd);
	if (w->welcomed) {
		m->worker_count--;
		log_event(m, level, event, "ss ss sI si ss", "pool", m->config->pools[w->pool].name, "worker",
		          w->name, "id", (json_int_t)w->number, "pid", (int)w->pid, "why", why);
	}
	worker_set_state(w, BOARD_WORKER_GONE);
	worker_close_channels(w);
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
	worker_free_if_done(w);
}

void worker_drop(struct worker *w, const char *why)
{
	worker_tell_error(w->registration, HANDOFF_ERROR_DROPPED, why);
	worker_gone(w, "worker_dropped", why, CONFIG_LOG_WARNING);
}

static void channel_taken(struct worker *w, const struct reclaim_request *request, bool blocked)
{
	struct worker_channel *c = &w->channels[request->shard];

	c->taking = c->wanted = false;
	if (blocked || request->to_end) {
		close_fd(&c->end);
		close_fd(&c->shard_end);
		worker_tell_shard(w->master, request->shard, blocked ? CONTROL_LOST : CONTROL_RECLAIMED, w);
		worker_free_if_done(w);
	} else if (c->draining) {
		take_channel(w, request->shard); /* it died while it was only stuck */
	} else {
		worker_tell_shard(w->master, request->shard, CONTROL_RECLAIMED, w);
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
		worker_drop(w, control_fault_text(CONTROL_FAULT_BLOCKED));
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
		worker_drop(w, control_fault_text((enum control_fault)message->code));
}
/* ---- the tick ---- */

static bool has_others(const struct master *m, const struct worker *w)
{
	for (uint32_t i = 0; i < WORKERS_MAX; i++)
		if (m->workers[i].number != 0 && m->workers[i].number != w->number &&
		    m->workers[i].welcomed && m->workers[i].pool == w->pool &&
		    worker_state(&m->workers[i]) == BOARD_WORKER_READY)
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
		worker_reject(w, HANDOFF_ERROR_PROTOCOL, "no HELLO within 5 s");
	for (uint32_t i = 0; i < w->master->shard_count && w->number != 0; i++)
		if (w->channels[i].wanted)
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
			worker_tell_error(w->registration, HANDOFF_ERROR_STOPPING, "Usher is going down");
		loop_remove(&m->loop, &w->source);
		loop_remove(&m->loop, &w->death);
		close_fd(&w->registration);
		close_fd(&w->pidfd);
		for (uint32_t k = 0; k < m->shard_count; k++) {
			close_fd(&w->channels[k].end);
			close_fd(&w->channels[k].shard_end);
		}
	}
	for (uint32_t i = 0; i < CHANNELS_ORPHANED_MAX; i++)
		close_fd(&m->orphans[i].end);
}
