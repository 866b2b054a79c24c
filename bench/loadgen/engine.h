/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The load: keeps a bounded number of connections open until all are done, the run's time is over or it is asked to
 * stop, and counts how each ended. Owns all connections. An open loop would differ only in when a connection may start
 * (may_start() in engine.c) and in the start time that it is given.
 */
#include "loadgen/conn.h"
#include "loadgen/histogram.h"
#include "loadgen/options.h"
#include "loadgen/tally.h"

struct engine {
	const struct options *options; /* borrowed */
	int epoll; /* owned */
	int stop; /* owned */
	bool stamps;
	bool stopping;
	uint32_t open;
	uint32_t oldest, newest; /* ends of the list of open connections, in the order of their start */
	uint32_t free; /* head of the list of free places */
	uint64_t begin_ns;
	uint64_t end_ns;
	uint64_t stamp_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC; answers are stamped with the former */
	uint64_t go_ns; /* backlog: the line came; all times count from here */
	uint64_t first_answer_ns;
	uint64_t last_answer_ns;
	struct tally tally;
	struct histogram connect; /* start to all sent */
	struct histogram latency; /* start to first byte of the answer */
	struct conn *conns; /* owned: options->at_once places */
};

#define ENGINE_NONE UINT32_MAX

int engine_open(struct engine *e, const struct options *o);
void engine_close(struct engine *e);

/* One connection more; there must be a free place. */
void engine_start_one(struct engine *e);

/* True while the run may go on. */
bool engine_has_time(const struct engine *e);

/* Waits at most until the next deadline, serves what is ready, ends what has timed out. */
void engine_turn(struct engine *e);

/* Watches, counts or closes @c after one of conn_open(), conn_write(), conn_read(). */
void engine_settle(struct engine *e, struct conn *c);

/* Ends all that is still open as @outcome. */
void engine_end_all(struct engine *e, enum outcome outcome);

void engine_run_closed_loop(struct engine *e);
