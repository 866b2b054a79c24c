/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A shard's side of the ledger and of the log: private rows that are published to the board once a turn, and one log
 * record per connection that was not delivered, bounded in rate. The only place where the ledger's columns change.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/ledger.h"
#include "wire/board.h"

struct books {
	struct board *board;
	struct board_log *log;
	uint32_t slot, shard;
	struct ledger rows[LISTENERS_MAX];
	uint64_t dirty; /* a bit per row */
	uint64_t second; /* of the log's rate limit */
	uint32_t lines;
	uint32_t suppressed;
};

_Static_assert(LISTENERS_MAX <= 64, "one bit per row");

/* Goes on from what the board has: a successor continues its predecessor's rows. */
void books_init(struct books *books, struct board *board, uint32_t slot, uint32_t shard);

/* A row that will be changed. */
struct ledger *books_row(struct books *books, uint32_t listener);

/* Publishes the rows that changed since the last time. */
void books_publish(struct books *books);

/* Drops the record when this second had LOG_LINES_PER_SECOND already, and counts it into the next one. */
void books_log(struct books *books, struct board_log_record record, uint64_t now_ns);
void books_note(struct books *books, enum board_note note, int64_t value, uint32_t listener, uint64_t now_ns);
