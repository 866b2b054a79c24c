/* SPDX-License-Identifier: Apache-2.0 */
#include "master/suggest.h"

#include <criterion/criterion.h>

static const char *nearest(const char *word)
{
	static const char *const candidates[] = { "address", "trust",   "proxy", "pool",
		                                  "local",   "backlog", "accept" };
	struct suggest s = { .word = word };

	for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++)
		suggest_offer(&s, candidates[i]);
	return s.nearest ? s.nearest : "";
}

Test(suggest, mistyped_words)
{
	cr_assert_str_eq(nearest("trsut"), "trust", "neighbours swapped");
	cr_assert_str_eq(nearest("trus"), "trust");
	cr_assert_str_eq(nearest("ttrust"), "trust");
	cr_assert_str_eq(nearest("tryst"), "trust");
	cr_assert_str_eq(nearest("addrezz"), "address");
	cr_assert_str_eq(nearest("addrs"), "address");
	cr_assert_str_eq(nearest("blacklog"), "backlog");
	cr_assert_str_eq(nearest("pool"), "pool");
	cr_assert_str_eq(nearest("locla"), "local");
}

Test(suggest, nothing_near)
{
	char text[SUGGEST_TEXT_BYTES];
	struct suggest s = { .word = "xy" };

	cr_assert_str_eq(nearest("certificate"), "");
	cr_assert_str_eq(nearest("addr"), "");
	cr_assert_str_eq(nearest(""), "");
	suggest_offer(&s, "ab");
	cr_assert_str_eq(suggest_text(&s, text), "", "two letters of two are another word");
	suggest_offer(&s, "xa");
	cr_assert_str_eq(suggest_text(&s, text), " (did you mean \"xa\"?)");
}

Test(suggest, long_words_are_left_alone)
{
	char word[200];
	struct suggest s = { .word = word };

	for (size_t i = 0; i < sizeof(word) - 1; i++)
		word[i] = 'a';
	word[sizeof(word) - 1] = '\0';
	suggest_offer(&s, word);
	cr_assert_null(s.nearest);
	word[63] = '\0';
	suggest_offer(&s, word);
	cr_assert_not_null(s.nearest);
}
