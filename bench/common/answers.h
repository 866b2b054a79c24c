/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How a benchmark's server answers, and what it then does with the connection: at once, or, to take the answers out of
 * what is measured, all together when the last one that counts is here. The first @warmup connections are answered at
 * once in any case. Owns every fd that it was given.
 */
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "common/fd_ring.h"
#include "common/meter.h"

struct answers {
	struct fd_ring held; /* at least @together of them */
	uint64_t warmup;
	uint64_t together; /* 0: each at once */
	uint64_t complete; /* connections whose payload is here */
	uint64_t answered;
	uint64_t first_ns, last_ns; /* when one was complete, after the warm-up */
};

static inline void answers_send(struct answers *a, int fd, const char *answer)
{
	size_t size = strlen(answer);

	if (send(fd, answer, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size)
		a->answered++;
}

static inline void answers_send_all(struct answers *a)
{
	for (uint64_t i = a->held.put - a->together; i < a->held.put; i++)
		answers_send(a, a->held.fds[i % a->held.size], "k");
}

/* Its payload is here. */
static inline void answers_consume(struct answers *a, int fd, const char *answer)
{
	bool counts = a->complete++ >= a->warmup;

	if (counts) {
		a->last_ns = meter_now_ns();
		if (a->first_ns == 0)
			a->first_ns = a->last_ns;
	}
	if (!counts || a->together == 0)
		answers_send(a, fd, answer);
	fd_ring_consume(&a->held, fd);
	if (counts && a->together > 0 && a->complete == a->warmup + a->together)
		answers_send_all(a);
}
