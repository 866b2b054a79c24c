/* SPDX-License-Identifier: Apache-2.0 */
/* The wire to workers, checked: see handoff.h. Refuses to send, receive or own anything. */
#include "core/handoff.h"

#include <string.h>

struct handoff_head handoff_head_of(enum handoff_type type, size_t length)
{
	return (struct handoff_head){
		.type = (uint16_t)type,
		.version = HANDOFF_VERSION,
		.length = (uint32_t)length,
	};
}

static size_t length_of_type(uint16_t type)
{
	switch (type) {
	case HANDOFF_HELLO:
		return sizeof(struct handoff_hello);
	case HANDOFF_PAUSE:
	case HANDOFF_RESUME:
	case HANDOFF_DRAIN:
		return sizeof(struct handoff_head);
	case HANDOFF_WELCOME:
		return sizeof(struct handoff_welcome);
	case HANDOFF_ERROR:
		return sizeof(struct handoff_error);
	case HANDOFF_GOAWAY:
		return sizeof(struct handoff_goaway);
	case HANDOFF_DONE:
		return sizeof(struct handoff_done);
	case HANDOFF_LOST:
		return sizeof(struct handoff_lost);
	default:
		return 0;
	}
}

bool handoff_head_check(const void *bytes, size_t size)
{
	struct handoff_head head;

	if (size < sizeof(head))
		return false;
	memcpy(&head, bytes, sizeof(head));
	if (head.version != HANDOFF_VERSION || head.length != size)
		return false;
	if (head.type == HANDOFF_CONNS)
		return handoff_conns_check(bytes, size);
	return length_of_type(head.type) == size;
}

static bool record_check(const struct handoff_conn *r, size_t data_start, size_t size)
{
	uint64_t end = (uint64_t)r->data_offset + r->unix_bytes + r->tlv_bytes;

	if (r->unix_bytes != 0 && r->unix_bytes != HANDOFF_UNIX_BYTES)
		return false;
	return r->data_offset >= data_start && end <= size;
}

bool handoff_conns_check(const void *bytes, size_t size)
{
	struct handoff_conns conns;
	size_t data_start;

	if (size < sizeof(conns) || size > HANDOFF_BYTES_MAX)
		return false;
	memcpy(&conns, bytes, sizeof(conns));
	if (conns.head.type != HANDOFF_CONNS || conns.head.version != HANDOFF_VERSION ||
	    conns.head.length != size || conns.count > HANDOFF_FDS_MAX)
		return false;
	data_start = sizeof(conns) + conns.count * sizeof(struct handoff_conn);
	if (data_start > size)
		return false;
	for (uint32_t i = 0; i < conns.count; i++)
		if (!record_check(handoff_conns_record(bytes, i), data_start, size))
			return false;
	return true;
}

const struct handoff_conn *handoff_conns_record(const void *bytes, uint32_t i)
{
	const struct handoff_conn *records =
		(const struct handoff_conn *)(const void *)((const char *)bytes +
	                                                    sizeof(struct handoff_conns));

	return &records[i];
}

bool handoff_hello_check(const struct handoff_hello *hello, const char **ret_why)
{
	if (hello->batch < 1 || hello->batch > HANDOFF_FDS_MAX)
		*ret_why = "HELLO: batch must be 1 to 253";
	else if (hello->capacity > 0 && !(hello->flags & HANDOFF_HELLO_SENDS_DONE))
		*ret_why = "HELLO: a capacity needs the flag SENDS_DONE, else nobody could count";
	else if (hello->open > 0 && !(hello->flags & HANDOFF_HELLO_SENDS_DONE))
		*ret_why = "HELLO: open connections need the flag SENDS_DONE, else they would count for ever";
	else if (!memchr(hello->name, '\0', sizeof(hello->name)))
		*ret_why = "HELLO: the name has no end";
	else
		return true;
	return false;
}
