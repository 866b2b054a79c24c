/* SPDX-License-Identifier: Apache-2.0 */
#include "core/addr_scan.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <string.h>

/* How many bytes of @text are possible, and whether what was taken is a whole address. */
static size_t possible(struct addr_scan s, const char *text, bool *ret_whole)
{
	size_t n = 0;

	while (text[n] && addr_scan_byte(&s, (uint8_t)text[n]))
		n++;
	*ret_whole = text[n] == '\0' && addr_scan_whole(&s);
	return n;
}

static void stops(struct addr_scan s, const char *text, size_t wanted)
{
	bool whole;
	size_t n = possible(s, text, &whole);

	cr_assert_eq(n, wanted, "%s: %zu bytes are possible", text, n);
	cr_assert_not(whole, "%s", text);
}

Test(addr_scan, stops_at_the_first_impossible_byte)
{
	stops(addr_scan_ip4(), "256.1.1.1", 2);
	stops(addr_scan_ip4(), "1.01.1.1", 3);
	stops(addr_scan_ip4(), "1..1.1", 2);
	stops(addr_scan_ip4(), "1.2.3.4.5", 7);
	stops(addr_scan_ip6(true), ":1::", 1);
	stops(addr_scan_ip6(true), ":::", 2);
	stops(addr_scan_ip6(true), "1::2::3", 5);
	stops(addr_scan_ip6(true), "12345::", 4);
	stops(addr_scan_ip6(true), "1:2:3:4:5:6:7:8:9", 15);
	stops(addr_scan_ip6(true), "1:2:3:4:5:6:7::8", 15);
	stops(addr_scan_ip6(true), "1:2:3:4:5:1.2.3.4", 11);
	stops(addr_scan_ip6(true), "::ffff:1a.2.3.4", 9);
	stops(addr_scan_ip6(true), "::1%lo", 3);
}

Test(addr_scan, dotted_tail_is_a_choice)
{
	bool whole;

	stops(addr_scan_ip6(false), "::ffff:1.2.3.4", 8);
	cr_assert_eq(possible(addr_scan_ip6(true), "::ffff:1.2.3.4", &whole), 14);
	cr_assert(whole);
}

Test(addr_scan, whole_or_not_yet)
{
	static const struct {
		const char *text;
		bool whole;
	} texts[] = {
		{ "", false },
		{ ":", false },
		{ "::", true },
		{ "::1", true },
		{ "1::", true },
		{ "1:", false },
		{ "1::2:", false },
		{ "1:2:3:4:5:6:7", false },
		{ "1:2:3:4:5:6:7:", false },
		{ "1:2:3:4:5:6:7:8", true },
		{ "::1.2.3", false },
		{ "::1.2.3.", false },
		{ "::1.2.3.4", true },
		{ "1:2:3:4:5:6:7::", true },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		bool whole;

		cr_assert_eq(possible(addr_scan_ip6(true), texts[i].text, &whole), strlen(texts[i].text),
		             "%s", texts[i].text);
		cr_assert_eq(whole, texts[i].whole, "%s", texts[i].text);
	}
}

Test(addr_scan, takes_what_it_read)
{
	struct addr_scan s = addr_scan_ip6(true);
	uint8_t ip[16];

	for (const char *p = "1:2::7:9.10.11.255"; *p; p++)
		cr_assert(addr_scan_byte(&s, (uint8_t)*p));
	cr_assert(addr_scan_whole(&s));
	addr_scan_take_ip6(&s, ip);
	cr_assert_arr_eq(ip, "\0\1\0\2\0\0\0\0\0\0\0\7\x09\x0a\x0b\xff", 16);
}
