/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * PROXY protocol header, versions 1 and 2: bytes in, answer out. Source: the specification of 2026/04/27
 * (HAProxy's doc/proxy-protocol.txt).
 *
 * Looks only at the bytes given, keeps no state and allocates nothing: a caller with more bytes calls again from the
 * start. Never reads beyond @size and never trusts a length before comparing it. The first impossible byte refuses,
 * so that the same input gives the same answer however it is split. Does not decide whether the sender may speak for
 * others (trust.h), nor whether the source is acceptable (a policy of the listener).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"
#include "core/ledger.h"

enum proxy_result {
	PROXY_ACCEPTED = 0,
	PROXY_INCOMPLETE = 1, /* valid so far; @need says how many bytes in all are needed at least */
	PROXY_REFUSED = 2, /* @reason says why */
};

enum proxy_command { PROXY_COMMAND_LOCAL = 0, PROXY_COMMAND_PROXY = 1 };

enum proxy_family {
	PROXY_FAMILY_UNSPEC, /* v2: UNSPEC family or transport; and LOCAL */
	PROXY_FAMILY_UNKNOWN, /* v1 */
	PROXY_FAMILY_TCP4,
	PROXY_FAMILY_TCP6,
	PROXY_FAMILY_UDP4,
	PROXY_FAMILY_UDP6,
	PROXY_FAMILY_UNIX_STREAM,
	PROXY_FAMILY_UNIX_DGRAM,
};

struct proxy_options {
	uint32_t limit; /* most bytes a header may take; HEADER_LIMIT_DEFAULT, up to HEADER_BYTES_MAX */
	bool dotted_tail; /* v1: accept IPv6 with a dotted IPv4 tail, as HAProxy sends it */
};

struct proxy_header {
	uint8_t version; /* 1 or 2; 0 while unknown */
	uint8_t command; /* enum proxy_command */
	uint8_t family; /* enum proxy_family */
	bool checked; /* a CRC32C TLV was there and was right */
	uint8_t reason; /* enum refused, when refused */
	uint32_t length; /* accepted: how many bytes the header took (v2 reaches 65551, so not 16 bits) */
	uint32_t need; /* incomplete: at least this many bytes in all before an answer is possible; > @size */
	struct addr source; /* ADDR_NONE for LOCAL, UNKNOWN, UNSPEC; ADDR_UNIX: see unix_offset */
	struct addr destination;
	uint32_t unix_offset; /* in the header: two addresses of 108 bytes; 0 when there are none */
	uint32_t tlv_offset; /* in the header; valid when tlv_bytes > 0 */
	uint32_t tlv_bytes; /* 0 for v1 and LOCAL */
};

/* @bytes is borrowed. @ret is filled for every result; fields that do not apply are zero. */
enum proxy_result proxy_header_parse(const uint8_t *bytes, size_t size, const struct proxy_options *options,
                                     struct proxy_header *ret);

/* "TCP4", "UNIX_STREAM", … as design section 9 has them. */
const char *proxy_family_name(enum proxy_family family);
