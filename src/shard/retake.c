/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that the reclaimer read back out of a channel: they go back into their queue by their original
 * deadlines, which is to its head, their addresses and TLVs as they were, and count as taken back in this shard's row.
 *
 * Refuses to read a message whose connections would not all find a slot: it stays with the reclaimer's socket.
 */
#include "shard/shard.h"

#include <errno.h>
#include <poll.h>

#include "base/cleanup.h"
#include "core/handoff.h"
#include "wire/retaken.h"

static void adopt(struct shard *s, uint32_t listener, const uint8_t *bytes, uint32_t i, int fd)
{
	const struct handoff_conn *record = handoff_conns_record(bytes, i);
	uint32_t index = slots_take(&s->slots);
	struct slot *slot = &s->slots.table[index];

	slot->fd = fd;
	slot->listener = (uint8_t)listener;
	slot->id = record->id;
	slot->deadline_ns = record->deadline;
	slot->flags = record->flags | HANDOFF_CONN_RETAKEN;
	slot->proxy_version = record->proxy_version;
	slot->peer = record->peer;
	slot->source = record->source;
	slot->destination = record->destination;
	slot->unix_bytes = record->unix_bytes;
	slot->tlv_bytes = record->tlv_bytes;
	if (!stash_append(&s->stash, &slot->stash, bytes + record->data_offset,
	                  record->unix_bytes + record->tlv_bytes))
		slot->unix_bytes = slot->tlv_bytes = 0; /* the connection is worth more than its TLVs */
	s->conns++;
	deliver_enqueue_again(s, index);
}

/* The worker no longer has them. */
static void give_back_capacity(struct shard *s, const struct retaken *r, uint32_t count)
{
	struct board_worker *w = &s->board->workers[r->worker % WORKERS_MAX];

	if (w->sends_done && atomic_load_explicit(&w->number, memory_order_relaxed) == r->number)
		atomic_fetch_sub_explicit(&w->open, count, memory_order_relaxed);
}

static void adopt_all(struct shard *s, const struct retaken *r, const uint8_t *bytes, const int *fds,
                      uint32_t count)
{
	const struct handoff_conns *conns = (const struct handoff_conns *)(const void *)bytes;
	uint32_t listener = conns->listener;

	books_row(&s->books, listener)->taken_back += count;
	give_back_capacity(s, r, conns->count);
	for (uint32_t i = 0; i < count; i++)
		adopt(s, listener, bytes, i, fds[i]);
	/* fds that never arrived are gone; they were delivered in the books until now */
	if (conns->count > count) {
		books_row(&s->books, listener)->taken_back += conns->count - count;
		books_row(&s->books, listener)->lost[LOST_RECLAIM_BLOCKED] += conns->count - count;
	}
}

/* False: nothing more to read now. */
static bool take_one(struct shard *s)
{
	static _Alignas(8) uint8_t buffer[sizeof(struct retaken) + HANDOFF_BYTES_MAX];
	const struct retaken *r = (const struct retaken *)(const void *)buffer;
	const uint8_t *bytes = buffer + sizeof(*r);
	const struct handoff_conns *conns = (const struct handoff_conns *)(const void *)bytes;
	struct fdpass_message info;
	int fds[FDPASS_FDS_MAX];
	int result = fdpass_receive(s->retaken_fd, buffer, sizeof(buffer), fds, FDPASS_FDS_MAX, &info);

	if (result == FDPASS_END)
		close_fd(&s->retaken_fd); /* the reclaimer died; the master sends its successor's socket */
	if (result != FDPASS_MESSAGE)
		return false;
	if (info.size < sizeof(*r) || !handoff_conns_check(bytes, info.size - sizeof(*r)) ||
	    conns->listener >= s->plan->listener_count || info.fd_count > conns->count) {
		books_note(&s->books, BOARD_NOTE_RETAKEN_ERROR, -EBADMSG, BOARD_NO_LISTENER, s->now_ns);
		fdpass_close_all(fds, info.fd_count);
		return true;
	}
	adopt_all(s, r, bytes, fds, (uint32_t)info.fd_count);
	return true;
}

/* The reserve of fds holds one message; slots alone would let more come than the fd limit does, and the kernel drop them. */
static bool has_room(const struct shard *s)
{
	return s->conns <= s->conns_max && s->slots.count - s->slots.used >= FDPASS_FDS_MAX;
}

static void take_all(struct shard *s)
{
	while (s->retaken_fd >= 0 && has_room(s) && take_one(s))
		;
}

bool retake_last(struct shard *s)
{
	take_all(s);
	return s->conns > 0;
}

void retake_on_ready(struct shard *s, uint32_t generation)
{
	if (generation != s->retaken_generation)
		return;
	s->retaken_armed = false;
	take_all(s);
}

void retake_turn(struct shard *s)
{
	if (s->retaken_fd < 0 || s->retaken_armed || !has_room(s))
		return;
	s->retaken_armed = true;
	ring_poll(&s->ring, s->retaken_fd, POLLIN, op_tag_pack(OP_RETAKEN, 0, s->retaken_generation));
}

void retake_replace(struct shard *s, int fd)
{
	take_all(s); /* what the last reclaimer gave is still in its socket */
	close_fd(&s->retaken_fd);
	s->retaken_fd = fd;
	s->retaken_armed = false;
	s->retaken_generation++;
}
