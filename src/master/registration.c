/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a worker comes: who it is by the kernel's word, HELLO, its place in the table, WELCOME; and what it says later
 * on the same socket. A worker is dead when this socket ends or, where the kernel tells, when its process does.
 *
 * Refuses whatever does not speak the protocol, with words that say what was expected.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "master/worker.h"
#include "sys/clock.h"
#include "sys/error_text.h"
#include "sys/probe.h"

enum { MESSAGES_PER_TURN = 16 };

static const char no_fds[] =
	"no file descriptors are left for another worker: raise Usher's limit (ulimit -n, LimitNOFILE=)";

static bool cpu_exists(const struct master *m, uint32_t cpu)
{
	for (uint32_t i = 0; i < m->shard_count; i++)
		if (m->shards[i].cpu == cpu)
			return true;
	return false;
}

/* One more worker, and a new channel, two fds, to each for the next shard that is replaced, would leave too few fds. */
static bool short_of_fds(const struct master *m)
{
	_cleanup_close_ int lowest = fcntl(m->signals, F_DUPFD_CLOEXEC, 0);
	struct rlimit limit;

	return lowest < 0 ||
	       (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	        (rlim_t)lowest + 2UL * (m->shard_count + m->worker_count) + MASTER_FDS_RESERVED >
	                limit.rlim_cur);
}

/* Names go into JSON, which is UTF-8: one that is not loses what is not ASCII. */
static void make_text(char *name)
{
	json_t *text = json_string(name);

	for (char *c = name; !text && *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	json_decref(text);
}

static void enter_board(struct worker *w, const struct handoff_hello *hello)
{
	struct board_worker *b = worker_board(w);

	w->flags = hello->flags;
	w->capacity = hello->capacity;
	w->batch = hello->batch;
	w->cpu = hello->cpu;
	memcpy(w->name, hello->name, sizeof(w->name));
	make_text(w->name);
	b->capacity = hello->capacity;
	b->batch = hello->batch;
	b->pool = w->pool;
	b->sends_done = hello->flags & HANDOFF_HELLO_SENDS_DONE;
	atomic_store(&b->open, hello->open); /* what it has from an Usher before this one */
	atomic_store(&b->number, w->number);
	worker_set_state(w, BOARD_WORKER_READY);
}

void worker_reject(struct worker *w, enum handoff_error_code code, const char *why)
{
	log_event(w->master, CONFIG_LOG_WARNING, "worker_refused", "ss si si ss", "pool",
	          w->master->config->pools[w->pool].name, "pid", (int)w->pid, "uid", (int)w->uid, "why", why);
	worker_tell_error(w->registration, code, why);
	worker_gone(w, "", "", CONFIG_LOG_DEBUG);
}

static void on_hello(struct worker *w, const struct handoff_hello *hello)
{
	struct master *m = w->master;
	const char *why;
	int r;

	if (w->welcomed) {
		worker_drop(w, "sent HELLO twice");
		return;
	}
	if (!handoff_hello_check(hello, &why)) {
		worker_reject(w, HANDOFF_ERROR_PROTOCOL, why);
		return;
	}
	if ((hello->flags & HANDOFF_HELLO_ONE_CPU) && !cpu_exists(m, hello->cpu)) {
		worker_reject(w, HANDOFF_ERROR_CPU,
		              "no shard runs on the CPU that HELLO asks for; see usherctl shards");
		return;
	}
	if (short_of_fds(m)) {
		worker_reject(w, HANDOFF_ERROR_FULL, no_fds);
		return;
	}
	enter_board(w, hello);
	r = worker_connect_all(w);
	if (r < 0) {
		worker_reject(w, HANDOFF_ERROR_FULL, error_text(-r));
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
		worker_reject(w, HANDOFF_ERROR_VERSION, "this Usher speaks version 1 of the worker protocol");
		return;
	}
	if (!handoff_head_check(bytes, size) || (!w->welcomed && head->type != HANDOFF_HELLO)) {
		if (w->welcomed)
			worker_drop(w, control_fault_text(CONTROL_FAULT_MESSAGE));
		else
			worker_reject(w, HANDOFF_ERROR_PROTOCOL,
			              "expected HELLO as docs/protocol.md describes it");
		return;
	}
	switch (head->type) {
	case HANDOFF_HELLO:
		on_hello(w, bytes);
		break;
	case HANDOFF_PAUSE:
		if (worker_state(w) == BOARD_WORKER_READY)
			worker_set_state(w, BOARD_WORKER_PAUSED);
		break;
	case HANDOFF_RESUME:
		if (worker_state(w) == BOARD_WORKER_PAUSED)
			worker_set_state(w, BOARD_WORKER_READY);
		break;
	case HANDOFF_DRAIN:
		/* once: every further order to the shards would only fill their outboxes */
		if (worker_state(w) == BOARD_WORKER_DRAINING)
			break;
		worker_set_state(w, BOARD_WORKER_DRAINING);
		worker_close_channels(w);
		break;
	default:
		worker_drop(w, control_fault_text(CONTROL_FAULT_MESSAGE));
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
			worker_gone(w, "worker_gone", "its registration ended", CONFIG_LOG_INFO);
	}
}

static void on_death(struct loop_source *source, uint32_t events)
{
	struct worker *w = (struct worker *)(void *)((char *)source - offsetof(struct worker, death));

	worker_gone(w, "worker_gone", "its process ended", CONFIG_LOG_INFO);
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
		w->channels[i] = WORKER_CHANNEL_NULL;
	r = loop_add(&m->loop, &w->source, fd, EPOLLIN, on_ready);
	if (r < 0)
		w->number = 0;
	else
		watch_death(w);
	return r;
}

/* 0: entered, or why not as enum handoff_error_code with @ret_text. */
static int try_to_enter(struct master *m, uint32_t pool, int fd, const char **ret_text)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);

	if (m->state != MASTER_RUNNING) {
		*ret_text = "Usher is going down";
		return HANDOFF_ERROR_STOPPING;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
	    !pool_may_register(m, pool, peer.uid, peer.gid)) {
		log_event(m, CONFIG_LOG_WARNING, "worker_refused", "ss si si ss", "pool",
		          m->config->pools[pool].name, "pid", (int)peer.pid, "uid", (int)peer.uid, "why",
		          "its user is not in the pool's `users` or `groups`");
		*ret_text = "your user may not register: add it to the pool's `users` or `groups`";
		return HANDOFF_ERROR_DENIED;
	}
	if (short_of_fds(m)) {
		*ret_text = no_fds;
		return HANDOFF_ERROR_FULL;
	}
	*ret_text = "the table of workers is full";
	return enter(m, pool, fd, &peer) < 0 ? HANDOFF_ERROR_FULL : 0;
}

void worker_admit(struct master *m, uint32_t pool, int fd)
{
	const char *text;
	int code = try_to_enter(m, pool, fd, &text);

	if (code == 0)
		return;
	worker_tell_error(fd, (enum handoff_error_code)code, text);
	worker_hang_up(fd);
}
