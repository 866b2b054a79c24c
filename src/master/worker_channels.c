/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channels: one pair of sockets between each worker and each shard. The shard gets its end and a duplicate of the
 * worker's, the worker gets its own, and the master keeps a duplicate of the worker's for a take-back, and of the
 * shard's for what the worker said and a dead shard had not read. A shard that dies leaves orphans: channels that nobody writes to any more, and in which connections may still be unread.
 */
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "master/worker.h"
#include "sys/clock.h"
#include "sys/probe.h"

enum {
	CHANNEL_SEND_BUFFER = 4 << 20,
	LAST_WORDS_MAX = 4096, /* more than a send buffer holds that the worker has not made larger */
};

bool worker_wants_shard(const struct worker *w, const struct shard_process *p)
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
	w->channels[p->index] = (struct worker_channel){ .end = pair[1], .shard_end = pair[0] };
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

int worker_connect_all(struct worker *w)
{
	struct master *m = w->master;
	int ends[SHARDS_MAX];
	size_t count = 0;

	for (uint32_t i = 0; i < m->shard_count; i++) {
		int r;

		if (!worker_wants_shard(w, &m->shards[i]) || m->shards[i].state != SHARD_RUNNING)
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

		if (w->registration < 0 || !w->welcomed || !worker_wants_shard(w, p) ||
		    worker_state(w) == BOARD_WORKER_DRAINING)
			continue;
		r = open_channel(w, p);
		if (r == 0)
			r = welcome(w, &w->channels[p->index].end, 1);
		if (r < 0)
			worker_drop(w, "does not read its registration socket");
	}
}

/* Without the check for more than it has: the worker is asked less of here than by a shard, and only its own limit grows. */
static void close_open(struct board_worker *b, uint64_t count)
{
	uint32_t now = atomic_load(&b->open), left;

	do {
		left = count < now ? now - (uint32_t)count : 0;
	} while (!atomic_compare_exchange_weak(&b->open, &now, left));
}

static void hear(struct worker *w, const void *bytes, size_t size)
{
	const struct handoff_head *head = bytes;

	if (!(w->flags & HANDOFF_HELLO_SENDS_DONE) || !handoff_head_check(bytes, size))
		return;
	if (head->type == HANDOFF_DONE)
		close_open(worker_board(w), ((const struct handoff_done *)bytes)->count);
	else if (head->type == HANDOFF_LOST)
		close_open(worker_board(w), ((const struct handoff_lost *)bytes)->count);
}

/*
 * A DONE that the dead shard had not read would be capacity that never comes back. Shut down first: after that the
 * worker's sends fail, and it says the rest to another shard.
 */
static void hear_last_words(struct worker *w, struct worker_channel *c)
{
	(void)shutdown(c->shard_end, SHUT_RDWR);
	for (int i = 0; i < LAST_WORDS_MAX; i++) {
		_Alignas(8) uint8_t bytes[HANDOFF_CONTROL_BYTES_MAX];
		struct fdpass_message info;

		if (fdpass_receive(c->shard_end, bytes, sizeof(bytes), NULL, 0, &info) != FDPASS_MESSAGE)
			break;
		if (!info.cut)
			hear(w, bytes, info.size);
	}
	close_fd(&c->shard_end);
}

static struct orphan *free_orphan(struct master *m)
{
	for (uint32_t i = 0; i < CHANNELS_ORPHANED_MAX; i++)
		if (m->orphans[i].end < 0)
			return &m->orphans[i];
	return NULL;
}

/* Nobody writes to it any more, so it stays so. */
static bool is_empty(int end)
{
	int left = 0;

	return ioctl(end, FIONREAD, &left) == 0 && left == 0;
}

static void orphan_channel(struct worker *w, uint32_t shard)
{
	struct worker_channel *c = &w->channels[shard];
	struct orphan *o = c->taking || !is_empty(c->end) ? free_orphan(w->master) : NULL;

	if (!o) {
		/* nothing is in it, or the worker still has what is; only a take-back is no longer possible */
		close_fd(&c->end);
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
	*c = WORKER_CHANNEL_NULL;
	worker_free_if_done(w);
}

void worker_shard_died(struct master *m, uint32_t shard)
{
	for (uint32_t i = 0; i < WORKERS_MAX; i++)
		if (m->workers[i].number != 0 && m->workers[i].channels[shard].end >= 0)
			hear_last_words(&m->workers[i], &m->workers[i].channels[shard]);
	for (uint32_t i = 0; i < WORKERS_MAX; i++)
		if (m->workers[i].number != 0 && m->workers[i].channels[shard].end >= 0)
			orphan_channel(&m->workers[i], shard);
}
