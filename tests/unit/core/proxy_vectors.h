/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * PROXY headers and what they must be answered, written from the specification of 2026/04/27 and from captures.
 *
 * A vector that is accepted is exactly one header, and one that is refused ends with its first impossible byte. So
 * every shorter prefix of every vector must be incomplete, and no byte behind it may change anything.
 */
#include "core/proxy_header.h"

struct proxy_vector {
	const char *name;
	const char *bytes;
	size_t size;
	uint8_t result; /* enum proxy_result */
	uint8_t reason; /* enum refused */
	uint8_t version; /* accepted */
	uint8_t command; /* enum proxy_command */
	uint8_t family; /* enum proxy_family */
	bool checked;
	bool no_dotted_tail;
	const char *source; /* addr_port_text(), "" for none, "unix" */
	const char *destination;
	uint32_t tlv_bytes;
	uint32_t limit; /* 0: the default */
};

#define PROXY_BYTES(b) .bytes = (b), .size = sizeof(b) - 1
#define PROXY_NO(n, b, r)                                                                   \
	{                                                                                   \
		.name = (n), PROXY_BYTES(b), .result = PROXY_REFUSED, .reason = REFUSED_##r \
	}

extern const struct proxy_vector proxy_vectors_v1[];
extern const size_t proxy_vectors_v1_count;
extern const struct proxy_vector proxy_vectors_v2[];
extern const size_t proxy_vectors_v2_count;
extern const struct proxy_vector proxy_vectors_captured[];
extern const size_t proxy_vectors_captured_count;
