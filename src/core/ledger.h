/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The ledger: where each accepted connection is or how it ended. One row per shard and listener, one writer.
 *
 *   accepted  = delivered + refused{reason} + timed_out{phase} + lost{reason} + in_header + queued
 *   delivered = handed_off - taken_back
 *
 * in_header runs from accept to the discard of the header, queued from there to the send's completion. unread is a
 * gauge of what was handed off and still waits in channels. A connection taken back counts in the row of the shard
 * that received it, so that one row's delivered can be negative for a moment while the sum never is. A connection
 * lost after its hand-off is counted as taken back first.
 *
 * The lists are closed: each word is documented in usherctl(1) with what to do about it.
 */
#include <stdbool.h>
#include <stdint.h>

enum refused {
	REFUSED_UNTRUSTED_SOURCE,
	REFUSED_MISSING_HEADER,
	REFUSED_MALFORMED_SIGNATURE,
	REFUSED_MALFORMED_VERSION,
	REFUSED_MALFORMED_COMMAND,
	REFUSED_MALFORMED_FAMILY,
	REFUSED_MALFORMED_LENGTH,
	REFUSED_MALFORMED_ADDRESS,
	REFUSED_MALFORMED_SYNTAX,
	REFUSED_MALFORMED_TLV,
	REFUSED_MALFORMED_CHECKSUM,
	REFUSED_HEADER_TOO_LONG,
	REFUSED_LOCAL_SOURCE,
	REFUSED_LOCAL_CLOSED,
	REFUSED_DENIED,
	REFUSED_RATE_LIMITED,
	REFUSED_CLIENT_CLOSED,
	REFUSED_CLIENT_RESET,
	REFUSED_NO_WORKER,
	REFUSED_QUEUE_FULL,
	REFUSED_FD_LIMIT,
	REFUSED_DRAINING,
	REFUSED_SHUTDOWN,
	REFUSED_COUNT
};

enum timed_out { TIMED_OUT_HEADER, TIMED_OUT_QUEUE, TIMED_OUT_COUNT };

enum lost { LOST_SHARD_DIED, LOST_WORKER_FDS, LOST_RECLAIM_BLOCKED, LOST_WORKER_FAULT, LOST_COUNT };

struct ledger {
	uint64_t accepted;
	uint64_t handed_off;
	uint64_t taken_back;
	uint64_t refused[REFUSED_COUNT];
	uint64_t timed_out[TIMED_OUT_COUNT];
	uint64_t lost[LOST_COUNT];
	uint64_t in_header;
	uint64_t queued;
	uint64_t unread;
};

/* The words of design section 5; never NULL for a member of the list. */
const char *refused_name(enum refused reason);
const char *timed_out_name(enum timed_out phase);
const char *lost_name(enum lost reason);

/* handed_off - taken_back */
int64_t ledger_delivered(const struct ledger *l);

/* accepted minus everything it must be equal to: 0 means that the ledger holds. */
int64_t ledger_imbalance(const struct ledger *l);

/* Adds every column of @row to @sum. */
void ledger_add(struct ledger *sum, const struct ledger *row);

/* The shard that wrote @l is dead: what it alone held becomes lost{shard_died}. */
void ledger_close_books(struct ledger *l);
