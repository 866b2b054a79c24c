/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection from accept to the queue, and every way in which it can end without having been delivered.
 *
 *   accept → peer → trust → peek → parse → policy → discard → queue
 *                             ↑ incomplete: keep, discard, wait ↓
 *
 * The header is peeked and then dropped in the kernel, byte for byte, so that the next byte readable is the
 * application's first. What was peeked of an incomplete header is all header: it is kept in the stash and dropped,
 * since a peek that is simply repeated would complete at once for ever.
 *
 * Sockets are non-blocking from birth, so each peek and discard completes at once; only a poll ever waits.
 *
 * Refuses to parse a byte of a peer that is not trusted.
 */
#include "shard/shard.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "core/handoff.h"
#include "core/proxy_header.h"
#include "sys/probe.h"

static struct slot *slot_at(struct shard *s, uint32_t index)
{
	return &s->slots.table[index];
}

static uint64_t tag_of(struct shard *s, enum op op, uint32_t index)
{
	return op_tag_pack(op, index, slot_at(s, index)->generation);
}

static void peek(struct shard *s, uint32_t index)
{
	slot_at(s, index)->state = SLOT_PEEK;
	ring_peek(&s->ring, slot_at(s, index)->fd, BUFFERS_GROUP, PEEK_BUFFER_BYTES,
	          tag_of(s, OP_PEEK, index));
}

static void wait_for_bytes(struct shard *s, uint32_t index)
{
	slot_at(s, index)->state = SLOT_WAIT;
	ring_poll(&s->ring, slot_at(s, index)->fd, POLLIN | POLLRDHUP, tag_of(s, OP_POLL, index));
}

static void discard(struct shard *s, uint32_t index)
{
	struct slot *slot = slot_at(s, index);

	slot->state = SLOT_DISCARD;
	ring_discard(&s->ring, slot->fd, slot->discard, tag_of(s, OP_DISCARD, index));
}

/* ---- the end ---- */

