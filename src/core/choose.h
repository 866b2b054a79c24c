/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Worker choice: which of a pool's workers gets the next connections, given how much each has and how much room is
 * left. Values in, an index out; refuses to know what a worker is.
 */
#include <stdbool.h>
#include <stdint.h>

enum choose_policy { CHOOSE_LEAST_CONNECTIONS, CHOOSE_ROUND_ROBIN };

struct choose_candidate {
	uint32_t load; /* connections that it has: open ones, or unread ones where open can't be known */
	uint32_t room; /* connections that it may get now; 0: none */
};

/*
 * Returns the index of the candidate to use, or -1 if nobody has room. Among equals the first one at or after @start
 * (mod @count) wins, so that a caller which passes the last answer plus one spreads equal loads.
 */
int choose_worker(enum choose_policy policy, const struct choose_candidate *candidates, uint32_t count,
                  uint32_t start);

/* How many of @ready connections one worker should get at once when @workers have room: a fair share, at least 1. */
uint32_t choose_share(uint32_t ready, uint32_t workers);
