/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Control messages on their way to a process that may not read at once: sent if there is room, else kept in order,
 * with their fds, until there is. Bounded: a process that lets OUTBOX_MAX messages wait is not alive.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "wire/control.h"

enum { OUTBOX_MAX = 4 * WORKERS_MAX };

struct outbox_entry {
	struct control message;
	int fds[CONTROL_FDS_MAX];
	size_t fd_count;
	struct outbox_entry *next;
};

struct outbox {
	struct outbox_entry *first, **last;
	uint32_t count;
};

void outbox_init(struct outbox *box);

/* Closes and frees what waits. */
void outbox_fini(struct outbox *box);

/* Borrows the fds. 0; -ENOBUFS: too many wait; -ENOMEM; or what sending said (-EPIPE, …). */
int outbox_send(struct outbox *box, int socket, const struct control *message, const int *fds, size_t count);

/* When the socket has room. 0 or -errno as above. */
int outbox_flush(struct outbox *box, int socket);

static inline bool outbox_empty(const struct outbox *box)
{
	return box->count == 0;
}