void conn_release(struct shard *s, uint32_t index)
{
	struct slot *slot = slot_at(s, index);
	const struct linger none = { 0 };

	/* a worker that only peeked at it may have set SO_LINGER: a close must not wait or reset on its behalf */
	if (slot->flags & HANDOFF_CONN_RETAKEN)
		(void)setsockopt(slot->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	ring_close(&s->ring, slot->fd);
	stash_release(&s->stash, &slot->stash);
	slots_give(&s->slots, index);
	s->conns--;
}

/* Leaves its list and its gauge. */
static void leave(struct shard *s, uint32_t index)
{
	struct slot *slot = slot_at(s, index);
	struct shard_listener *l = &s->listeners[slot->listener];
	struct ledger *row = books_row(&s->books, slot->listener);

	if (slot->state == SLOT_QUEUED) {
		slot_list_remove(&s->slots, &l->queue, index);
		s->pools[l->plan->pool].queued--;
		row->queued--;
	} else {
		slot_list_remove(&s->slots, &l->header, index);
		row->in_header--;
	}
}

static void end(struct shard *s, uint32_t index, enum board_log_kind kind, uint8_t reason)
{
	struct slot *slot = slot_at(s, index);
	struct board_log_record record = { .kind = (uint8_t)kind,
		                           .reason = reason,
		                           .listener = slot->listener,
		                           .id = slot->id,
		                           .peer = slot->peer };

	if (slot->flags & HANDOFF_CONN_PROXIED)
		record.source = slot->source;
	leave(s, index);
	books_log(&s->books, record, s->now_ns);
	if (slot->state == SLOT_WAIT) {
		ring_cancel(&s->ring, tag_of(s, OP_POLL, index));
		slot->state = SLOT_ENDING;
	} else {
		conn_release(s, index);
	}
}

void conn_refuse(struct shard *s, uint32_t index, enum refused reason)
{
	books_row(&s->books, slot_at(s, index)->listener)->refused[reason]++;
	end(s, index, BOARD_LOG_REFUSED, (uint8_t)reason);
}

static void time_out(struct shard *s, uint32_t index, enum timed_out phase)
{
	books_row(&s->books, slot_at(s, index)->listener)->timed_out[phase]++;
	end(s, index, BOARD_LOG_TIMED_OUT, (uint8_t)phase);
}

/* ---- peer and trust ---- */

static void into_queue(struct shard *s, uint32_t index)
{
	struct slot *slot = slot_at(s, index);

	slot_list_remove(&s->slots, &s->listeners[slot->listener].header, index);
	books_row(&s->books, slot->listener)->in_header--;
	deliver_enqueue(s, index);
}

static struct addr addr_of(const struct sockaddr_in6 *address)
{
	struct sockaddr_in v4;
	uint8_t ip[4];

	if (address->sin6_family == AF_INET6)
		return addr_from_ip6(address->sin6_addr.s6_addr, be16toh(address->sin6_port));
	if (address->sin6_family != AF_INET)
		return (struct addr){ 0 };
	memcpy(&v4, address, sizeof(v4));
	memcpy(ip, &v4.sin_addr, sizeof(ip));
	return addr_from_ip4(ip, be16toh(v4.sin_port));
}

/* Decides what the peer may do. True if its header is to be read; else the connection has moved on or ended. */
static bool admit(struct shard *s, uint32_t index)
{
	struct slot *slot = slot_at(s, index);
	const struct plan_listener *l = s->listeners[slot->listener].plan;

	slot->peer = addr_of(&slot->address);
	slot->source = slot->destination = (struct addr){ 0 };
	if (slot->peer.family == ADDR_NONE) {
		/* no address: the client is gone, never trusted */
		conn_refuse(s, index, REFUSED_CLIENT_RESET);
		return false;
	}
	if (l->proxy == PLAN_PROXY_OFF) {
		into_queue(s, index);
		return false;
	}
	if (plan_trusts(s->plan, l, &slot->peer))
		return true;
	if (l->proxy == PLAN_PROXY_MIXED)
		into_queue(s, index);
	else
		conn_refuse(s, index, REFUSED_UNTRUSTED_SOURCE);
	return false;
}

static void ask_peer(struct shard *s, uint32_t index)
{
	struct slot *slot = slot_at(s, index);
	uint32_t size = s->listeners[slot->listener].peer_size;
	bool off = s->listeners[slot->listener].plan->proxy == PLAN_PROXY_OFF;

	if (!(s->features & feature_bit(FEATURE_PEERNAME))) {
		slot->address_size = sizeof(slot->address);
		if (getpeername(slot->fd, (struct sockaddr *)&slot->address, &slot->address_size) < 0)
			slot->address.sin6_family = AF_UNSPEC;
		if (admit(s, index))
			peek(s, index);
		return;
	}
	/* both complete in the order of submission, the peek at once too: trust is then decided before any byte is read */
	slot->state = SLOT_PEER;
	ring_peer(&s->ring, slot->fd, &slot->address, size, !off, tag_of(s, OP_PEER, index));
	if (!off)
		peek(s, index);
}

void conn_begin(struct shard *s, uint32_t index, uint32_t listener, int fd)
{
	struct slot *slot = slot_at(s, index);
	struct shard_listener *l = &s->listeners[listener];
	struct ledger *row = books_row(&s->books, listener);
	bool known = slot->state == SLOT_ACCEPTING;

	s->conns++;
	row->accepted++;
	row->in_header++;
	slot->fd = fd;
	slot->listener = (uint8_t)listener;
	slot->id = s->instance << 40 | s->next_id++;
	slot->deadline_ns = s->now_ns + l->plan->header_deadline_ns;
	slot->state = SLOT_PEER;
	slot_list_append(&s->slots, &l->header, index);
	if (!known)
		ask_peer(s, index);
	else if (admit(s, index))
		peek(s, index);
}

void conn_on_peer(struct shard *s, uint32_t index, const struct ring_event *e)
{
	struct slot *slot = slot_at(s, index);

	if (e->result < 0)
		slot->address.sin6_family = AF_UNSPEC;
	/* with a peek behind it, that decides */
	if (slot->state == SLOT_PEER)
		(void)admit(s, index);
}

/* ---- header ---- */

/* The bytes of the header so far: those kept and those just peeked, in one piece. */
static const uint8_t *assemble(struct shard *s, const struct slot *slot, const uint8_t *bytes, size_t size)
{
	static uint8_t whole[HEADER_BYTES_MAX + PEEK_BUFFER_BYTES];

	if (slot->stash.bytes == 0)
		return bytes;
	stash_copy(&s->stash, &slot->stash, 0, whole, slot->stash.bytes);
	memcpy(whole + slot->stash.bytes, bytes, size);
	return whole;
}

/* The listener's policy on a well-formed header: REFUSED_COUNT means welcome. */
static enum refused policy(const struct shard *s, const struct plan_listener *l, const struct proxy_header *h)
{
	if (h->command == PROXY_COMMAND_LOCAL)
		return l->local == PLAN_LOCAL_CLOSE ? REFUSED_LOCAL_CLOSED : REFUSED_COUNT;
	return plan_refuses_source(s->plan, l, &h->source) ? REFUSED_LOCAL_SOURCE : REFUSED_COUNT;
}

static void note_header(struct slot *slot, const struct proxy_header *h)
{
	slot->source = h->source;
	slot->destination = h->destination;
	slot->proxy_version = h->version;
	slot->flags = HANDOFF_CONN_PROXIED;
	if (h->command == PROXY_COMMAND_LOCAL)
		slot->flags |= HANDOFF_CONN_LOCAL;
	if (h->checked)
		slot->flags |= HANDOFF_CONN_CHECKED;
	if (h->family == PROXY_FAMILY_UDP4 || h->family == PROXY_FAMILY_UDP6 ||
	    h->family == PROXY_FAMILY_UNIX_DGRAM)
		slot->flags |= HANDOFF_CONN_DGRAM;
	slot->unix_bytes = h->unix_offset ? HANDOFF_UNIX_BYTES : 0;
	slot->tlv_bytes = h->tlv_bytes;
}

/*
 * Keeps what the worker will get of the header: Unix addresses and TLVs, which follow each other. Of a header in
 * pieces everything is kept, and the offset remembered. False: no room.
 */
static bool keep_data(struct shard *s, struct slot *slot, const struct proxy_header *h, const uint8_t *view)
{
	uint32_t data = h->unix_offset ? h->unix_offset : h->tlv_offset;
	uint32_t size = slot->unix_bytes + slot->tlv_bytes;

	if (size == 0) {
		stash_release(&s->stash, &slot->stash);
		return true;
	}
	if (slot->stash.bytes == 0)
		return stash_append(&s->stash, &slot->stash, view + data, size);
	slot->data_skip = data;
	return stash_append(&s->stash, &slot->stash, view + slot->stash.bytes, h->length - slot->stash.bytes);
}

static void header_complete(struct shard *s, uint32_t index, const struct proxy_header *h,
                            const uint8_t *view)
{
	struct slot *slot = slot_at(s, index);
	uint32_t kept = slot->stash.bytes;
	enum refused why;

	note_header(slot, h);
	why = policy(s, s->listeners[slot->listener].plan, h);
	if (why == REFUSED_COUNT && !keep_data(s, slot, h, view))
		why = REFUSED_RATE_LIMITED;
	if (why != REFUSED_COUNT) {
		conn_refuse(s, index, why);
		return;
	}
	slot->complete = true;
	slot->discard = h->length - kept;
	discard(s, index);
}

static void header_incomplete(struct shard *s, uint32_t index, const uint8_t *bytes, uint32_t size,
                              uint32_t need)
{
	struct slot *slot = slot_at(s, index);

	slot->need = need;
	slot->discard = size;
	if (stash_append(&s->stash, &slot->stash, bytes, size))
		discard(s, index);
	else
		conn_refuse(s, index, REFUSED_RATE_LIMITED);
}

static void on_bytes(struct shard *s, uint32_t index, const uint8_t *bytes, uint32_t size)
{
	struct slot *slot = slot_at(s, index);
	const struct plan_listener *l = s->listeners[slot->listener].plan;
	const struct proxy_options options = { .limit = l->header_limit, .dotted_tail = l->dotted_tail };
	struct proxy_header h = { .need = slot->need };
	enum proxy_result result = PROXY_INCOMPLETE;
	const uint8_t *view = bytes;

	if (slot->stash.bytes + size >= slot->need) {
		view = assemble(s, slot, bytes, size);
		result = proxy_header_parse(view, slot->stash.bytes + size, &options, &h);
	}
	switch (result) {
	case PROXY_ACCEPTED:
		header_complete(s, index, &h, view);
		break;
	case PROXY_INCOMPLETE:
		header_incomplete(s, index, bytes, size, h.need);
		break;
	case PROXY_REFUSED:
		conn_refuse(s, index, (enum refused)h.reason);
		break;
	}
}

static void on_read_error(struct shard *s, uint32_t index, int result)
{
	if (result == -EAGAIN || result == -EINTR)
		wait_for_bytes(s, index);
	else if (result == 0)
		conn_refuse(s, index, REFUSED_CLIENT_CLOSED);
	else
		conn_refuse(s, index, REFUSED_CLIENT_RESET);
}

void conn_on_peek(struct shard *s, uint32_t index, const struct ring_event *e)
{
	struct slot *slot = slot_at(s, index);
	const uint8_t *bytes = buffers_get(&s->buffers, e->flags);

	if (slot->peer.family != ADDR_NONE || admit(s, index)) {
		if (e->result > 0 && bytes)
			on_bytes(s, index, bytes, (uint32_t)e->result);
		else if (e->result == -ENOBUFS)
			peek(s, index); /* those of this turn are back when it is submitted */
		else
			on_read_error(s, index, e->result);
	}
	buffers_give(&s->buffers, e->flags);
}

void conn_on_poll(struct shard *s, uint32_t index, const struct ring_event *e)
{
	struct slot *slot = slot_at(s, index);

	if (slot->state == SLOT_ENDING)
		conn_release(s, index);
	else if (slot->discard > 0)
		discard(s, index);
	else
		peek(s, index);
}

void conn_on_discard(struct shard *s, uint32_t index, const struct ring_event *e)
{
	struct slot *slot = slot_at(s, index);

	if (e->result <= 0) {
		on_read_error(s, index, e->result);
		return;
	}
	/* an urgent byte splits it: fewer than asked for come back, and the rest is behind */
	slot->discard -= (uint32_t)e->result <= slot->discard ? (uint32_t)e->result : slot->discard;
	if (slot->discard > 0)
		discard(s, index);
	else if (slot->complete)
		into_queue(s, index);
	else
		peek(s, index);
}

/* ---- deadlines ---- */

static void expire_header(struct shard *s, struct shard_listener *l)
{
	uint32_t index = l->header.head;

	while (index != SLOT_NONE && slot_at(s, index)->deadline_ns <= s->now_ns) {
		uint32_t next = slot_at(s, index)->next;

		/* any other state ends by itself within this turn, and comes back here if it does not */
		if (slot_at(s, index)->state == SLOT_WAIT)
			time_out(s, index, TIMED_OUT_HEADER);
		index = next;
	}
}

static void expire_queue(struct shard *s, struct shard_listener *l)
{
	while (l->queue.head != SLOT_NONE && slot_at(s, l->queue.head)->deadline_ns <= s->now_ns) {
		if (s->pools[l->plan->pool].worker_count == 0)
			conn_refuse(s, l->queue.head, REFUSED_NO_WORKER);
		else
			time_out(s, l->queue.head, TIMED_OUT_QUEUE);
	}
}

void conn_expire(struct shard *s)
{
	for (uint32_t i = 0; i < s->plan->listener_count; i++) {
		expire_header(s, &s->listeners[i]);
		expire_queue(s, &s->listeners[i]);
	}
}

uint64_t conn_deadline(const struct shard *s)
{
	uint64_t first = UINT64_MAX;

	for (uint32_t i = 0; i < s->plan->listener_count; i++) {
		const uint32_t heads[] = { s->listeners[i].header.head, s->listeners[i].queue.head };

		for (int k = 0; k < 2; k++)
			if (heads[k] != SLOT_NONE && s->slots.table[heads[k]].deadline_ns < first)
				first = s->slots.table[heads[k]].deadline_ns;
	}
	return first;
}

void conn_refuse_all(struct shard *s, enum refused reason)
{
	for (uint32_t i = 0; i < s->plan->listener_count; i++) {
		struct shard_listener *l = &s->listeners[i];
		uint32_t index = l->header.head;

		while (l->queue.head != SLOT_NONE)
			conn_refuse(s, l->queue.head, reason);
		while (index != SLOT_NONE) {
			uint32_t next = slot_at(s, index)->next;

			if (slot_at(s, index)->state == SLOT_WAIT)
				conn_refuse(s, index, reason);
			index = next;
		}
	}
}
