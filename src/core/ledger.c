/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger as a value: see ledger.h. Refuses to know where its memory is or who reads it. */
#include "core/ledger.h"

#include <stddef.h>

static const char *const refused_names[REFUSED_COUNT] = {
	[REFUSED_UNTRUSTED_SOURCE] = "untrusted_source",
	[REFUSED_MISSING_HEADER] = "missing_header",
	[REFUSED_MALFORMED_SIGNATURE] = "malformed_signature",
	[REFUSED_MALFORMED_VERSION] = "malformed_version",
	[REFUSED_MALFORMED_COMMAND] = "malformed_command",
	[REFUSED_MALFORMED_FAMILY] = "malformed_family",
	[REFUSED_MALFORMED_LENGTH] = "malformed_length",
	[REFUSED_MALFORMED_ADDRESS] = "malformed_address",
	[REFUSED_MALFORMED_SYNTAX] = "malformed_syntax",
	[REFUSED_MALFORMED_TLV] = "malformed_tlv",
	[REFUSED_MALFORMED_CHECKSUM] = "malformed_checksum",
	[REFUSED_HEADER_TOO_LONG] = "header_too_long",
	[REFUSED_LOCAL_SOURCE] = "local_source",
	[REFUSED_LOCAL_CLOSED] = "local_closed",
	[REFUSED_DENIED] = "denied",
	[REFUSED_RATE_LIMITED] = "rate_limited",
	[REFUSED_CLIENT_CLOSED] = "client_closed",
	[REFUSED_CLIENT_RESET] = "client_reset",
	[REFUSED_NO_WORKER] = "no_worker",
	[REFUSED_QUEUE_FULL] = "queue_full",
	[REFUSED_FD_LIMIT] = "fd_limit",
	[REFUSED_DRAINING] = "draining",
	[REFUSED_SHUTDOWN] = "shutdown",
};

static const char *const timed_out_names[TIMED_OUT_COUNT] = {
	[TIMED_OUT_HEADER] = "header",
	[TIMED_OUT_QUEUE] = "queue",
};

static const char *const lost_names[LOST_COUNT] = {
	[LOST_SHARD_DIED] = "shard_died",
	[LOST_WORKER_FDS] = "worker_fds",
	[LOST_RECLAIM_BLOCKED] = "reclaim_blocked",
	[LOST_WORKER_FAULT] = "worker_fault",
};

const char *refused_name(enum refused reason)
{
	return reason < REFUSED_COUNT ? refused_names[reason] : "?";
}

const char *timed_out_name(enum timed_out phase)
{
	return phase < TIMED_OUT_COUNT ? timed_out_names[phase] : "?";
}

const char *lost_name(enum lost reason)
{
	return reason < LOST_COUNT ? lost_names[reason] : "?";
}

static uint64_t sum_of(const uint64_t *column, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += column[i];
	return sum;
}

int64_t ledger_delivered(const struct ledger *l)
{
	return (int64_t)(l->handed_off - l->taken_back);
}

int64_t ledger_imbalance(const struct ledger *l)
{
	uint64_t ended = sum_of(l->refused, REFUSED_COUNT) + sum_of(l->timed_out, TIMED_OUT_COUNT) +
	                 sum_of(l->lost, LOST_COUNT);

	return (int64_t)(l->accepted - ended - l->in_header - l->queued) - ledger_delivered(l);
}

static void add_columns(uint64_t *sum, const uint64_t *row, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sum[i] += row[i];
}

void ledger_add(struct ledger *sum, const struct ledger *row)
{
	/* the struct is columns of one type and nothing else, so that adding is the same for each */
	_Static_assert(sizeof(struct ledger) % sizeof(uint64_t) == 0, "a column is a uint64_t");
	add_columns((uint64_t *)sum, (const uint64_t *)row, sizeof(*sum) / sizeof(uint64_t));
}

void ledger_close_books(struct ledger *l)
{
	l->lost[LOST_SHARD_DIED] += l->in_header + l->queued;
	l->in_header = 0;
	l->queued = 0;
}
