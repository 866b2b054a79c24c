/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a limit of open files allows: one calculation for shards, the master and the doctor. In header + queued + unread
 * in channels + reserve stay below it; what is in flight is one budget for the user id, because the kernel counts it so.
 */
#include <stdint.h>

#include "base/limits.h"

enum {
	FD_BUDGET_MIN = 1024, /* usherd does not start with less */
	FD_BUDGET_CONNS_MIN = 64,
	FD_BUDGET_CAP = 1000000, /* slots are indexed with 24 bits, and no shard needs more */
	FD_BUDGET_FLIGHT_CAP = 4000000,
	FD_BUDGET_FLIGHT_RESERVE = 512, /* two largest messages of somebody else */
	FD_BUDGET_SMALL = 2048,
};

/* Connections that one shard may have open: two descriptors a channel are left, and a small limit means few workers. */
static inline uint32_t fd_budget_conns(uint64_t fds)
{
	uint64_t capped = fds < FD_BUDGET_CAP ? fds : FD_BUDGET_CAP;
	uint64_t channels = 2 * (capped / 16 < WORKERS_MAX ? capped / 16 : WORKERS_MAX);

	if (capped < FDS_RESERVED + channels + FD_BUDGET_CONNS_MIN)
		return FD_BUDGET_CONNS_MIN;
	return (uint32_t)(capped - FDS_RESERVED - channels);
}

/* Connections that may be unread in all channels: with all of them there is still room for a hand-off of others. */
static inline uint32_t fd_budget_in_flight(uint64_t fds)
{
	uint64_t capped = fds < FD_BUDGET_FLIGHT_CAP ? fds : FD_BUDGET_FLIGHT_CAP;

	return (uint32_t)(capped > FD_BUDGET_SMALL ? capped - FD_BUDGET_FLIGHT_RESERVE : capped * 3 / 4);
}
