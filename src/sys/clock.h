/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Time as Usher uses it: CLOCK_MONOTONIC in nanoseconds. Deadlines never use the wall clock. */
#include <stdint.h>
#include <time.h>

#define NS_PER_MS 1000000ULL
#define NS_PER_S 1000000000ULL

static inline uint64_t clock_now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}
