/* SPDX-License-Identifier: Apache-2.0 */
#include "master/options.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

enum { WORDS_MAX = 160 };

/* Splits @line at spaces and parses it; @line must outlive the options. */
static int parse(char *line, struct options *ret, struct options_error *reterr)
{
	char name[] = "usherd", *words[WORDS_MAX] = { name }, *rest = line, *word;
	int count = 1;

	while ((word = strsep(&rest, " ")) && count < WORDS_MAX - 1) {
		if (*word)
			words[count++] = word;
	}
	return options_parse(count, words, ret, reterr);
}

static struct options good(char *line)
{
	struct options_error error = { "" };
	struct options o;

	cr_assert_eq(parse(line, &o, &error), 0, "%s", error.text);
	return o;
}

Test(options, nothing_is_the_default_file)
{
	char line[] = "";
	struct options o = good(line);

	cr_assert_str_eq(o.file, "/etc/usher/usher.conf");
	cr_assert_eq(o.what, OPTIONS_RUN);
	cr_assert_eq(o.role, OPTIONS_ROLE_MASTER);
	cr_assert_not(o.take_over || o.log_level_given || o.accept_local_sources);
}

Test(options, with_a_file)
{
	char line[] = "-c a.conf -t --without multishot --without=peername --take-over --log-level debug";
	struct options o = good(line);

	cr_assert_str_eq(o.file, "a.conf");
	cr_assert_eq(o.what, OPTIONS_CHECK);
	cr_assert_str_eq(o.without[0], "multishot");
	cr_assert_str_eq(o.without[1], "peername");
	cr_assert_null(o.without[2]);
	cr_assert(o.take_over && o.log_level_given);
	cr_assert_eq(o.log_level, CONFIG_LOG_DEBUG);
}

Test(options, without_a_file)
{
	char line[] = "--listen *:1 --listen [::1]:2 --trust any --trust ::1,10.0.0.0/8 --pool p --admin a "
		      "--accept-local-sources -T";
	struct options o = good(line);
	struct config_arguments a = options_arguments(&o);

	cr_assert_null(o.file);
	cr_assert_eq(o.what, OPTIONS_PRINT);
	cr_assert_str_eq(a.listen[0], "*:1");
	cr_assert_str_eq(a.listen[1], "[::1]:2");
	cr_assert_null(a.listen[2]);
	cr_assert_str_eq(a.trust[1], "::1,10.0.0.0/8");
	cr_assert_str_eq(a.pool, "p");
	cr_assert_str_eq(a.admin, "a");
	cr_assert(a.accept_local_sources);
}

Test(options, roles_help_version)
{
	char shard[] = "--role=shard", reclaimer[] = "--role=reclaimer", help[] = "--help --nonsense",
	     version[] = "-V";

	cr_assert_eq(good(shard).role, OPTIONS_ROLE_SHARD);
	cr_assert_eq(good(reclaimer).role, OPTIONS_ROLE_RECLAIMER);
	cr_assert_eq(good(help).what, OPTIONS_HELP);
	cr_assert_eq(good(version).what, OPTIONS_VERSION);
}

Test(options, bad_use)
{
	static const char *const bad[][2] = {
		{ "--lisen *:1", "unknown option --lisen (did you mean \"listen\"?)" },
		{ "--nonsense=3", "unknown option --nonsense" },
		{ "--rolf=x", "unknown option --rolf" },
		{ "-x", "unknown option -x" },
		{ "-tx", "unknown option -x" },
		{ "--listen", "--listen needs a value" },
		{ "-c", "-c needs a value" },
		{ "-t -T", "-t and -T exclude each other: -T checks too" },
		{ "--help=3", "--help takes no value" },
		{ "--take-over=3", "--take-over takes no value" },
		{ "-c a -c b", "-c is given twice" },
		{ "a.conf", "unexpected argument \"a.conf\"" },
		{ "-t -- -c", "unexpected argument \"-c\"" },
		{ "-c a --pool p", "-c and --pool exclude each other: write it into the file" },
		{ "-c a --admin p", "-c and --admin exclude each other: write it into the file" },
		{ "--admin p", "--admin goes with --listen: with a file, write admin-socket into it" },
		{ "--log-level inf",
		  "--log-level: expected error, warning, info or debug, not \"inf\" (did you mean \"info\"?)" },
		{ "--role=king", "--role is not for people" },
		{ "-\x01", "unknown option, byte 0x01" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char line[64], expected[256];
		struct options_error error = { "" };
		struct options o;

		(void)snprintf(line, sizeof(line), "%s", bad[i][0]);
		(void)snprintf(expected, sizeof(expected), "usherd: %s; see usherd --help", bad[i][1]);
		cr_assert_eq(parse(line, &o, &error), -EINVAL, "%s", bad[i][0]);
		cr_assert_str_eq(error.text, expected);
	}
}

Test(options, lists_are_bounded)
{
	char line[OPTIONS_WITHOUT_MAX * 8 + 16] = "";
	struct options_error error = { "" };
	struct options o;

	for (size_t i = 0; i <= OPTIONS_WITHOUT_MAX; i++)
		memcpy(line + 8 * i, "--wi=xx ", 9);
	cr_assert_eq(parse(line, &o, &error), -EINVAL);
	cr_assert(strstr(error.text, "more than 64 times"), "%s", error.text);
}

Test(options, help_names_what_people_use_and_no_more)
{
	char text[8192] = "";
	FILE *file = fmemopen(text, sizeof(text) - 1, "w");

	options_print_help(file);
	(void)fclose(file);
	cr_assert(strstr(text, "--accept-local-sources") && strstr(text, "--without") &&
	          strstr(text, "--take-over"));
	cr_assert_not(strstr(text, "--role"));
}
