/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The clock and this process's own CPU time, in nanoseconds. */
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>

enum { NS_PER_US = 1000, NS_PER_MS = 1000 * 1000, NS_PER_S = 1000 * 1000 * 1000 };

struct meter {
	uint64_t at_ns; /* CLOCK_MONOTONIC */
	uint64_t user_ns;
	uint64_t system_ns;
};

static inline uint64_t meter_clock_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static inline uint64_t meter_now_ns(void)
{
	return meter_clock_ns(CLOCK_MONOTONIC);
}

static inline uint64_t meter_timeval_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_usec * NS_PER_US;
}

static inline struct meter meter_read(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	return (struct meter){
		.at_ns = meter_now_ns(),
		.user_ns = meter_timeval_ns(r.ru_utime),
		.system_ns = meter_timeval_ns(r.ru_stime),
	};
}
