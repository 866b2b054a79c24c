/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Connections that a benchmark's server keeps open: the latest N; one more closes the oldest. With N = 0 it closes each
 * at once. Owns every fd that it was given.
 */
#include <stdint.h>
#include <unistd.h>

enum { FD_RING_MAX = 19000 }; /* below the hard limit of fds of small machines */

struct fd_ring {
	int fds[FD_RING_MAX];
	uint32_t size; /* N */
	uint64_t put; /* ever */
};

static inline void fd_ring_consume(struct fd_ring *r, int fd)
{
	uint64_t at;

	if (r->size == 0) {
		(void)close(fd);
		return;
	}
	at = r->put++ % r->size;
	if (r->put > r->size)
		(void)close(r->fds[at]);
	r->fds[at] = fd;
}

static inline void fd_ring_close_all(struct fd_ring *r)
{
	uint64_t count = r->put < r->size ? r->put : r->size;

	for (uint64_t i = 0; i < count; i++)
		(void)close(r->fds[i]);
	r->put = 0;
}
