/* SPDX-License-Identifier: Apache-2.0 */
#include "core/addr.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

static struct addr ip6(const char *first_bytes, size_t n, uint8_t last)
{
	uint8_t ip[16] = { 0 };

	memcpy(ip, first_bytes, n);
	ip[15] = last;
	return addr_from_ip6(ip, 443);
}

Test(addr, mapped_is_ipv4)
{
	uint8_t v4[4] = { 192, 0, 2, 1 };
	uint8_t mapped[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1 };
	struct addr a = addr_from_ip4(v4, 80), b = addr_from_ip6(mapped, 81);
	char text[ADDR_TEXT_BYTES];

	cr_assert(addr_same_ip(&a, &b));
	cr_assert_eq(b.family, ADDR_IP4);
	cr_assert_str_eq(addr_text(&b, text), "192.0.2.1");
	cr_assert_str_eq(addr_port_text(&b, text), "192.0.2.1:81");
}

Test(addr, ip6_text)
{
	struct addr a = ip6("\x20\x01\x0d\xb8", 4, 1);
	char text[ADDR_TEXT_BYTES];

	cr_assert_str_eq(addr_text(&a, text), "2001:db8::1");
	cr_assert_str_eq(addr_port_text(&a, text), "[2001:db8::1]:443");
}

Test(addr, nothing_has_no_text)
{
	struct addr none = { .family = ADDR_NONE }, path = { .family = ADDR_UNIX };
	char text[ADDR_TEXT_BYTES];

	cr_assert_str_eq(addr_text(&none, text), "");
	cr_assert_str_eq(addr_port_text(&path, text), "");
	cr_assert_not(addr_same_ip(&none, &none));
}

Test(addr, local_addresses)
{
	static const struct {
		uint8_t ip[4];
		bool local;
	} v4[] = {
		{ { 127, 0, 0, 1 }, true },        { { 127, 255, 255, 255 }, true },
		{ { 0, 0, 0, 0 }, true },          { { 224, 0, 0, 1 }, true },
		{ { 239, 1, 1, 1 }, true },        { { 255, 255, 255, 255 }, true },
		{ { 126, 255, 255, 255 }, false }, { { 128, 0, 0, 0 }, false },
		{ { 223, 255, 255, 255 }, false }, { { 10, 0, 0, 1 }, false },
	};

	for (size_t i = 0; i < sizeof(v4) / sizeof(v4[0]); i++) {
		struct addr a = addr_from_ip4(v4[i].ip, 1);

		cr_assert_eq(addr_is_local(&a), v4[i].local, "%d.%d.%d.%d", v4[i].ip[0], v4[i].ip[1],
		             v4[i].ip[2], v4[i].ip[3]);
	}
	struct addr loopback = ip6("", 0, 1), unspecified = ip6("", 0, 0), multicast = ip6("\xff\x02", 2, 1),
		    global = ip6("\x20\x01", 2, 1);

	cr_assert(addr_is_local(&loopback));
	cr_assert(addr_is_local(&unspecified));
	cr_assert(addr_is_local(&multicast));
	cr_assert_not(addr_is_local(&global));
}
