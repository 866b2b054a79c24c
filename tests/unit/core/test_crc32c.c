/* SPDX-License-Identifier: Apache-2.0 */
#include "core/crc32c.h"

#include <criterion/criterion.h>
#include <string.h>

/* RFC 3720, B.4; its bytes are in the order of the wire, least significant first. */
Test(crc32c, rfc3720)
{
	static const uint8_t read_command[48] = { 0x01, 0xc0, 0, 0,    0,    0, 0, 0,    0,    0, 0,    0,
		                                  0,    0,    0, 0,    0x14, 0, 0, 0,    0,    0, 0x04, 0,
		                                  0,    0,    0, 0x14, 0,    0, 0, 0x18, 0x28, 0, 0,    0,
		                                  0,    0,    0, 0,    2,    0, 0, 0,    0,    0, 0,    0 };
	uint8_t bytes[32] = { 0 };

	cr_assert_eq(crc32c(0, bytes, 32), 0x8a9136aaU);
	memset(bytes, 0xff, 32);
	cr_assert_eq(crc32c(0, bytes, 32), 0x62a8ab43U);
	for (uint8_t i = 0; i < 32; i++)
		bytes[i] = i;
	cr_assert_eq(crc32c(0, bytes, 32), 0x46dd794eU);
	for (uint8_t i = 0; i < 32; i++)
		bytes[i] = 31 - i;
	cr_assert_eq(crc32c(0, bytes, 32), 0x113fdb5cU);
	cr_assert_eq(crc32c(0, read_command, 48), 0xd9963a56U);
}

Test(crc32c, check_value)
{
	cr_assert_eq(crc32c(0, "123456789", 9), 0xe3069283U);
	cr_assert_eq(crc32c(0, "", 0), 0U);
}

Test(crc32c, in_parts)
{
	const char text[] = "The quick brown fox jumps over the lazy dog";

	for (size_t i = 0; i < sizeof(text); i++)
		cr_assert_eq(crc32c(crc32c(0, text, i), text + i, sizeof(text) - i),
		             crc32c(0, text, sizeof(text)));
}

/* A health check of an AWS Network Load Balancer, as captured in kubernetes/kubernetes#57250. */
Test(crc32c, captured_header)
{
	uint8_t bytes[100] = "\r\n\r\n\0\r\nQUIT\n\x20\x11\0\x54\3\0\4\0\0\0\0\4\0\x4a";

	cr_assert_eq(crc32c(0, bytes, sizeof(bytes)), 0xbce5951fU);
}
