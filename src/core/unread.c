/* SPDX-License-Identifier: Apache-2.0 */
/* The FIFO of unread messages: see unread.h. */
#include "core/unread.h"

#include <assert.h>
#include <stddef.h>

const struct unread_entry *unread_oldest(const struct unread *u)
{
	return unread_empty(u) ? NULL : &u->entries[u->head & (u->size - 1)];
}

void unread_push(struct unread *u, struct unread_entry entry)
{
	assert(!unread_full(u));
	u->entries[u->tail++ & (u->size - 1)] = entry;
	u->count += entry.count;
	u->bytes += entry.bytes;
}

struct unread_entry unread_pop(struct unread *u)
{
	struct unread_entry entry;

	assert(!unread_empty(u));
	entry = u->entries[u->head++ & (u->size - 1)];
	u->count -= entry.count;
	u->bytes -= entry.bytes;
	return entry;
}

bool unread_oldest_was_read(const struct unread *u, uint64_t left)
{
	return !unread_empty(u) && u->bytes > left;
}
