/* SPDX-License-Identifier: Apache-2.0 */
#include "core/addr.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static bool ip4(const char *text, uint8_t ret[4])
{
	return addr_parse_ip4(text, strlen(text), ret);
}

static bool ip6(const char *text, uint8_t ret[16])
{
	return addr_parse_ip6(text, strlen(text), ret);
}

Test(addr_parse, ip4)
{
	uint8_t ip[16];

	cr_assert(ip4("192.0.2.1", ip));
	cr_assert_arr_eq(ip, "\xc0\0\2\1", 4);
	cr_assert(ip4("0.0.0.0", ip));
	cr_assert(ip4("255.255.255.255", ip));
	cr_assert(addr_parse_ip4("10.0.0.1/8", 8, ip), "only @size bytes are looked at");
	cr_assert_not(addr_parse_ip4("10.0.0.1\0", 9, ip));
}

Test(addr_parse, not_ip4)
{
	static const char *const bad[] = { "",          " ",         "1",         "1.2.3",     "1.2.3.",
		                           "1.2.3.4.",  "1.2.3.4.5", "256.1.1.1", "1.1.1.256", "01.1.1.1",
		                           "1.1.1.00",  "0x1.1.1.1", "1..1.1",    ".1.1.1.1",  " 1.1.1.1",
		                           "1.1.1.1 ",  "1.1.1.1\n", "1.1.1.-1",  "::1",       "1.1.1.1%1",
		                           "999.9.9.9", "1,1,1,1" };
	uint8_t ip[16];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not(ip4(bad[i], ip), "%s", bad[i]);
}

Test(addr_parse, ip6)
{
	uint8_t ip[16];

	cr_assert(ip6("2001:db8::1", ip));
	cr_assert_arr_eq(ip, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	cr_assert(ip6("::ffff:192.0.2.1", ip));
	cr_assert_arr_eq(ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16);
	cr_assert(ip6("1:2:3:4:5:6:7::", ip));
	cr_assert_arr_eq(ip, "\0\1\0\2\0\3\0\4\0\5\0\6\0\7\0\0", 16);
}

Test(addr_parse, not_ip6)
{
	static const char *const bad[] = { "",
		                           ":",
		                           ":1",
		                           "1:",
		                           ":::",
		                           "1:2:3:4:5:6:7",
		                           "1::2::3",
		                           "g::",
		                           "fe80::1%lo",
		                           "12345::",
		                           "[::1]",
		                           "192.0.2.1",
		                           "::1.2.3",
		                           "::256.1.1.1",
		                           "1:2:3:4:5:6:7:8:9",
		                           "1:2:3:4:5:6:7::8",
		                           "::1 ",
		                           " ::1" };
	uint8_t ip[16];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not(ip6(bad[i], ip), "%s", bad[i]);
}

/* What we print we read back; and where we and inet_pton() both read a text, we read the same. */
Test(addr_parse, agrees_with_the_c_library)
{
	static const char alphabet[] = "0123456789abcdefF::::....";
	unsigned seed = 1;
	int agreed = 0;

	for (int i = 0; i < 200000; i++) {
		uint8_t ours[16] = { 0 }, theirs[16] = { 0 };
		char text[48];
		size_t size = 2 + (size_t)rand_r(&seed) % 16;
		bool we, they;

		for (size_t k = 0; k < size; k++)
			text[k] = alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
		text[size] = '\0';
		we = ip6(text, ours);
		they = inet_pton(AF_INET6, text, theirs) == 1;
		cr_assert_eq(we, they, "%s", text);
		cr_assert_arr_eq(ours, theirs, 16, "%s", text);
		agreed += we;
		we = ip4(text, ours);
		they = inet_pton(AF_INET, text, theirs) == 1;
		cr_assert_eq(we, they, "%s", text);
	}
	cr_assert_gt(agreed, 100);
}

Test(addr_parse, reads_what_addr_text_writes)
{
	unsigned seed = 2;

	for (int i = 0; i < 20000; i++) {
		uint8_t ip[16], back[16];
		char text[ADDR_TEXT_BYTES];
		struct addr a;

		for (size_t k = 0; k < 16; k++)
			ip[k] = rand_r(&seed) % 3 ? 0 : (uint8_t)rand_r(&seed);
		ip[0] = 0x20;
		a = addr_from_ip6(ip, 0);
		cr_assert(ip6(addr_text(&a, text), back), "%s", text);
		cr_assert_arr_eq(ip, back, 16, "%s", text);
		a = addr_from_ip4(ip, 0);
		cr_assert(ip4(addr_text(&a, text), back), "%s", text);
		cr_assert_arr_eq(ip, back, 4, "%s", text);
	}
}
