/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reclaimer as seen from the master: requests, their answers, and a deadline. A worker can hold its channel's read
 * lock and block whoever reads it; the reclaimer is then killed and replaced, that channel is given up, and every
 * other request is asked again of the successor.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "master/master.h"
#include "master/roles.h"
#include "sys/clock.h"
#include "sys/error_text.h"

#define BLOCKED_NS (2 * NS_PER_S)
#define RESPAWN_NS (100 * NS_PER_MS)

enum { END_WAITS_MAX = 100, END_WAIT_MS = 5 };

static void send_or_kill(struct reclaim *r, const struct control *message, const int *fds, size_t count)
{
	if (r->control < 0)
		return;
	if (outbox_send(&r->outbox, r->control, message, fds, count) < 0 && r->pid > 0)
		(void)kill(r->pid, SIGKILL);
	if (!outbox_empty(&r->outbox))
		(void)loop_change(&r->master->loop, &r->source, EPOLLIN | EPOLLOUT);
}

static void ask(struct reclaim *r, const struct reclaim_request *request)
{
	const struct control take = { .type = CONTROL_TAKE,
		                      .worker = request->row,
		                      .number = request->number,
		                      .ticket = request->ticket,
		                      .shard = request->shard,
		                      .code = request->to_end };

	send_or_kill(r, &take, &request->end, 1);
}

bool reclaim_take(struct master *m, struct reclaim_request request)
{
	struct reclaim *r = &m->reclaim;

	for (uint32_t i = 0; i < RECLAIM_REQUESTS_MAX; i++) {
		struct reclaim_request *free = &r->requests[i];

		if (free->ticket != 0)
			continue;
		request.ticket = ++r->next_ticket;
		request.end = fcntl(request.end, F_DUPFD_CLOEXEC, 3);
		if (request.end < 0)
			return false;
		*free = request;
		r->waiting++;
		ask(r, free);
		return true;
	}
	return false;
}

void reclaim_orphaned(struct master *m, uint32_t row, uint32_t shard, int orphan)
{
	for (uint32_t i = 0; i < RECLAIM_REQUESTS_MAX && m->reclaim.waiting > 0; i++) {
		struct reclaim_request *request = &m->reclaim.requests[i];

		if (request->ticket != 0 && request->row == row && request->shard == shard &&
		    request->orphan < 0)
			request->orphan = orphan;
	}
}

/* Frees the request before its owner hears of it: the owner may ask for more. */
static void finish(struct reclaim *r, struct reclaim_request *request, bool blocked)
{
	struct reclaim_request done = *request;

	close_fd(&request->end);
	request->ticket = 0;
	r->waiting--;
	worker_taken(r->master, &done, blocked);
}

static struct reclaim_request *find(struct reclaim *r, uint64_t ticket)
{
	for (uint32_t i = 0; i < RECLAIM_REQUESTS_MAX; i++)
		if (ticket != 0 && r->requests[i].ticket == ticket)
			return &r->requests[i];
	return NULL;
}

/* ---- what was lost ---- */

static struct shard_process *living_shard(struct master *m)
{
	for (uint32_t i = 0; i < m->shard_count; i++)
		if (m->shards[i].state == SHARD_RUNNING)
			return &m->shards[i];
	return NULL;
}

static void tell_lost(struct master *m)
{
	struct shard_process *p = living_shard(m);

	for (uint32_t i = 0; i < LISTENERS_MAX && p; i++) {
		const struct control message = { .type = CONTROL_LOST,
			                         .worker = CONTROL_NO_WORKER,
			                         .listener = i,
			                         .count = m->reclaim.lost[i] };

		if (m->reclaim.lost[i] > 0)
			shards_send(p, &message, NULL, 0);
		m->reclaim.lost[i] = 0;
	}
}

static void note_lost(struct master *m, uint32_t listener, uint32_t count)
{
	if (listener >= LISTENERS_MAX || count == 0)
		return;
	log_event(m, CONFIG_LOG_ERROR, "reclaim_lost", "ss si", "listener",
	          listener < m->config->listener_count ? m->config->listeners[listener].name : "?", "count",
	          (int)count);
	m->reclaim.lost[listener] += count;
	tell_lost(m);
}

/* ---- the process ---- */

static void on_message(struct reclaim *r, const struct control *message)
{
	struct reclaim_request *request;

	switch (message->type) {
	case CONTROL_LOST:
		note_lost(r->master, message->listener, message->count);
		break;
	case CONTROL_TAKEN:
		request = find(r, message->ticket);
		if (message->count > 0)
			log_event(r->master, CONFIG_LOG_INFO, "taken_back", "si si", "shard",
			          (int)message->shard, "connections", (int)message->count);
		if (request)
			finish(r, request, false);
		break;
	default:
		break;
	}
}

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct reclaim *r = (struct reclaim *)(void *)((char *)source - offsetof(struct reclaim, source));

	if (events & EPOLLOUT)
		(void)outbox_flush(&r->outbox, r->control);
	(void)loop_change(&r->master->loop, source, outbox_empty(&r->outbox) ? EPOLLIN : EPOLLIN | EPOLLOUT);
	while (r->control >= 0) {
		struct control message;
		int fds[CONTROL_FDS_MAX];
		int result = control_receive(r->control, &message, fds);

		if (result == FDPASS_NOTHING)
			return;
		if (result != FDPASS_MESSAGE) {
			loop_remove(&r->master->loop, source);
			if (r->pid > 0)
				(void)kill(r->pid, SIGKILL);
			return;
		}
		fdpass_close_all(fds, CONTROL_FDS_MAX);
		on_message(r, &message);
	}
}

