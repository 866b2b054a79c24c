/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What one run of loadgen does, from its command line. Every number is bounded here. */
#include <stdbool.h>
#include <stdint.h>

#include "common/endpoint.h"
#include "loadgen/header.h"
#include "loadgen/plan.h"

enum {
	AT_ONCE_MAX = 18000, /* below the hard limit of fds of small machines */
	TOTAL_MAX = 10 * 1000 * 1000,
	PAYLOAD_BYTES_MAX = 4096, /* fits any socket buffer beside a header */
	TIMEOUT_MS_MAX = 120 * 1000,
	RUN_SECONDS_MAX = 600,
	MESSAGE_BYTES_MAX = HEADER_WRITE_MAX + PAYLOAD_BYTES_MAX,
};

enum run_mode {
	RUN_CLOSED_LOOP,
	RUN_BACKLOG, /* all connections first, then, on a word from standard input, the answers */
	RUN_PRINT_HEADER, /* only write header number @first to standard output */
};

struct options {
	enum run_mode mode;
	struct endpoint target;
	struct plan plan;
	enum header_kind header;
	uint32_t payload_bytes;
	bool payload_separate; /* in a segment of its own */
	bool close_rst;
	bool check_source; /* the answer must be the stated source as text, and a line feed */
	bool no_answer; /* backlog: nobody will answer */
	uint32_t at_once;
	uint64_t total;
	uint64_t first; /* number of the first connection */
	uint64_t timeout_ns; /* for one connection, from its start */
	uint64_t limit_ns; /* for the run */
};

/* Prints what is wrong and exits with 2 if the command line makes no sense. */
struct options options_parse(int argc, char **argv);

const char *options_header_name(enum header_kind kind);
