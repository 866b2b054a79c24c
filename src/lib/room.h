/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Room for file descriptors. A receiver at its limit loses connections without a word, so the library raises the limit,
 * and near it looks at a message before it receives it. Owns nothing.
 *
 * Nothing tells how many fds a process has. The highest one that was ever received says whether the limit can be near;
 * if so, the room is tried out. The application can be faster than that: then fds are missing, which is reported.
 */
#include <stdbool.h>
#include <stdint.h>

struct room {
	uint32_t limit; /* soft RLIMIT_NOFILE */
	uint32_t highest; /* the highest fd that was received */
	bool lost; /* fds have been missing: the limit is nearer than it looks */
};

/* Reads the limit, and before that raises it to the hard one if @raise. */
void room_open(struct room *room, bool raise);

/* @batch, or less: a message that takes more than a quarter of the limit might never fit. */
uint32_t room_batch(const struct room *room, uint32_t batch);

/* Notes a received fd. */
static inline void room_saw(struct room *room, int fd)
{
	if ((uint32_t)fd > room->highest)
		room->highest = (uint32_t)fd;
}

/* True if @count more fds may not fit. */
bool room_is_near(const struct room *room, uint32_t count);

/* True if @count more fds fit now, found out with duplicates of @fd. */
bool room_try(struct room *room, int fd, uint32_t count);

/* How many fds the next message on channel @fd brings: it stays there. A negative errno if there is none. */
int room_look(int fd);
