/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The table of a shard's connections: a slot from accept to hand-off. Sized at start; a slot that is given back gets a
 * new generation, so that a late completion is recognised. Lists (deadlines, queues) link slots by index. Owns the
 * memory; the fd in a slot belongs to whoever moves the connection on (conn.c, handoff.c).
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/addr.h"
#include "shard/stash.h"

enum { SLOT_NONE = 0xffffff }; /* also the largest table: the index travels in 24 bits */

enum slot_state {
	SLOT_FREE,
	SLOT_ACCEPTING, /* a single-shot accept is armed on it */
	SLOT_PEER, /* the peer's address is being asked for */
	SLOT_PEEK, /* a peek is under way */
	SLOT_WAIT, /* nothing to read: a poll is armed */
	SLOT_DISCARD, /* header bytes are being dropped */
	SLOT_QUEUED, /* waits for a worker */
	SLOT_ENDING, /* ended in the ledger; a poll must still be cancelled before its fd is closed */
};

struct slot {
	uint32_t generation;
	int fd;
	uint8_t state; /* enum slot_state */
	uint8_t listener;
	uint8_t proxy_version;
	bool complete; /* the whole header was seen: what is being discarded is the end of it */
	uint32_t prev, next;
	uint64_t deadline_ns;
	uint64_t id;
	struct stash_run stash; /* header bytes so far; then Unix addresses and TLVs */
	uint32_t data_skip; /* bytes of the stash before those */
	uint32_t need; /* header bytes below which parsing again is useless */
	uint32_t discard; /* bytes still to be dropped */
	uint32_t flags; /* HANDOFF_CONN_… */
	uint32_t unix_bytes;
	uint32_t tlv_bytes;
	struct addr peer;
	union {
		struct {
			struct addr source;
			struct addr destination;
		};
		struct { /* until the peer is known */
			struct sockaddr_in6 address;
			socklen_t address_size;
		};
	};
};

_Static_assert(sizeof(struct slot) <= 256, "a connection that has sent nothing may cost 256 bytes of ours");

struct slots {
	struct slot *table;
	uint32_t count;
	uint32_t free; /* index of the first one given back */
	uint32_t fresh; /* from here on none was ever taken, and its memory costs nothing */
	uint32_t used; /* not free */
};

struct slot_list {
	uint32_t head, tail, count;
};

#define SLOT_LIST_EMPTY                 \
	{                               \
		SLOT_NONE, SLOT_NONE, 0 \
	}

/* 0 or -ENOMEM. @count below SLOT_NONE. */
int slots_init(struct slots *slots, uint32_t count);
void slots_fini(struct slots *slots);

/* A free slot's index, its fields zeroed but for the generation; SLOT_NONE when there is none. */
uint32_t slots_take(struct slots *slots);

/* Its stash must be released and its fd passed on before. */
void slots_give(struct slots *slots, uint32_t index);

/* The slot if @generation is the present one, else NULL: the completion is a stale one. */
struct slot *slots_get(struct slots *slots, uint32_t index, uint32_t generation);

void slot_list_append(struct slots *slots, struct slot_list *list, uint32_t index);
/* Behind @after, which is in the list; SLOT_NONE: at the head. */
void slot_list_insert(struct slots *slots, struct slot_list *list, uint32_t index, uint32_t after);
void slot_list_remove(struct slots *slots, struct slot_list *list, uint32_t index);
