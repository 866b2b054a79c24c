/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

static struct addr addr_of(const char *text)
{
	uint8_t ip4[4], ip6[16];

	if (addr_parse_ip4(text, strlen(text), ip4))
		return addr_from_ip4(ip4, 1234);
	cr_assert(addr_parse_ip6(text, strlen(text), ip6), "%s", text);
	return addr_from_ip6(ip6, 1234);
}

static bool in(const char *const *entries, size_t count, const char *text)
{
	struct trust_range ranges[16];
	struct addr a = addr_of(text);

	for (size_t i = 0; i < count; i++)
		cr_assert_null(trust_parse(entries[i], &ranges[i]), "%s", entries[i]);
	return trust_contains(ranges, trust_build(ranges, count), &a);
}

static bool in_one(const char *entry, const char *text)
{
	return in(&entry, 1, text);
}

Test(trust, edges_of_prefixes)
{
	cr_assert(in_one("10.0.0.0/8", "10.0.0.0"));
	cr_assert(in_one("10.0.0.0/8", "10.255.255.255"));
	cr_assert_not(in_one("10.0.0.0/8", "9.255.255.255"));
	cr_assert_not(in_one("10.0.0.0/8", "11.0.0.0"));
	cr_assert(in_one("192.0.2.4/31", "192.0.2.5"));
	cr_assert_not(in_one("192.0.2.4/31", "192.0.2.6"));
	cr_assert(in_one("192.0.2.4/32", "192.0.2.4"));
	cr_assert_not(in_one("192.0.2.4", "192.0.2.5"));
	cr_assert(in_one("0.0.0.0/0", "255.255.255.255"));
	cr_assert_not(in_one("0.0.0.0/0", "::1"));
	cr_assert(in_one("2001:db8::/33", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"));
	cr_assert_not(in_one("2001:db8::/33", "2001:db8:8000::"));
	cr_assert_not(in_one("2000::/3", "192.0.2.1"));
	cr_assert(in_one("::1/128", "::1"));
}

Test(trust, mapped_is_ipv4)
{
	cr_assert(in_one("10.0.0.0/8", "::ffff:10.1.2.3"));
	cr_assert(in_one("::ffff:10.0.0.0/104", "10.1.2.3"));
	cr_assert_not(in_one("::ffff:10.0.0.0/104", "11.0.0.0"));
	cr_assert(in_one("::ffff:10.0.0.1", "10.0.0.1"));
	cr_assert(in_one("::ffff:0.0.0.0/96", "203.0.113.1"));
}

Test(trust, any_is_everybody)
{
	cr_assert(in_one("any", "0.0.0.0"));
	cr_assert(in_one("any", "::"));
	cr_assert(in_one("any", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
}

Test(trust, what_is_not_ip_is_in_no_set)
{
	struct trust_range any;
	struct addr none = { .family = ADDR_NONE }, path = { .family = ADDR_UNIX };

	cr_assert_null(trust_parse("any", &any));
	cr_assert_not(trust_contains(&any, 1, &none));
	cr_assert_not(trust_contains(&any, 1, &path));
}

Test(trust, an_empty_set_holds_nobody)
{
	struct addr a = addr_of("::");

	cr_assert_eq(trust_build(NULL, 0), 0);
	cr_assert_not(trust_contains(NULL, 0, &a));
}

Test(trust, bad_texts)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "not an IP" },
		{ "/8", "not an IP" },
		{ "Any", "not an IP" },
		{ "localhost", "not an IP" },
		{ "10.0.0", "not an IP" },
		{ "10.0.0.0.0/8", "not an IP" },
		{ "010.0.0.0/8", "not an IP" },
		{ " 10.0.0.0/8", "not an IP" },
		{ "fe80::1%eth0", "not an IP" },
		{ "10.0.0.0/", "from 0 to 32" },
		{ "10.0.0.0/33", "from 0 to 32" },
		{ "10.0.0.0/08", "from 0 to 32" },
		{ "10.0.0.0/+8", "from 0 to 32" },
		{ "10.0.0.0/8 ", "from 0 to 32" },
		{ "10.0.0.0/8/8", "from 0 to 32" },
		{ "10.0.0.0/4294967304", "from 0 to 32" },
		{ "10.0.0.0/255.0.0.0", "from 0 to 32" },
		{ "2001:db8::/129", "from 0 to 128" },
		{ "::/0", "IPv4 too" },
		{ "::/80", "IPv4 too" },
		{ "::fffe:0:0/95", "IPv4 too" },
		{ "10.0.0.1/8", "bits set" },
		{ "10.0.0.0/0", "bits set" },
		{ "2001:db8::1/64", "bits set" },
		{ "::ffff:10.0.0.1/104", "bits set" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct trust_range r;
		const char *why = trust_parse(bad[i].text, &r);

		cr_assert(why && strstr(why, bad[i].why), "\"%s\": %s", bad[i].text, why ? why : "accepted");
	}
}

Test(trust, host_bits_come_with_a_suggestion)
{
	struct trust_range r;
	char text[TRUST_TEXT_BYTES];

	cr_assert_not_null(trust_parse("10.1.2.3/8", &r));
	cr_assert_str_eq(trust_text(&r, text), "10.0.0.0/8");
	cr_assert_not_null(trust_parse("::ffff:10.1.2.3/104", &r));
	cr_assert_str_eq(trust_text(&r, text), "10.0.0.0/8");
	cr_assert_not_null(trust_parse("2001:db8::1/31", &r));
	cr_assert_str_eq(trust_text(&r, text), "2001:db8::/31");
}

Test(trust, text_of_ranges)
{
	static const char *const texts[] = {
		"any",      "0.0.0.0/0",   "192.0.2.1/32", "2001:db8::/32",    "::1/128", "::/96",
		"8000::/1", "128.0.0.0/1", "2000::/3",     "::ffff:0:0:0/127", "::/81"
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct trust_range r;
		char text[TRUST_TEXT_BYTES];

		cr_assert_null(trust_parse(texts[i], &r), "%s", texts[i]);
		cr_assert_str_eq(trust_text(&r, text), texts[i]);
	}
}

Test(trust, neighbours_and_nests_merge)
{
	static const char *const entries[] = { "10.0.1.0/24", "10.0.0.0/24", "10.0.0.77",
		                               "10.0.1.0/24", "10.0.3.0/24", "255.255.255.255" };
	struct trust_range ranges[7], all[3];
	struct addr end = addr_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");

	for (size_t i = 0; i < 6; i++)
		cr_assert_null(trust_parse(entries[i], &ranges[i]));
	ranges[6] = trust_range_of(&end);
	cr_assert_eq(trust_build(ranges, 7), 4);
	cr_assert(in(entries, 6, "10.0.1.255"));
	cr_assert_not(in(entries, 6, "10.0.2.0"));

	all[0] = ranges[3];
	cr_assert_null(trust_parse("any", &all[1]));
	all[2] = ranges[0];
	cr_assert_eq(trust_build(all, 3), 1, "nothing comes behind the greatest address");
}

/* xorshift64: the same numbers in every run */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Few distinct values in few bytes, so that ranges touch, nest and repeat. */
static struct addr random_addr(uint64_t *state)
{
	uint8_t ip[16] = { 0x20, 0x01 };

	if (next_random(state) % 2) {
		memset(ip, 0, 10);
		ip[10] = ip[11] = 0xff;
	}
	for (size_t i = 12; i < 16; i++)
		ip[i] = (uint8_t)(next_random(state) % 3 ? next_random(state) % 4 : next_random(state));
	return addr_from_ip6(ip, 0);
}

static struct trust_range random_range(uint64_t *state)
{
	struct addr a = random_addr(state);
	struct trust_range r = trust_range_of(&a);
	unsigned int host = (unsigned int)(next_random(state) % 28);

	for (unsigned int i = 0; i < host; i++) {
		r.first[15 - i / 8] &= (uint8_t) ~(1U << i % 8);
		r.last[15 - i / 8] |= (uint8_t)(1U << i % 8);
	}
	return r;
}

static bool linear(const struct trust_range *ranges, size_t count, const struct addr *a)
{
	for (size_t i = 0; i < count; i++) {
		if (memcmp(ranges[i].first, a->ip, 16) <= 0 && memcmp(a->ip, ranges[i].last, 16) <= 0)
			return true;
	}
	return false;
}

Test(trust, same_as_a_linear_scan)
{
	uint64_t state = 0x9e3779b97f4a7c15;
	size_t held = 0, asked = 0;

	for (size_t round = 0; round < 200; round++) {
		struct trust_range given[64], built[64];
		size_t count = (size_t)(next_random(&state) % 65), left;

		for (size_t i = 0; i < count; i++)
			given[i] = random_range(&state);
		memcpy(built, given, count * sizeof(given[0]));
		left = trust_build(built, count);
		for (size_t i = 1; i < left; i++)
			cr_assert_lt(memcmp(built[i - 1].last, built[i].first, 16), 0);
		for (size_t i = 0; i < 300; i++) {
			struct addr a = random_addr(&state);
			bool expected = linear(given, count, &a);

			cr_assert_eq(trust_contains(built, left, &a), expected, "round %zu", round);
			held += expected;
			asked++;
		}
	}
	cr_assert(held > asked / 10 && held < asked * 9 / 10, "a test of one answer only: %zu of %zu", held,
	          asked);
}
