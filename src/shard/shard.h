/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One shard: the state that its parts share, and who does what with it.
 *
 *   accept.c    listening sockets: what is armed, pausing, which way of accepting
 *   conn.c      one connection: peer, trust, header, policy, discard; how it ends
 *   deliver.c   queues: which worker, the message, the send, the close
 *   channel.c   channels: what is unread, credit, what workers say
 *   retake.c    connections that the reclaimer read back
 *   order.c     what the master says
 *   shard.c     the loop
 *
 * Data flows from the top to the bottom of this list; retake.c meets it only by putting connections into the queue.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "core/choose.h"
#include "core/unread.h"
#include "shard/books.h"
#include "shard/buffers.h"
#include "shard/ring.h"
#include "shard/slots.h"
#include "shard/stash.h"
#include "wire/board.h"
#include "wire/control.h"
#include "wire/plan.h"

enum { ACCEPTORS_MAX = 2 * LISTENERS_MAX };

enum accept_pause {
	ACCEPT_PAUSE_UNARMED = 1U << 0, /* the master has not given the word, or has taken it back */
	ACCEPT_PAUSE_QUEUE = 1U << 1, /* the pool's queue is full */
	ACCEPT_PAUSE_SLOTS = 1U << 2, /* as many connections as there may be */
	ACCEPT_PAUSE_RESOURCE = 1U << 3, /* the kernel ran out of something: until @retry_ns */
};

/* One listening socket. */
struct acceptor {
	int fd;
	uint32_t listener;
	uint32_t pauses; /* enum accept_pause bits */
	bool window_mode; /* single-shot accepts, else multishot */
	bool multi_armed;
	bool cancelling; /* what is armed is on its way out */
	struct slot_list window; /* single-shot accepts in flight */
	uint32_t generation; /* of the multishot accept, so that a late completion is recognised */
	uint32_t turn_count; /* connections accepted this turn */
	uint32_t quiet_turns;
	uint64_t retry_ns;
	uint64_t noted_ns; /* when a shortage was last told of */
	uint64_t armed_ns; /* when the master gave the word */
	uint64_t renew_ns; /* when to arm anew, see accept.c; UINT64_MAX: not */
};

struct shard_listener {
	const struct plan_listener *plan;
	struct slot_list header; /* in order of deadline, since all have the same time */
	struct slot_list queue;
	uint32_t retaken; /* the slot that was put back last: the next one's place is near it */
	uint32_t peer_size; /* of an address of its sockets' family */
};

enum channel_state {
	CHANNEL_FREE,
	CHANNEL_OPEN,
	CHANNEL_FULL, /* the socket took no more: until something is read */
	CHANNEL_STUCK, /* the master was asked to take back what is unread */
	CHANNEL_PROBING, /* an empty message was sent: is anybody there again? */
	CHANNEL_FAULTY, /* the master was asked to drop the worker */
	CHANNEL_DROPPED, /* our end is closed; what is unread is being read back */
};

struct channel {
	uint8_t state;
	int fd; /* our end */
	int worker_end; /* a duplicate: how many bytes are unread */
	uint32_t worker;
	uint64_t number;
	uint32_t pool;
	uint32_t batch;
	uint32_t generation; /* of its poll */
	bool asked; /* for a take-back */
	uint64_t handed_off; /* connections, ever */
	uint64_t lost; /* of those, by the worker's word */
	enum control_fault untold; /* a fault that the master had no room to hear of */
	uint64_t sequence;
	struct unread unread;
};

struct shard_pool {
	const struct plan_pool *plan;
	uint32_t queued; /* over its listeners */
	uint32_t workers[WORKERS_MAX]; /* rows of its channels, densely */
	uint32_t worker_count;
	uint32_t rotate;
	uint64_t starved_ns; /* since when connections wait and nobody has had room; 0: not so */
	bool no_budget;
};

struct shard {
	const struct plan *plan;
	struct board *board;
	struct board_shard *self;
	uint32_t slot, index; /* place on the board */
	uint64_t instance;
	uint64_t next_id;
	uint32_t features;
	uint32_t cpu; /* to be pinned to; UINT32_MAX: none */
	int control_fd; /* -1 when the master is gone */
	bool control_armed;
	int retaken_fd;
	bool retaken_armed;
	uint32_t retaken_generation; /* of its poll */

