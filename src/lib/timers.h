/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The handle's few deadlines behind one timerfd, so that they too make usher_fd() readable. Owns the timerfd. */
#include <stdbool.h>
#include <stdint.h>

enum timer { TIMER_RECONNECT, TIMER_ANSWER, TIMER_FLUSH, TIMER_ROOM, TIMER_COUNT };

struct timers {
	int fd;
	uint64_t at[TIMER_COUNT]; /* CLOCK_MONOTONIC, ns; 0: not set */
	uint64_t armed; /* what the timerfd waits for; 0: nothing */
};

int timers_open(struct timers *timers);
void timers_close(struct timers *timers);

void timers_set(struct timers *timers, enum timer timer, uint32_t milliseconds);

/* The timerfd may still fire for it, to no effect. */
void timers_clear(struct timers *timers, enum timer timer);

static inline bool timers_is_set(const struct timers *timers, enum timer timer)
{
	return timers->at[timer] != 0;
}

/* Call when the timerfd is readable: clears the timers that are due and returns them as bits, 1 << timer. */
uint32_t timers_due(struct timers *timers);
