/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What of a channel's messages has not been read: a FIFO of the messages sent, matched with the number of payload
 * bytes that the kernel still holds (FIONREAD). Messages are read whole and in order, so the bytes left say exactly
 * which messages are left. Memory is the caller's; one entry per unread message.
 */
#include <stdbool.h>
#include <stdint.h>

struct unread_entry {
	uint32_t bytes;
	uint16_t count; /* connections; 0 for a probe */
	uint16_t listener;
	uint64_t sent_ns;
};

struct unread {
	struct unread_entry *entries; /* @size of them, a power of two */
	uint32_t size;
	uint32_t head; /* oldest */
	uint32_t tail; /* next free; tail - head are in use */
	uint32_t count; /* connections in them */
	uint64_t bytes;
};

static inline bool unread_full(const struct unread *u)
{
	return u->tail - u->head >= u->size;
}

static inline bool unread_empty(const struct unread *u)
{
	return u->tail == u->head;
}

/* The oldest entry; NULL when there is none. */
const struct unread_entry *unread_oldest(const struct unread *u);

/* Not when full. */
void unread_push(struct unread *u, struct unread_entry entry);

/* Removes the oldest entry: it was read. */
struct unread_entry unread_pop(struct unread *u);

/* True if the oldest entry has been read, given that @left payload bytes are still in the channel. */
bool unread_oldest_was_read(const struct unread *u, uint64_t left);
