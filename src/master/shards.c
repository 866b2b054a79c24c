/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shard processes: started, given their sockets and workers, watched, replaced, stopped.
 *
 * At most one ring is armed on a listening socket: a successor gets the word to arm only after its predecessor has
 * been waited for. A shard that dies leaves its row of the ledger behind; its books are closed here, and the successor
 * goes on from there.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "master/master.h"
#include "master/roles.h"
#include "sys/clock.h"
#include "sys/error_text.h"

#define START_DEADLINE_NS (10 * NS_PER_S)
#define BACKOFF_NS (50 * NS_PER_MS)
#define AWAY_NS NS_PER_S /* since our own last tick, which comes ten times a second */
#define STEADY_NS NS_PER_S /* a shard that lived so long begins its back-off anew */

enum { BACKOFF_DOUBLINGS_MAX = 4 };

static void kill_shard(struct shard_process *p)
{
	/* the pid is ours until it is waited for, so it can't be somebody else's */
	if (p->pid > 0)
		(void)kill(p->pid, SIGKILL);
}

static void watch_room(struct shard_process *p)
{
	(void)loop_change(&p->master->loop, &p->source,
	                  outbox_empty(&p->outbox) ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

void shards_send(struct shard_process *p, const struct control *message, const int *fds, size_t count)
{
	int r;

	if (p->control < 0)
		return;
	r = outbox_send(&p->outbox, p->control, message, fds, count);
	if (r < 0) {
		log_event(p->master, CONFIG_LOG_WARNING, "shard_unreachable", "si ss", "shard", (int)p->index,
		          "error", error_text(-r));
		kill_shard(p);
		return;
	}
	if (!outbox_empty(&p->outbox))
		watch_room(p);
}

static void send_start(struct shard_process *p)
{
	struct master *m = p->master;
	const struct control start = { .type = CONTROL_START,
		                       .slot = m->slot,
		                       .shard = p->index,
		                       .number = ++m->next_instance & 0xffffff,
		                       .cpu = p->cpu,
		                       .features = m->features };
	const int fds[] = { m->plan_fd, m->board_fd, p->retaken };

	shards_send(p, &start, fds, p->retaken < 0 ? 2 : 3);
}

/* Its sockets, its workers, and the word to accept. */
static void equip(struct shard_process *p)
{
	struct master *m = p->master;

	for (uint32_t i = 0; i < m->config->listener_count; i++) {
		const struct control message = { .type = CONTROL_LISTENER, .listener = i };

		shards_send(p, &message, &m->listeners[i].fds[p->index], 1);
	}
	worker_connect_shard(m, p);
	reclaim_shard_ready(m, p);
	if (m->state == MASTER_RUNNING)
		shards_send(p, &(struct control){ .type = CONTROL_ARM }, NULL, 0);
}

static void on_message(struct shard_process *p, const struct control *message)
{
	switch (message->type) {
	case CONTROL_READY:
		/* not if it was told to stop meanwhile */
		if (p->state == SHARD_STARTING) {
			p->state = SHARD_RUNNING;
			equip(p);
		}
		break;
	case CONTROL_FAILED:
		p->failed = true;
		memcpy(p->text, message->text, sizeof(p->text));
		break;
	case CONTROL_STUCK:
		worker_on_stuck(p->master, message);
		break;
	case CONTROL_FAULT:
		worker_on_fault(p->master, message);
		break;
	default:
		break;
	}
}

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct shard_process *p =
		(struct shard_process *)(void *)((char *)source - offsetof(struct shard_process, source));

	if ((events & EPOLLOUT) && outbox_flush(&p->outbox, p->control) < 0)
		kill_shard(p);
	watch_room(p);
	while (p->control >= 0) {
		struct control message;
		int fds[CONTROL_FDS_MAX];
		int r = control_receive(p->control, &message, fds);

		if (r == FDPASS_NOTHING)
			return;
		if (r != FDPASS_MESSAGE) {
			/* it ended, or talks nonsense: SIGCHLD brings the rest */
			loop_remove(&p->master->loop, &p->source);
			kill_shard(p);
			return;
		}
		fdpass_close_all(fds, CONTROL_FDS_MAX);
		on_message(p, &message);
	}
}

static int start(struct shard_process *p)
{
	struct master *m = p->master;
	int pair[2], r;

	p->started_ns = clock_now_ns(); /* also when it fails, so that the back-off grows */
	r = fdpass_pair(pair);
	if (r < 0)
		return r;
	p->pid = spawn_role(ROLE_SHARD, p->index, pair[1]);
	if (p->pid < 0) {
		close_fd(&pair[0]);
		return (int)p->pid;
	}
	p->control = pair[0];
	p->state = SHARD_STARTING;
	p->failed = false;
	outbox_init(&p->outbox);
	r = loop_add(&m->loop, &p->source, p->control, EPOLLIN, on_ready);
	if (r < 0) {
		kill_shard(p);
		return r;
	}
	send_start(p);
	return 0;
}

/* ---- death ---- */

static void close_books(struct master *m, uint32_t shard)
{
	struct board_shard *b = board_shard(m->board, m->slot, shard);

	for (uint32_t i = 0; i < m->config->listener_count; i++) {
		struct board_row *row = board_row(m->board, m->slot, shard, i);
		struct ledger l;

		board_row_read(row, &l);
		ledger_close_books(&l);
		l.unread = 0; /* what is still in its channels waits there for the workers */
		board_row_publish(row, &l);
	}
	atomic_fetch_sub(&m->board->in_flight, atomic_exchange(&b->in_flight, 0));
	atomic_store(&b->state, BOARD_SHARD_OFF);
	atomic_store(&b->accept, BOARD_ACCEPT_OFF);
	atomic_store(&b->slots_used, 0);
	for (uint32_t i = 0; i < WORKERS_MAX; i++) {
		atomic_store(&b->channels[i].unread, 0);
		atomic_store(&b->channels[i].stuck, 0);
	}
}

static void bury(struct shard_process *p)
{
	struct master *m = p->master;

	loop_remove(&m->loop, &p->source);
	close_fd(&p->control);
	outbox_fini(&p->outbox);
	p->state = SHARD_DEAD;
	reclaim_shard_gone(m, p->index);
	worker_shard_died(m, p->index);
	close_books(m, p->index);
}

static void plan_successor(struct shard_process *p, uint64_t now_ns)
{
	uint32_t doublings;

	if (now_ns - p->started_ns > STEADY_NS)
		p->failures = 0;
	doublings = p->failures < BACKOFF_DOUBLINGS_MAX ? p->failures : BACKOFF_DOUBLINGS_MAX;
	p->respawn_ns = now_ns + (p->failures == 0 ? 0 : BACKOFF_NS << doublings);
	p->failures++;
}

static void describe_death(struct shard_process *p, pid_t pid, int status, bool expected)
{
	char how[64];

	if (WIFSIGNALED(status))
		(void)snprintf(how, sizeof(how), "killed by signal %d", WTERMSIG(status));
	else
		(void)snprintf(how, sizeof(how), "exited with %d", WEXITSTATUS(status));
	/* before the start has succeeded, the one line that says why it did not is enough */
	expected = expected || (!p->master->started && p->failed);
	log_event(p->master, expected ? CONFIG_LOG_INFO : CONFIG_LOG_ERROR,
	          expected ? "shard_stopped" : "shard_died", "si si ss ss", "shard", (int)p->index, "pid",
	          (int)pid, "how", how, "text", p->failed ? p->text : "");
}

void shards_reaped(struct master *m, pid_t pid, int status)
{
	for (uint32_t i = 0; i < m->shard_count; i++) {
		struct shard_process *p = &m->shards[i];
		uint64_t now_ns = clock_now_ns();

		if (p->pid != pid)
			continue;
		p->pid = 0; /* it may be somebody else's from here on */
		/* what it said last is still in the socket */
		if (p->source.fd >= 0)
			on_ready(&p->source, EPOLLIN);
		describe_death(p, pid, status, p->state == SHARD_STOPPING);
		bury(p);
		if (m->state == MASTER_RUNNING)
			plan_successor(p, now_ns);
		else
			p->respawn_ns = 0;
	}
}

/* ---- watch ---- */

static void check_pulse(struct shard_process *p, uint64_t now_ns)
{
	const struct board_shard *b = board_shard(p->master->board, p->master->slot, p->index);
	uint64_t tick = atomic_load(&b->tick_ns);
	uint64_t last = tick > p->started_ns ? tick : p->started_ns;
	uint64_t deadline =
		p->state == SHARD_STARTING ? START_DEADLINE_NS : p->master->config->shard_deadline_ns;

	if (now_ns < last || now_ns - last < deadline)
		return;
	log_event(p->master, CONFIG_LOG_ERROR, "shard_unresponsive", "si si sI", "shard", (int)p->index,
	          "pid", (int)p->pid, "ms", (json_int_t)((now_ns - last) / NS_PER_MS));
	kill_shard(p);
	p->started_ns = now_ns; /* once per deadline */
}

static void respawn(struct shard_process *p, uint64_t now_ns)
{
	int r = start(p);

	p->respawn_ns = 0;
	p->respawns++;
	if (r == 0)
		return;
	log_event(p->master, CONFIG_LOG_ERROR, "shard_start_failed", "si ss", "shard", (int)p->index, "error",
	          error_text(-r));
	plan_successor(p, now_ns);
}

/* We were not there ourselves (stopped, suspended): nobody can be blamed for what we did not see. */
static void forgive(struct master *m, uint64_t now_ns)
{
	for (uint32_t i = 0; i < m->shard_count; i++)
		m->shards[i].started_ns = now_ns;
}

void shards_tick(struct master *m, uint64_t now_ns)
{
	if (m->tick_ns != 0 && now_ns > m->tick_ns + AWAY_NS)
		forgive(m, now_ns);
	m->tick_ns = now_ns;
	for (uint32_t i = 0; i < m->shard_count; i++) {
		struct shard_process *p = &m->shards[i];

		if (p->state == SHARD_DEAD && p->respawn_ns && now_ns >= p->respawn_ns)
			respawn(p, now_ns);
		else if (p->state != SHARD_DEAD)
			check_pulse(p, now_ns);
	}
}

uint64_t shards_deadline(const struct master *m)
{
	uint64_t first = UINT64_MAX;

	for (uint32_t i = 0; i < m->shard_count; i++)
		if (m->shards[i].respawn_ns && m->shards[i].respawn_ns < first)
			first = m->shards[i].respawn_ns;
	return first;
}

/* ---- start and stop ---- */

static bool all_running(const struct master *m)
{
	for (uint32_t i = 0; i < m->shard_count; i++)
		if (m->shards[i].state != SHARD_RUNNING)
			return false;
	return true;
}

/* Before the first of them serves, a shard that is dead is not replaced: another would die of the same. */
static const struct shard_process *first_failure(const struct master *m)
{
	for (uint32_t i = 0; i < m->shard_count; i++)
		if (m->shards[i].failed || (m->shards[i].state == SHARD_DEAD && m->shards[i].started_ns))
			return &m->shards[i];
	return NULL;
}

int shards_start(struct master *m, char *why, size_t size)
{
	uint64_t deadline = clock_now_ns() + START_DEADLINE_NS;
	const struct shard_process *failure;
	int r = 0;

	for (uint32_t i = 0; i < m->shard_count && r == 0; i++)
		r = start(&m->shards[i]);
	while (r == 0 && m->state == MASTER_RUNNING && !all_running(m) && !first_failure(m) &&
	       clock_now_ns() < deadline)
		r = loop_turn(&m->loop, 100);
	if (m->state != MASTER_RUNNING)
		return r; /* a signal came first: the loop sees them off */
	failure = first_failure(m);
	if (r == 0 && failure)
		(void)snprintf(why, size, "shard %u can't start: %s", failure->index,
		               failure->failed ? failure->text : "it died; the line above says how");
	else if (r < 0)
		(void)snprintf(why, size, "shards can't be started: %s", error_text(-r));
	else if (!all_running(m))
		(void)snprintf(why, size, "shards did not become ready within 10 s: is the host overloaded?");
	return r < 0 ? r : all_running(m) ? 0 : -ECANCELED;
}

void shards_stop(struct master *m, uint64_t deadline_ns)
{
	const struct control message = { .type = CONTROL_STOP, .deadline_ns = deadline_ns };

	for (uint32_t i = 0; i < m->shard_count; i++) {
		struct shard_process *p = &m->shards[i];

		p->respawn_ns = 0;
		if (p->state == SHARD_DEAD)
			continue;
		shards_send(p, &message, NULL, 0);
		p->state = SHARD_STOPPING;
	}
}

bool shards_all_dead(const struct master *m)
{
	for (uint32_t i = 0; i < m->shard_count; i++)
		if (m->shards[i].state != SHARD_DEAD)
			return false;
	return true;
}

void shards_kill(struct master *m)
{
	for (uint32_t i = 0; i < m->shard_count; i++)
		kill_shard(&m->shards[i]);
}