	struct ring ring;
	struct slots slots;
	struct stash stash;
	struct buffers buffers;
	struct books books;
	uint32_t conns_max; /* open connections that the fd limit allows */
	uint32_t conns; /* open now: slots in use that are not merely armed */

	struct acceptor acceptors[ACCEPTORS_MAX];
	uint32_t acceptor_count;
	struct shard_listener listeners[LISTENERS_MAX];
	struct shard_pool pools[POOLS_MAX];
	struct channel channels[WORKERS_MAX];
	uint32_t in_flight; /* our part of the board's */

	uint64_t now_ns;
	uint64_t sample_ns; /* when to look at what is unread next */
	bool stopping;
	bool orphaned; /* the master is gone */
	uint64_t stop_ns;
};

/* accept.c */
int accept_add(struct shard *s, int fd, uint32_t listener); /* takes the fd */
void accept_arm(struct shard *s); /* the master's word: accept from now on */
void accept_disarm(struct shard *s);
bool accept_idle(const struct shard *s); /* nothing is armed any more */
void accept_close(struct shard *s); /* when it is idle, and for good */
void accept_on_multi(struct shard *s, uint32_t index, uint32_t generation, const struct ring_event *e);
void accept_on_one(struct shard *s, uint32_t index, const struct ring_event *e);
void accept_turn(struct shard *s); /* once a turn: pauses, modes, re-arming */
uint64_t accept_deadline(const struct shard *s);

/* conn.c */
void conn_begin(struct shard *s, uint32_t index, uint32_t listener,
                int fd); /* takes the fd; the slot is taken */
void conn_on_peer(struct shard *s, uint32_t index, const struct ring_event *e);
void conn_on_peek(struct shard *s, uint32_t index, const struct ring_event *e);
void conn_on_poll(struct shard *s, uint32_t index, const struct ring_event *e);
void conn_on_discard(struct shard *s, uint32_t index, const struct ring_event *e);
void conn_expire(struct shard *s);
void conn_refuse(struct shard *s, uint32_t index, enum refused reason);
void conn_refuse_all(struct shard *s, enum refused reason);
void conn_release(struct shard *s, uint32_t index); /* closes the fd and frees the slot */
uint64_t conn_deadline(const struct shard *s);

/* deliver.c */
void deliver_enqueue(struct shard *s, uint32_t index); /* from conn.c: a header is done */
void deliver_enqueue_again(struct shard *s, uint32_t index); /* from retake.c: by its original deadline */
void deliver_turn(struct shard *s);

/* channel.c */
int channel_add(struct shard *s, const struct control *order, int fd, int worker_end); /* takes both fds */
void channel_drop(struct shard *s, uint32_t worker);
void channel_goodbye_all(struct shard *s); /* at the end: says so to every worker */
void channel_lost(struct shard *s, uint32_t worker);
void channel_reclaimed(struct shard *s, uint32_t worker);
void channel_fault(struct shard *s, struct channel *c, enum control_fault fault);
uint32_t channel_room(struct shard *s, const struct channel *c);
void channel_sent(struct shard *s, struct channel *c, struct unread_entry entry);
void channel_sample(struct shard *s, struct channel *c);
void channel_full(struct shard *s, struct channel *c); /* a send found no room */
void channel_turn(struct shard *s);
void channel_on_ready(struct shard *s, uint32_t worker, uint32_t generation);

/* retake.c */
void retake_turn(struct shard *s);
void retake_on_ready(struct shard *s, uint32_t generation);
bool retake_last(struct shard *s); /* before the end: true if there was something */
void retake_replace(struct shard *s, int fd); /* takes the fd */

/* order.c */
int order_start(struct shard *s, int control_fd); /* waits for START and READY's answer; 0 or -errno */
void order_on_ready(struct shard *s);
void order_turn(struct shard *s);
bool order_tell(struct shard *s, struct control message); /* false: no room, the master does not keep up */
