/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The master's state that its parts share, and who owns what.
 *
 *   listen.c       listening sockets: opened once, held until the end
 *   plan_make.c    the plan that shards get
 *   spawn.c        starting a role of our own binary
 *   outbox.c       control messages that wait for room
 *   shards.c       shard processes: start, hand over sockets and workers, watch, replace, stop
 *   pool.c         pool sockets: who may register
 *   registration.c how a worker comes · worker_channels.c its channels · worker.c how it goes: take-back
 *   reclaim.c      the reclaimer process as seen from here: requests, deadlines, replacement
 *   admin.c        the admin socket; answer.c, answer_explain.c what it says
 *   log.c          JSON lines on standard error, never waiting for a reader; log_text.c shards' records as text
 *   master.c       start, signals, the tick, stop
 *
 * The master never touches a client's bytes.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/limits.h"
#include "core/handoff.h"
#include "master/config.h"
#include "master/outbox.h"
#include "sys/loop.h"
#include "wire/board.h"
#include "wire/control.h"
#include "wire/plan.h"

enum master_state { MASTER_RUNNING, MASTER_STOPPING };

enum shard_state { SHARD_DEAD, SHARD_STARTING, SHARD_RUNNING, SHARD_STOPPING };

struct master;

/* One shard process, or the place of one. */
struct shard_process {
	struct master *master;
	enum shard_state state;
	uint32_t index;
	uint32_t cpu; /* UINT32_MAX: not pinned */
	pid_t pid;
	int control;
	struct loop_source source;
	struct outbox outbox;
	int retaken; /* its end of the socket that the reclaimer feeds: a successor gets the same, so that
	                        what was put in for a shard that died is not lost; -1: none yet */
	bool retaken_stale; /* the reclaimer at the other end is gone */
	uint64_t started_ns;
	uint64_t respawn_ns; /* dead: when to start the next; 0: never again */
	uint32_t failures; /* in a row, for the back-off */
	uint32_t respawns;
	bool failed; /* it said why it can't start: @text */
	char text[CONTROL_TEXT_BYTES];
};

/* One channel: the worker's end, as the master keeps it for a take-back, and the shard's, for what a dead shard has not
 * read of the worker's words. */
struct worker_channel {
	int end; /* -1: none */
	int shard_end; /* -1: none; never open without the other */
	bool wanted; /* to be taken back; asked again at each tick until the reclaimer has the request */
	bool taking; /* the reclaimer has a request for it */
	bool draining; /* the worker is gone: read to the end */
};

#define WORKER_CHANNEL_NULL ((struct worker_channel){ .end = -1, .shard_end = -1 })

struct worker {
	struct master *master;
	uint32_t row;
	uint64_t number; /* 0: this place is free */
	uint32_t pool;
	int registration; /* -1 when it is gone */
	int pidfd; /* -1: the kernel has no SO_PEERPIDFD */
	struct loop_source source;
	struct loop_source death;
	bool welcomed;
	pid_t pid;
	uid_t uid;
	uint64_t since_ns;
	uint32_t flags, capacity, batch, cpu;
	char name[HANDOFF_NAME_BYTES];
	struct worker_channel channels[SHARDS_MAX];
};

/* A channel whose shard died: unread connections may still be in it. */
struct orphan {
	int end; /* -1: free */
	uint32_t row;
	uint64_t number;
	uint32_t shard;
	uint64_t since_ns;
	bool taking;
	bool draining;
};

struct pool_socket {
	struct master *master;
	int fd;
	uint32_t index;
	struct loop_source source;
	uid_t users[POOL_USERS_MAX]; /* who may register besides root and our own user */
	size_t user_count;
	gid_t groups[POOL_USERS_MAX];
	size_t group_count;
};

struct listener_sockets {
	struct addr address; /* with the port that the kernel chose */
	int *fds; /* one per shard */
	uint32_t count;
};

struct log {
	enum config_log_level level;
	int fd; /* standard error, or our own opening of what it is */
	bool torn; /* the last line went out in part */
	uint64_t dropped; /* lines that nobody took */
};

/* One thing asked of the reclaimer. */
struct reclaim_request {
	uint64_t ticket; /* 0: free */
	uint32_t row;
	uint64_t number;
	uint32_t shard;
	int orphan; /* index, or -1: the worker's present channel */
	bool to_end;
	int end; /* our duplicate, to ask a successor again */
};

enum { RECLAIM_REQUESTS_MAX = WORKERS_MAX };

struct reclaim {
	struct master *master;
	pid_t pid;
	int control;
	struct loop_source source;
	struct outbox outbox;
	uint64_t started_ns;
	uint64_t respawn_ns;
	uint64_t next_ticket;
	uint32_t waiting; /* requests in use */
	uint32_t lost[LISTENERS_MAX]; /* to be told to the next shard that lives */
	struct reclaim_request requests[RECLAIM_REQUESTS_MAX];
};

