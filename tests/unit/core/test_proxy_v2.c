/* SPDX-License-Identifier: Apache-2.0 */
#include "core/proxy_v2.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "core/crc32c.h"
#include "core/proxy_exact.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"

static const struct proxy_options defaults = { .limit = HEADER_LIMIT_DEFAULT, .dotted_tail = true };

Test(proxy_v2, version_and_command_bytes)
{
	for (unsigned byte = 0; byte < 256; byte++) {
		uint8_t bytes[16] = SIG;
		struct proxy_header h;
		enum proxy_result result;

		bytes[12] = (uint8_t)byte;
		result = proxy_parse_exact(bytes, sizeof(bytes), &defaults, &h);
		if (byte == 0x20 || byte == 0x21) {
			cr_assert_eq(result, PROXY_ACCEPTED, "%02x", byte);
			continue;
		}
		cr_assert_eq(result, PROXY_REFUSED, "%02x", byte);
		cr_assert_eq(h.reason,
		             byte >> 4 == 2 ? REFUSED_MALFORMED_COMMAND : REFUSED_MALFORMED_VERSION);
	}
}

Test(proxy_v2, family_bytes)
{
	static const uint8_t known[] = {
		PROXY_FAMILY_TCP4, PROXY_FAMILY_UDP4,        PROXY_FAMILY_TCP6,
		PROXY_FAMILY_UDP6, PROXY_FAMILY_UNIX_STREAM, PROXY_FAMILY_UNIX_DGRAM
	};

	for (unsigned byte = 0; byte < 256; byte++) {
		unsigned family = byte >> 4, transport = byte & 15;
		uint8_t bytes[16 + 216] = SIG;
		struct proxy_header h;
		enum proxy_result result;

		bytes[12] = 0x20;
		bytes[13] = (uint8_t)byte;
		bytes[15] = 216;
		cr_assert_eq(proxy_parse_exact(bytes, sizeof(bytes), &defaults, &h), PROXY_ACCEPTED,
		             "LOCAL, %02x", byte);
		cr_assert_eq(h.family, PROXY_FAMILY_UNSPEC);
		bytes[12] = 0x21;
		result = proxy_parse_exact(bytes, sizeof(bytes), &defaults, &h);
		if (family > 3 || transport > 2) {
			cr_assert_eq(result, PROXY_REFUSED, "%02x", byte);
			cr_assert_eq(h.reason, REFUSED_MALFORMED_FAMILY, "%02x", byte);
			continue;
		}
		cr_assert_eq(result, PROXY_ACCEPTED, "%02x", byte);
		cr_assert_eq(h.family,
		             family == 0 || transport == 0 ? PROXY_FAMILY_UNSPEC
		                                           : known[(family - 1) * 2 + transport - 1],
		             "%02x", byte);
	}
}

static size_t largest(uint8_t *bytes, uint32_t length)
{
	memcpy(bytes, SIG "\x21\x11", 14);
	bytes[14] = (uint8_t)(length >> 8);
	bytes[15] = (uint8_t)length;
	memset(bytes + 16, 0, length);
	if (length > 12) {
		bytes[28] = 4;
		bytes[29] = (uint8_t)((length - 15) >> 8);
		bytes[30] = (uint8_t)(length - 15);
	}
	return 16 + length;
}

Test(proxy_v2, limits)
{
	static const uint32_t limits[] = { HEADER_LIMIT_MIN, 536, HEADER_LIMIT_DEFAULT, 65550,
		                           HEADER_BYTES_MAX };
	uint8_t *bytes = malloc(HEADER_BYTES_MAX);

	cr_assert(bytes);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct proxy_options options = { .limit = limits[i] };
		size_t size = largest(bytes, limits[i] - 16);
		struct proxy_header h;

		cr_assert_eq(proxy_parse_exact(bytes, size, &options, &h), PROXY_ACCEPTED, "%u", limits[i]);
		cr_assert_eq(h.length, limits[i]);
		cr_assert_eq(h.tlv_bytes, limits[i] - 28);
		cr_assert_eq(proxy_parse_exact(bytes, size - 1, &options, &h), PROXY_INCOMPLETE);
		cr_assert_eq(h.need, limits[i]);
		if (limits[i] == HEADER_BYTES_MAX)
			continue;
		(void)largest(bytes, limits[i] - 15);
		cr_assert_eq(proxy_parse_exact(bytes, 16, &options, &h), PROXY_REFUSED, "%u", limits[i]);
		cr_assert_eq(h.reason, REFUSED_HEADER_TOO_LONG);
	}
	free(bytes);
}

/* Any single flipped bit of a summed header is noticed. */
Test(proxy_v2, every_bit_counts_in_the_sum)
{
	uint8_t bytes[16 + 12 + 7 + 8] =
		SIG "\x21\x11\0\x1b\1\2\3\4\5\6\7\x08\0\1\0\2\3\0\4\0\0\0\0\2\0\5hello";
	uint32_t crc = crc32c(0, bytes, sizeof(bytes));
	struct proxy_header h;

	for (int i = 0; i < 4; i++)
		bytes[31 + i] = (uint8_t)(crc >> (24 - 8 * i));
	cr_assert_eq(proxy_parse_exact(bytes, sizeof(bytes), &defaults, &h), PROXY_ACCEPTED);
	cr_assert(h.checked);
	for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
		if (proxy_parse_exact(bytes, sizeof(bytes), &defaults, &h) == PROXY_ACCEPTED)
			/* only where there is no sum any more: LOCAL, or the type of the TLV */
			cr_assert_not(h.checked, "bit %zu", bit);
		bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
	}
}

Test(proxy_v2, block_bytes)
{
	cr_assert_eq(proxy_v2_block_bytes(0x00), 0);
	cr_assert_eq(proxy_v2_block_bytes(0x11), 12);
	cr_assert_eq(proxy_v2_block_bytes(0x20), 36);
	cr_assert_eq(proxy_v2_block_bytes(0x32), 216);
	cr_assert_eq(proxy_v2_block_bytes(0x40), 0);
	cr_assert_eq(proxy_v2_block_bytes(0xff), 0);
}
