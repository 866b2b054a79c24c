/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The channels of one worker: one per shard, of several generations at times. Owns their fds, and with USHER_OWN_RING
 * an inbox for each.
 *
 * A channel is named by a cookie that is never used again, so that an event or a completion which comes late finds
 * nothing.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "lib/inbox.h"

struct channel {
	int fd; /* -1 once it has ended */
	uint32_t index;
	uint32_t serial;
	uint32_t epoch; /* of the registration that brought it */
	bool outstanding; /* own ring: a receive was prepared and not fed back */
	bool ready; /* own ring: its inbox waits to be handed out */
	struct inbox *inbox; /* own ring */
	struct channel *ready_next;
	uint32_t lost_listener; /* a LOST that is still to be sent */
	uint32_t lost_count;
};

struct channels {
	int epoll_fd; /* borrowed; -1: the caller receives, nothing is watched */
	uint32_t high; /* slots from here on were never used */
	uint32_t live; /* channels that have not ended */
	uint32_t outstanding;
	uint32_t serial;
	struct channel *slots[LIB_CHANNELS_MAX];
	struct channel *ready_first; /* own ring: in the order in which they were fed */
	struct channel *ready_last;
};

/* Public: a cookie is from 2^16 to 2^48, which leaves room for marks above and for names of others below. */
enum { CHANNELS_INDEX_BITS = 16 };
_Static_assert(LIB_CHANNELS_MAX <= 1 << CHANNELS_INDEX_BITS, "cookie");

static inline uint64_t channels_cookie(const struct channel *channel)
{
	return (uint64_t)channel->serial << CHANNELS_INDEX_BITS | channel->index;
}

/* NULL: it has ended and is gone. */
struct channel *channels_find(const struct channels *channels, uint64_t cookie);

/* Takes @fd over in every case. Returns 0, -ENOMEM, -EPROTO (more channels than there can be) or epoll's error. */
int channels_add_consume(struct channels *channels, int fd, uint32_t epoch);

/* Starts or stops watching for something to read. */
int channels_watch(struct channels *channels, struct channel *channel);
void channels_unwatch(struct channels *channels, struct channel *channel);

/* Closes it; @channel may be freed. */
void channels_end(struct channels *channels, struct channel *channel);
void channels_end_all(struct channels *channels);

/* Own ring: a receive is with the kernel, or no longer. */
void channels_set_outstanding(struct channels *channels, struct channel *channel, bool outstanding);

/* Own ring: puts a channel whose inbox has something last in line. */
void channels_push_ready(struct channels *channels, struct channel *channel);

/* Own ring: takes the first one out of the line; it may be freed. */
void channels_pop_ready(struct channels *channels);
