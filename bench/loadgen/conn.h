/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One connection of the load: opened, header and payload sent, the answer awaited, closed. Never blocks. It keeps no
 * copy of what it sends: header and payload follow from its number and are made again where a send must be continued.
 */
#include <stdint.h>

#include "core/addr.h"
#include "loadgen/options.h"
#include "loadgen/tally.h"

enum conn_wants {
	CONN_WANTS_WRITE,
	CONN_WANTS_READ,
	CONN_ENDED, /* @outcome says how; it must be closed */
};

struct conn {
	int fd; /* owned; -1: this place is free */
	enum conn_wants wants;
	enum outcome outcome;
	int error; /* errno, when @outcome is OUTCOME_FAILED */
	uint64_t number;
	uint64_t start_ns; /* times count from here; an open loop will put the scheduled time here */
	uint64_t sent_ns; /* when all was sent: 0 before */
	uint64_t answered_ns; /* first byte of the answer, by this process's clock */
	uint64_t stamp_ns; /* the same by the kernel's, CLOCK_REALTIME, when stamps are on */
	uint32_t watched; /* epoll events that the engine has set */
	uint32_t sent;
	uint32_t answer_bytes;
	char answer[ADDR_TEXT_BYTES];
	uint32_t previous, next; /* the engine's list of open connections, oldest first */
};

/* Opens and sends what goes at once. With @stamps the kernel notes when the answer arrives. */
void conn_open(struct conn *c, const struct options *o, uint64_t number, bool stamps);

void conn_write(struct conn *c, const struct options *o);

void conn_read(struct conn *c, const struct options *o);

/* Closes as @o asks: FIN, or RST. */
void conn_close(struct conn *c);
