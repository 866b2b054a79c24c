/* SPDX-License-Identifier: Apache-2.0 */
#include "master/config_value.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/limits.h"

Test(config_value, durations)
{
	static const struct {
		const char *text;
		uint64_t ns;
		const char *printed;
	} good[] = {
		{ "500ms", UINT64_C(500000000), "500ms" },
		{ "10s", UINT64_C(10000000000), "10s" },
		{ "5m", UINT64_C(300000000000), "5m" },
		{ "1h", UINT64_C(3600000000000), "1h" },
		{ "60s", UINT64_C(60000000000), "1m" },
		{ "0s", 0, "0s" },
		{ "0ms", 0, "0s" },
		{ "1500ms", UINT64_C(1500000000), "1500ms" },
		{ "999999999999999999h", UINT64_MAX, NULL },
	};
	static const char *const bad[] = {
		"",    "s",     "10",   "-1s",  "+1s",  "1.5s",  "10 s",
		"10S", "10sec", " 10s", "10s ", "10us", "0x10s", "9999999999999999999s"
	};
	struct config_why why;
	char text[CONFIG_DURATION_BYTES];
	uint64_t ns;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		cr_assert_eq(config_duration_parse(good[i].text, &ns, &why), 0, "%s", good[i].text);
		cr_assert_eq(ns, good[i].ns, "%s", good[i].text);
		if (good[i].printed)
			cr_assert_str_eq(config_duration_text(ns, text), good[i].printed);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_lt(config_duration_parse(bad[i], &ns, &why), 0, "%s", bad[i]);
	cr_assert_lt(config_duration_parse("10", &ns, &why), 0);
	cr_assert_str_eq(why.text, "10 has no unit: write for example \"10s\" or \"10ms\"");
}

Test(config_value, addresses)
{
	static const char *const good[][2] = {
		{ "192.0.2.1:80", "192.0.2.1:80" },
		{ "0.0.0.0:0", "0.0.0.0:0" },
		{ "[::]:443", "[::]:443" },
		{ "*:443", "[::]:443" },
		{ "[2001:DB8:0::1]:65535", "[2001:db8::1]:65535" },
		{ "[::ffff:192.0.2.1]:80", "192.0.2.1:80" },
	};
	static const char *const bad[][2] = {
		{ "", "expected" },
		{ "443", "expected" },
		{ "192.0.2.1", "expected" },
		{ "192.0.2.1:", "port" },
		{ "192.0.2.1:-1", "port" },
		{ "192.0.2.1:65536", "port" },
		{ "192.0.2.1:http", "port" },
		{ "192.0.2.1:80 ", "port" },
		{ ":80", "is not" },
		{ "localhost:80", "not resolved" },
		{ "::1", "brackets" },
		{ "2001:db8::1:443", "brackets" },
		{ "[]:80", "is not" },
		{ "[::1:80", "is not" },
		{ "::1]:80", "is not" },
		{ "[192.0.2.1]:80", "is not" },
		{ "[fe80::1%eth0]:80", "not resolved" },
		{ "**:80", "is not" },
		{ "[::]", "port" },
		{ "192.0.2.01:80", "is not" },
	};
	char text[ADDR_TEXT_BYTES];
	struct config_why why;
	struct addr a;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		cr_assert_eq(config_address_parse(good[i][0], &a, &why), 0, "%s", good[i][0]);
		cr_assert_str_eq(addr_port_text(&a, text), good[i][1]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_lt(config_address_parse(bad[i][0], &a, &why), 0, "%s", bad[i][0]);
		cr_assert(strstr(why.text, bad[i][1]), "%s: %s", bad[i][0], why.text);
	}
}

Test(config_value, names)
{
	char name[NAME_BYTES_MAX], longest[NAME_BYTES_MAX + 1];
	struct config_why why;

	memset(longest, 'n', sizeof(longest));
	longest[NAME_BYTES_MAX] = '\0';
	cr_assert_lt(config_name_parse(longest, name, &why), 0);
	longest[NAME_BYTES_MAX - 1] = '\0';
	cr_assert_eq(config_name_parse(longest, name, &why), 0);
	cr_assert_str_eq(name, longest);
	cr_assert_lt(config_name_parse("", name, &why), 0);
	cr_assert_lt(config_name_parse("a b", name, &why), 0);
	cr_assert_lt(config_name_parse("a\"b", name, &why), 0);
}
