/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The provided buffer ring that peeks read into: application memory (kernel-allocated ones had a use-after-free,
 * CVE-2024-0582). A buffer is out only between its completion and the end of its handling, in the same turn.
 */
#include <stdint.h>

#include "shard/ring.h"

struct buffers {
	struct io_uring_buf_ring *entries;
	uint8_t *memory;
	unsigned count; /* a power of two */
	unsigned returned;
};

enum { BUFFERS_GROUP = 0 };

/* Registers with a ring that is not yet restricted; fewer buffers when memlock is short. 0 or -errno. */
int buffers_init(struct buffers *buffers, struct ring *ring);
void buffers_fini(struct buffers *buffers);

/* The bytes of the buffer that a completion with these flags filled; NULL when it filled none. Borrowed. */
const uint8_t *buffers_get(const struct buffers *buffers, uint32_t cqe_flags);

/* Gives it back; the kernel sees it after buffers_flush(). */
void buffers_give(struct buffers *buffers, uint32_t cqe_flags);
void buffers_flush(struct buffers *buffers);