struct admin_client {
	struct master *master;
	int fd; /* -1: free */
	struct loop_source source;
	size_t request_size;
	char request[ADMIN_REQUEST_BYTES_MAX];
	char *answer;
	size_t answer_size, answer_sent;
};

struct admin {
	struct master *master;
	int fd;
	struct loop_source source;
	size_t evict; /* whose place is taken next when all are */
	struct admin_client clients[ADMIN_CLIENTS_MAX];
};

struct master {
	struct config *config;
	enum master_state state;
	uint64_t started_ns;
	uint64_t stop_ns;
	bool started; /* every shard was ready once */
	uint64_t tick_ns; /* of the last tick */
	uint32_t features;
	uint32_t generation; /* number, from 1 */
	uint32_t slot; /* its place on the board */
	uint64_t next_instance;
	uint64_t next_worker;

	struct loop loop;
	int signals;
	struct loop_source signal_source;
	struct log log;

	struct board *board;
	int spare; /* given up for a moment when there is no other fd */
	int board_fd;
	int plan_fd;
	const struct plan *plan;

	struct listener_sockets listeners[LISTENERS_MAX];
	struct pool_socket pools[POOLS_MAX];
	struct shard_process *shards;
	uint32_t shard_count;
	struct worker *workers; /* WORKERS_MAX */
	uint32_t worker_count;
	struct orphan orphans[CHANNELS_ORPHANED_MAX];
	uint32_t orphan_count;
	struct reclaim reclaim;
	struct admin admin;
};

/* master.c: after accept() has failed with @errno. Out of fds, whoever waits is let go: a full queue stays readable. */
void master_shed(struct master *m, int listening);

/* listen.c. 0 or -errno with a line in @why. */
int listen_open(struct master *m, char *why, size_t size);
void listen_close(struct master *m);

/* plan_make.c: a sealed memfd, mapped too. 0 or -errno. */
int plan_make(struct master *m);

/* spawn.c: our own binary in @role, with @control as its fd 3 (consumed). The pid or -errno. */
pid_t spawn_role(const char *role, uint32_t number, int control);

/* shards.c */
int shards_start(struct master *m, char *why, size_t size);
void shards_tick(struct master *m, uint64_t now_ns);
void shards_stop(struct master *m, uint64_t deadline_ns);
bool shards_all_dead(const struct master *m);
void shards_reaped(struct master *m, pid_t pid, int status);
void shards_kill(struct master *m);
void shards_send(struct shard_process *p, const struct control *message, const int *fds, size_t count);
uint64_t shards_deadline(const struct master *m);

/* pool.c */
int pool_open(struct master *m, char *why, size_t size);
void pool_close(struct master *m);
bool pool_may_register(const struct master *m, uint32_t pool, uid_t uid, gid_t gid);

/* worker.c */
void worker_admit(struct master *m, uint32_t pool, int fd); /* takes the fd */
void worker_connect_shard(struct master *m,
                          struct shard_process *p); /* channels of all workers to a new shard */
void worker_shard_died(struct master *m, uint32_t shard);
void worker_on_stuck(struct master *m, const struct control *message);
void worker_on_fault(struct master *m, const struct control *message);
/* The reclaimer has read what @request asked for, or (blocked) can't. */
void worker_taken(struct master *m, const struct reclaim_request *request, bool blocked);
void worker_tick(struct master *m, uint64_t now_ns);
void worker_close_all(struct master *m);

/* reclaim.c */
int reclaim_start(struct master *m);
void reclaim_attach_shard(struct master *m, struct shard_process *p); /* makes or renews @p->retaken */
void reclaim_shard_gone(struct master *m, uint32_t shard);
void reclaim_shard_ready(struct master *m, struct shard_process *p);
/* @end is borrowed. False: not now, ask again at the next tick. */
bool reclaim_take(struct master *m, struct reclaim_request request);
void reclaim_orphaned(struct master *m, uint32_t row, uint32_t shard, int orphan);
void reclaim_tick(struct master *m, uint64_t now_ns);
bool reclaim_reaped(struct master *m, pid_t pid, int status);
void reclaim_stop(struct master *m);

/* admin.c */
int admin_open(struct master *m, char *why, size_t size);
void admin_close(struct master *m);
char *answer_to(struct master *m, const char *request); /* JSON text, to be freed; NULL: no memory */

/* log.c: @fields as in json_pack(3), an object's members; NULL for none. */
void log_event(struct master *m, enum config_log_level level, const char *event, const char *fields, ...);
void log_drain(struct master *m);
void log_open(struct log *log);
void log_close(struct log *log);
