/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The event loop of the processes that carry no client's bytes (master, reclaimer): epoll, level triggered. Sources
 * belong to their owners and are borrowed here; a source may be removed from inside any handler, also its own.
 */
#include <stdint.h>

struct loop_source {
	int fd; /* borrowed; -1 when not in a loop */
	void (*ready)(struct loop_source *source, uint32_t events);
};

#define LOOP_SOURCE_NULL \
	{                \
		.fd = -1 \
	}

struct loop {
	int epoll;
	struct loop_source *pending[64]; /* of the turn being handled; removed ones become NULL */
	int pending_count;
};

#define LOOP_NULL           \
	{                   \
		.epoll = -1 \
	}

int loop_init(struct loop *loop);
void loop_fini(struct loop *loop);

/* Watches @fd, which must stay open until loop_remove(). @events as for epoll. 0 or -errno. */
int loop_add(struct loop *loop, struct loop_source *source, int fd, uint32_t events,
             void (*ready)(struct loop_source *source, uint32_t events));
int loop_change(struct loop *loop, struct loop_source *source, uint32_t events);

/* Before closing the fd, always: an fd duplicated elsewhere would go on reporting. Safe when not added. */
void loop_remove(struct loop *loop, struct loop_source *source);

/* Waits up to @timeout_ms (-1: no limit) and runs the handlers of what is ready. 0 or -errno. */
int loop_turn(struct loop *loop, int timeout_ms);
