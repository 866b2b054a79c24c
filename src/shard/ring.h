/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A shard's io_uring: set-up, the few operations that a shard uses, and harvesting. Owns the ring and nothing that
 * the operations refer to. The ring is created disabled, restricted to those operations, then enabled; it accepts no
 * other operation after that. Refuses to know what a completion means: that is the tag's business (core/op_tag.h).
 */
#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/op_tag.h"

struct ring {
	struct io_uring uring;
	bool ready;
	bool registered; /* its fd, so that each enter saves a look-up */
};

struct ring_event {
	uint64_t tag;
	int32_t result;
	uint32_t flags; /* IORING_CQE_F_… */
};

enum { RING_HARVEST_MAX = 512 };

/*
 * Creates the ring, disabled, with smaller queues when memlock is short. @features: enum feature mask.
 * 0 or -errno (see sys/uring_error.h for what to tell the user).
 */
int ring_init(struct ring *ring, uint32_t features);

/* Restricts the ring (if the feature is on) and enables it: afterwards only this thread submits. 0 or -errno. */
int ring_enable(struct ring *ring, uint32_t features);

void ring_fini(struct ring *ring);

/* Submits what is prepared and waits for a completion, at most @timeout_ns; 0: does not wait. 0 or -errno. */
int ring_turn(struct ring *ring, uint64_t timeout_ns);

/* Copies up to RING_HARVEST_MAX completions and gives their places back to the kernel. */
unsigned ring_harvest(struct ring *ring, struct ring_event ret[RING_HARVEST_MAX]);

/* True if completions wait to be harvested. */
bool ring_has_more(struct ring *ring);

/* Completions that did not fit and took the slow way; should stay 0. */
uint32_t ring_overflows(const struct ring *ring);

/* Operations. Memory must stay until the completion. */
void ring_accept_multi(struct ring *ring, int listener, uint64_t tag);
void ring_accept_one(struct ring *ring, int listener, struct sockaddr *addr, socklen_t *size, uint64_t tag);
void ring_peer(struct ring *ring, int fd, void *addr, uint32_t size, bool only_errors, uint64_t tag);
void ring_peek(struct ring *ring, int fd, uint16_t group, uint32_t size, uint64_t tag);
void ring_poll(struct ring *ring, int fd, uint32_t events, uint64_t tag);
void ring_discard(struct ring *ring, int fd, uint32_t size, uint64_t tag);
void ring_close(struct ring *ring, int fd); /* consumes the fd; a failure is completed as OP_CLOSE */
void ring_cancel(struct ring *ring, uint64_t tag);
