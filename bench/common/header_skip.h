/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How long a PROXY header is, for the plain server that the benchmarks compare with: only its form is looked at, never
 * its addresses, so that the plain server is not charged for a check that it does not need. Not for foreign traffic.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	HEADER_SKIP_MALFORMED = -1,
	HEADER_SKIP_INCOMPLETE = 0,
	HEADER_SKIP_V1_MAX = 107,
	HEADER_SKIP_V2_MIN = 16
};

static inline int header_skip_v1(const char *bytes, size_t size)
{
	size_t most = size < HEADER_SKIP_V1_MAX ? size : HEADER_SKIP_V1_MAX;
	const char *end = memmem(bytes, most, "\r\n", 2);

	if (end)
		return (int)(end - bytes) + 2;
	return size < HEADER_SKIP_V1_MAX ? HEADER_SKIP_INCOMPLETE : HEADER_SKIP_MALFORMED;
}

/* Bytes of the header at the start of @bytes, or one of the above. */
static inline int header_skip(const char *bytes, size_t size)
{
	static const char v2[12] = { '\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q', 'U', 'I', 'T', '\n' };
	static const char v1[6] = { 'P', 'R', 'O', 'X', 'Y', ' ' };
	size_t whole;

	if (size > 0 && memcmp(bytes, v1, size < sizeof(v1) ? size : sizeof(v1)) == 0)
		return header_skip_v1(bytes, size);
	if (memcmp(bytes, v2, size < sizeof(v2) ? size : sizeof(v2)) != 0)
		return HEADER_SKIP_MALFORMED;
	if (size < HEADER_SKIP_V2_MIN)
		return HEADER_SKIP_INCOMPLETE;
	whole = HEADER_SKIP_V2_MIN + ((size_t)(uint8_t)bytes[14] << 8 | (uint8_t)bytes[15]);
	return whole <= size ? (int)whole : HEADER_SKIP_INCOMPLETE;
}
