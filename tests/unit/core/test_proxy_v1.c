/* SPDX-License-Identifier: Apache-2.0 */
#include "core/proxy_v1.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "core/proxy_exact.h"

static const struct proxy_options defaults = { .limit = HEADER_LIMIT_DEFAULT, .dotted_tail = true };

static enum proxy_result parse(const char *line, struct proxy_header *ret)
{
	return proxy_parse_exact(line, strlen(line), &defaults, ret);
}

Test(proxy_v1, every_port)
{
	for (unsigned port = 0; port <= 65536; port++) {
		struct proxy_header h;
		enum proxy_result result;
		char line[64];

		(void)snprintf(line, sizeof(line), "PROXY TCP4 1.2.3.4 5.6.7.8 %u %u\r\n", port,
		               65535 - port % 65536);
		result = parse(line, &h);
		cr_assert_eq(result, port <= 65535 ? PROXY_ACCEPTED : PROXY_REFUSED, "%u", port);
		if (result != PROXY_ACCEPTED)
			continue;
		cr_assert_eq(h.source.port, port);
		cr_assert_eq(h.destination.port, 65535 - port);
	}
}

Test(proxy_v1, every_octet)
{
	for (unsigned octet = 0; octet <= 256; octet++) {
		struct proxy_header h;
		enum proxy_result result;
		char line[64];

		(void)snprintf(line, sizeof(line), "PROXY TCP4 1.2.%u.4 %u.6.7.8 1 2\r\n", octet, octet);
		result = parse(line, &h);
		cr_assert_eq(result, octet <= 255 ? PROXY_ACCEPTED : PROXY_REFUSED, "%u", octet);
		if (result != PROXY_ACCEPTED)
			continue;
		cr_assert_eq(h.source.ip[14], octet);
		cr_assert_eq(h.destination.ip[12], octet);
	}
}

/* At each place of a line, each byte that is not the right one either refuses it or makes another right line. */
Test(proxy_v1, any_wrong_byte)
{
	static const char line[] = "PROXY TCP4 192.0.2.17 10.20.30.40 1024 443\r\n";

	for (size_t at = 0; at < sizeof(line) - 1; at++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			bool digit_for_digit =
				line[at] >= '0' && line[at] <= '9' && byte >= '0' && byte <= '9';
			struct proxy_header h;
			enum proxy_result result;
			char changed[sizeof(line)];

			memcpy(changed, line, sizeof(line));
			changed[at] = (char)byte;
			result = proxy_parse_exact(changed, sizeof(line) - 1, &defaults, &h);
			if (result == PROXY_ACCEPTED)
				cr_assert(byte == (uint8_t)line[at] || digit_for_digit ||
				                  ((byte == '.' || byte == ' ') && line[at] != ' ' &&
				                   line[at] != '.'),
				          "byte %zu as %02x", at, byte);
			else
				cr_assert_neq(byte, (uint8_t)line[at], "byte %zu", at);
		}
	}
}

Test(proxy_v1, unknown_lines_of_every_length)
{
	for (size_t size = 15; size <= 130; size++) {
		struct proxy_header h;
		enum proxy_result result;
		char line[131];

		memset(line, 'x', sizeof(line));
		memcpy(line, "PROXY UNKNOWN ", 14);
		memcpy(line + size - 2, "\r\n", 2);
		result = proxy_parse_exact(line, size, &defaults, &h);
		cr_assert_eq(result, size <= HEADER_V1_BYTES_MAX ? PROXY_ACCEPTED : PROXY_REFUSED, "%zu",
		             size);
		if (result == PROXY_ACCEPTED)
			cr_assert_eq(h.length, size);
		else
			cr_assert_eq(h.reason, REFUSED_HEADER_TOO_LONG);
	}
}

Test(proxy_v1, nothing_is_known_before_the_line_ends)
{
	static const char line[] = "PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r";
	struct proxy_header h, nothing = { .version = 1, .need = sizeof(line) };

	cr_assert_eq(parse(line, &h), PROXY_INCOMPLETE);
	cr_assert_arr_eq(&h, &nothing, sizeof(h));
}