void reclaim_attach_shard(struct master *m, struct shard_process *p)
{
	const struct control message = { .type = CONTROL_SHARD, .shard = p->index };
	int pair[2];

	if (m->reclaim.control < 0 || fdpass_pair(pair) < 0)
		return;
	send_or_kill(&m->reclaim, &message, &pair[0], 1);
	close_fd(&pair[0]);
	close_fd(&p->retaken);
	p->retaken = pair[1];
	p->retaken_stale = false;
}

void reclaim_shard_gone(struct master *m, uint32_t shard)
{
	const struct control message = { .type = CONTROL_SHARD_GONE, .shard = shard };

	send_or_kill(&m->reclaim, &message, NULL, 0);
}

void reclaim_shard_ready(struct master *m, struct shard_process *p)
{
	const struct control alive = { .type = CONTROL_SHARD, .shard = p->index };

	if (p->retaken >= 0 && !p->retaken_stale) {
		send_or_kill(&m->reclaim, &alive, NULL, 0);
	} else {
		reclaim_attach_shard(m, p);
		if (p->retaken >= 0)
			shards_send(p, &alive, &p->retaken, 1);
	}
	tell_lost(m);
}

int reclaim_start(struct master *m)
{
	struct reclaim *r = &m->reclaim;
	const struct control start = { .type = CONTROL_START, .features = m->features };
	int pair[2], result = fdpass_pair(pair);

	if (result < 0)
		return result;
	r->master = m;
	r->pid = spawn_role(ROLE_RECLAIMER, 0, pair[1]);
	if (r->pid < 0) {
		close_fd(&pair[0]);
		return (int)r->pid;
	}
	r->control = pair[0];
	r->started_ns = clock_now_ns();
	outbox_init(&r->outbox);
	result = loop_add(&m->loop, &r->source, r->control, EPOLLIN, on_ready);
	if (result < 0)
		return result;
	send_or_kill(r, &start, &m->board_fd, 1);
	return 0;
}

static void reattach_shards(struct master *m)
{
	for (uint32_t i = 0; i < m->shard_count; i++) {
		m->shards[i].retaken_stale = true;
		if (m->shards[i].state == SHARD_RUNNING || m->shards[i].state == SHARD_STOPPING)
			reclaim_shard_ready(m, &m->shards[i]);
	}
}

static void restart(struct master *m)
{
	struct reclaim *r = &m->reclaim;
	int result = reclaim_start(m);

	r->respawn_ns = 0;
	if (result < 0) {
		log_event(m, CONFIG_LOG_ERROR, "reclaimer_start_failed", "ss", "error", error_text(-result));
		r->respawn_ns = clock_now_ns() + 10 * RESPAWN_NS;
		return;
	}
	reattach_shards(m);
	for (uint32_t i = 0; i < RECLAIM_REQUESTS_MAX && r->waiting > 0; i++)
		if (r->requests[i].ticket != 0)
			ask(r, &r->requests[i]);
}

bool reclaim_reaped(struct master *m, pid_t pid, int status)
{
	struct reclaim *r = &m->reclaim;

	if (pid != r->pid)
		return false;
	r->pid = 0;
	/* what it said last is still in the socket: connections that are lost, requests that are done */
	if (r->source.fd >= 0)
		on_ready(&r->source, EPOLLIN);
	if (m->state == MASTER_RUNNING)
		log_event(m, CONFIG_LOG_ERROR, "reclaimer_died", "si si", "pid", (int)pid, "status", status);
	loop_remove(&m->loop, &r->source);
	close_fd(&r->control);
	outbox_fini(&r->outbox);
	note_lost(m, atomic_load(&m->board->reclaimer_hand_listener),
	          atomic_exchange(&m->board->reclaimer_hand_count, 0));
	r->respawn_ns = clock_now_ns() + RESPAWN_NS;
	return true;
}

/*
 * It has not come round for so long: somebody holds the channel that it is reading. A process that is blocked in the
 * kernel may not die before it is let go, so the successor does not wait for its end.
 */
static void give_up(struct reclaim *r)
{
	struct master *m = r->master;
	uint64_t ticket = atomic_load(&m->board->reclaimer_ticket);
	struct reclaim_request *request;

	log_event(m, CONFIG_LOG_ERROR, "reclaimer_blocked", "si sI", "pid", (int)r->pid, "ticket",
	          (json_int_t)ticket);
	(void)kill(r->pid, SIGKILL);
	(void)reclaim_reaped(m, r->pid, 0);
	request = find(r, ticket);
	if (request)
		finish(r, request, true);
}

void reclaim_tick(struct master *m, uint64_t now_ns)
{
	struct reclaim *r = &m->reclaim;
	uint64_t tick = atomic_load(&m->board->reclaimer_tick_ns);

	if (r->pid <= 0 && r->respawn_ns && now_ns >= r->respawn_ns && m->state == MASTER_RUNNING)
		restart(m);
	else if (r->pid > 0 && now_ns > r->started_ns + BLOCKED_NS && now_ns > tick + BLOCKED_NS)
		give_up(r);
}

/* A process that is blocked in a worker's channel dies only when it is let go: nobody waits for that. */
static void end_process(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	for (int i = 0; i < END_WAITS_MAX && waitpid(pid, NULL, WNOHANG) == 0; i++)
		(void)poll(NULL, 0, END_WAIT_MS);
}

void reclaim_stop(struct master *m)
{
	struct reclaim *r = &m->reclaim;

	loop_remove(&m->loop, &r->source);
	close_fd(&r->control);
	outbox_fini(&r->outbox);
	for (uint32_t i = 0; i < RECLAIM_REQUESTS_MAX; i++)
		if (r->requests[i].ticket != 0)
			close_fd(&r->requests[i].end);
	if (r->pid > 0)
		end_process(r->pid); /* the shards are gone: there is nobody to give anything to */
	r->pid = 0;
}
