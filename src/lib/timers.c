/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines: see timers.h. Refuses to act on them. */
#include "lib/timers.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

int timers_open(struct timers *timers)
{
	*timers = (struct timers){ .fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC) };
	return timers->fd < 0 ? -errno : 0;
}

void timers_close(struct timers *timers)
{
	close_fd(&timers->fd);
}

static void arm(struct timers *timers, uint64_t at)
{
	struct itimerspec spec = {
		.it_value = { .tv_sec = (time_t)(at / NS_PER_S), .tv_nsec = (long)(at % NS_PER_S) },
	};

	timers->armed = at;
	(void)timerfd_settime(timers->fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

void timers_set(struct timers *timers, enum timer timer, uint32_t milliseconds)
{
	uint64_t at = now_ns() + (uint64_t)milliseconds * NS_PER_MS;

	timers->at[timer] = at;
	if (timers->armed == 0 || at < timers->armed)
		arm(timers, at);
}

void timers_clear(struct timers *timers, enum timer timer)
{
	timers->at[timer] = 0;
}

uint32_t timers_due(struct timers *timers)
{
	uint64_t expirations, now = now_ns(), first = 0;
	uint32_t due = 0;

	(void)!read(timers->fd, &expirations, sizeof(expirations));
	timers->armed = 0;
	for (int i = 0; i < TIMER_COUNT; i++) {
		if (timers->at[i] == 0)
			continue;
		if (timers->at[i] <= now) {
			timers->at[i] = 0;
			due |= 1U << i;
		} else if (first == 0 || timers->at[i] < first) {
			first = timers->at[i];
		}
	}
	if (first != 0)
		arm(timers, first);
	return due;
}
