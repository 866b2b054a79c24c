/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a worker tells Usher about connections: how many are finished (DONE), how many never arrived (LOST). Owns nothing. */
#include <stdbool.h>
#include <stdint.h>

#include "lib/channels.h"

struct report {
	uint64_t open; /* handed to the application, and not said to be done */
	uint64_t done; /* said to be done, and not yet sent */
	uint64_t uncounted; /* of @open: those that the registration in force does not know of */
	uint32_t threshold; /* send at so many */
	bool lost; /* some channel has a LOST to send */
};

void report_open(struct report *report, uint32_t batch, uint32_t capacity);

/* A new registration begins: returns how many connections it must be told are open. */
uint32_t report_hello(struct report *report);

/* The application was given a connection that came with registration @epoch; @now is the one in force. */
void report_given(struct report *report, uint32_t epoch, uint32_t now);

/* Returns 1 if it is time to flush, 0 if not yet, -EINVAL if more are done than are open. */
int report_done(struct report *report, uint32_t count);

/* Notes that @count fds did not arrive. */
void report_lost(struct report *report, struct channel *channel, uint32_t listener, uint32_t count);

/* Sends what is to be sent, DONE on a channel of registration @epoch. False: no room, try again later. */
bool report_flush(struct report *report, struct channels *channels, uint32_t epoch);
