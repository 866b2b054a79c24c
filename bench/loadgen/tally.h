/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The client's ledger: each connection that was started ends in exactly one way. */
#include <stdbool.h>
#include <stdint.h>

enum outcome {
	OUTCOME_SERVED, /* the answer came */
	OUTCOME_WRONG_ANSWER, /* it came, and is not what this connection must get */
	OUTCOME_REFUSED_FIN, /* closed before any answer */
	OUTCOME_REFUSED_RST, /* reset before any answer */
	OUTCOME_TIMED_OUT_CONNECT,
	OUTCOME_TIMED_OUT_ANSWER,
	OUTCOME_FAILED, /* no connection: nobody listens, or this host has no more ports or fds */
	OUTCOME_UNFINISHED, /* still open when the run ended */
	OUTCOME_COUNT
};

struct tally {
	uint64_t started;
	uint64_t ended[OUTCOME_COUNT];
	int first_error; /* errno behind the first OUTCOME_FAILED */
};

static inline uint64_t tally_ended(const struct tally *t)
{
	uint64_t sum = 0;

	for (int i = 0; i < OUTCOME_COUNT; i++)
		sum += t->ended[i];
	return sum;
}

static inline bool tally_adds_up(const struct tally *t)
{
	return t->started == tally_ended(t);
}
