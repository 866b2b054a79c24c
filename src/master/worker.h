/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the three files of the worker table share: registration.c (how a worker comes), worker_channels.c (its
 * channels), worker.c (how it goes, and what is then read back).
 */
#include "master/master.h"

static inline struct board_worker *worker_board(const struct worker *w)
{
	return &w->master->board->workers[w->row];
}

static inline void worker_set_state(struct worker *w, enum board_worker_state state)
{
	atomic_store(&worker_board(w)->state, state);
}

static inline enum board_worker_state worker_state(const struct worker *w)
{
	return (enum board_worker_state)atomic_load(&worker_board(w)->state);
}

/* Sends ERROR; borrows @fd. */
void worker_tell_error(int fd, enum handoff_error_code code, const char *text);

/*
 * Closes a registration, so that what was said last arrives: a socket that is closed with something unread gives its
 * peer a reset before that.
 */
void worker_hang_up(int fd);

/* Its registration ends: no more connections for it, and what it has not read is taken back. */
void worker_gone(struct worker *w, const char *event, const char *why, enum config_log_level level);

/* The same, after telling it why. */
void worker_drop(struct worker *w, const char *why);

/* It can't register: ERROR, and its place is free. */
void worker_reject(struct worker *w, enum handoff_error_code code, const char *why);

/* Gives the place back when nothing of the worker is left. */
void worker_free_if_done(struct worker *w);

void worker_tell_shard(struct master *m, uint32_t shard, enum control_type type, const struct worker *w);

/* Its shards close their ends: its channels end after their last message. */
void worker_close_channels(struct worker *w);

/* A channel from each shard that it wants, and WELCOME with them. 0 or -errno. */
int worker_connect_all(struct worker *w);
bool worker_wants_shard(const struct worker *w, const struct shard_process *p);
