/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The board: the shared memory of master, shards and reclaimer. It outlives every shard: the ledger, the worker table,
 * the shards' ticks and their log records are here. Each field has one writer, named beside it; what several write is
 * an atomic. Nothing here is trusted to be sane by the master when a shard wrote it: indices are checked.
 */
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "core/addr.h"
#include "core/ledger.h"

enum board_worker_state {
	BOARD_WORKER_FREE,
	BOARD_WORKER_READY,
	BOARD_WORKER_PAUSED,
	BOARD_WORKER_DRAINING,
	BOARD_WORKER_GONE, /* dead or dropped: take-back is under way */
};

/* Written by the master, but for @open. */
struct board_worker {
	alignas(64) _Atomic uint64_t number; /* never used twice while Usher runs; 0: free */
	_Atomic uint32_t state; /* enum board_worker_state */
	_Atomic uint32_t open; /* all shards: reserved before a send, returned by DONE or take-back */
	uint32_t capacity; /* 0 = no limit */
	uint32_t batch;
	uint32_t pool;
	bool sends_done;
};

/* Written by the shard. */
struct board_channel {
	_Atomic uint32_t unread; /* connections */
	_Atomic uint32_t stuck;
	_Atomic uint64_t handed_off;
};

enum board_shard_state { BOARD_SHARD_OFF, BOARD_SHARD_STARTING, BOARD_SHARD_RUNNING, BOARD_SHARD_STOPPING };

enum board_accept { BOARD_ACCEPT_OFF, BOARD_ACCEPT_MULTISHOT, BOARD_ACCEPT_WINDOW, BOARD_ACCEPT_PAUSED };

/* Written by the shard while it lives. */
struct board_shard {
	alignas(64) _Atomic uint64_t tick_ns; /* CLOCK_MONOTONIC of its last turn */
	_Atomic uint32_t state;
	_Atomic uint32_t accept; /* enum board_accept, of its first listener */
	_Atomic uint32_t slots_used;
	_Atomic uint32_t slots;
	_Atomic uint32_t features;
	_Atomic uint32_t in_flight; /* this shard's part of the board's in_flight */
	_Atomic uint64_t cq_overflows;
	struct board_channel channels[WORKERS_MAX];
};

/*
 * One row of the ledger in two copies: the one that @sequence does not point at is written, then @sequence moves. A
 * writer that dies half-way leaves the last whole copy.
 */
struct board_row {
	alignas(64) _Atomic uint32_t sequence;
	struct ledger copies[2];
};

enum board_log_kind { BOARD_LOG_REFUSED, BOARD_LOG_TIMED_OUT, BOARD_LOG_NOTE };

/* What a shard tells about itself; master/log_text.c has the words. */
enum board_note {
	BOARD_NOTE_ACCEPT_PAUSED, /* value: errno */
	BOARD_NOTE_ACCEPT_RESUMED,
	BOARD_NOTE_CHANNEL_ERROR, /* value: errno */
	BOARD_NOTE_RETAKEN_ERROR,
	BOARD_NOTE_CLOSE_ERROR,
	BOARD_NOTE_ORDER_CUT,
	BOARD_NOTE_COUNT
};

enum { BOARD_NO_LISTENER = 0xffff };

/* One line of a shard's log, as values; the master makes text of it. */
struct board_log_record {
	uint8_t kind; /* enum board_log_kind */
	uint8_t reason; /* enum refused or timed_out, or a note's number */
	uint16_t listener;
	uint32_t suppressed; /* lines not written before this one because there were too many */
	uint64_t id;
	int64_t value; /* note: its number's meaning, mostly an errno */
	struct addr peer;
	struct addr source;
};

/* Written by the shard (head, records), read by the master (tail). */
struct board_log {
	alignas(64) _Atomic uint32_t head;
	alignas(64) _Atomic uint32_t tail;
	_Atomic uint32_t dropped; /* the master did not keep up */
	struct board_log_record records[LOG_RECORDS];
};

struct board {
	uint64_t magic;
	uint32_t shards; /* per generation */
	_Atomic uint32_t
		in_flight; /* connections unread in channels of all shards: the budget of the user id */
	uint32_t in_flight_max;
	/* the reclaimer: its last turn, what it is reading, and what it holds between reading and giving it on */
	_Atomic uint64_t reclaimer_tick_ns;
	_Atomic uint64_t reclaimer_ticket;
	_Atomic uint32_t reclaimer_hand_count;
	_Atomic uint32_t reclaimer_hand_listener;
	struct board_worker workers[WORKERS_MAX];
	/* then GENERATIONS_MAX * shards of struct board_shard, struct board_log, and LISTENERS_MAX rows each */
};

size_t board_size(uint32_t shards);

/* @memory is zeroed and board_size() large. */
void board_format(struct board *board, uint32_t shards, uint32_t in_flight_max);

/* True if @board, of @size bytes, is one that board_format() made. */
bool board_check(const struct board *board, size_t size);

/* @slot: 0 to GENERATIONS_MAX - 1, the generation's place on the board. */
struct board_shard *board_shard(struct board *board, uint32_t slot, uint32_t shard);
struct board_log *board_log(struct board *board, uint32_t slot, uint32_t shard);
struct board_row *board_row(struct board *board, uint32_t slot, uint32_t shard, uint32_t listener);

/* The one writer's side: makes @ledger the row's visible copy. */
void board_row_publish(struct board_row *row, const struct ledger *ledger);

/* A whole copy, never a mixture. */
void board_row_read(struct board_row *row, struct ledger *ret);

/* Shard's side. False if there was no room; the record is then counted in dropped. */
bool board_log_write(struct board_log *log, const struct board_log_record *record);

/* Master's side. False if there is none. */
bool board_log_read(struct board_log *log, struct board_log_record *ret);
