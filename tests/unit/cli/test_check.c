/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "cli/check.h"

static char printed[4096];

#define ROW(name, accepted, handed_off, taken_back, delivered, queued)                                          \
	"{\"listener\":\"" name "\",\"shard\":3,\"accepted\":" accepted ",\"handed_off\":" handed_off           \
	",\"taken_back\":" taken_back ",\"delivered\":" delivered                                               \
	",\"refused\":{\"denied\":2,\"no_worker\":1},\"timed_out\":{\"header\":1},\"lost\":{},\"in_header\":1," \
	"\"queued\":" queued ",\"unread\":0}"

#define GOOD ROW("https", "10", "6", "2", "4", "1")
#define NEGATIVE ROW("back\\u001b[1m", "4", "0", "4", "-4", "2")

static enum verdict judge(const char *text)
{
	json_t *answer = json_loads(text, 0, NULL);
	FILE *out = fmemopen(printed, sizeof(printed), "w");
	enum verdict verdict;

	cr_assert_not_null(answer, "%s", text);
	verdict = check_judge(answer);
	check_print(answer, out);
	fclose(out);
	json_decref(answer);
	return verdict;
}

static void expect_printed(const char *part)
{
	cr_expect(strstr(printed, part), "wants \"%s\" in: %s", part, printed);
}

Test(check, it_holds)
{
	cr_expect_eq(judge("{\"ok\":true,\"listeners\":[" GOOD "," GOOD "]}"), VERDICT_YES);
	expect_printed("the ledger holds: 20 accepted, 8 delivered");
	cr_expect_eq(strchr(printed, '\n'), printed + strlen(printed) - 1, "one line");
	cr_expect_eq(judge("{\"ok\":true,\"listeners\":[]}"), VERDICT_YES);
	expect_printed("the ledger holds: 0 accepted");
}

Test(check, a_row_may_take_back_more_than_it_handed_off)
{
	cr_expect_eq(judge("{\"ok\":true,\"listeners\":[" ROW("a", "4", "0", "4", "-4", "3") "]}"),
	             VERDICT_YES);
}

Test(check, the_master_s_no_is_a_no)
{
	cr_expect_eq(judge("{\"ok\":false,\"listeners\":[" GOOD "]}"), VERDICT_NO);
	expect_printed("every row adds up");
	cr_expect_eq(judge("{\"ok\":false,\"listeners\":[],\"text\":\"a shard is gone\"}"), VERDICT_NO);
	expect_printed("a shard is gone");
}

Test(check, a_row_that_does_not_add_up_is_a_no_whatever_the_master_says)
{
	cr_expect_eq(
		judge("{\"ok\":true,\"listeners\":[" GOOD "," ROW("http", "11", "6", "2", "4", "1") "]}"),
		VERDICT_NO);
	expect_printed("http, shard 3: accepted 11, accounted for 10");
	cr_expect_not(strstr(printed, "https"));
	cr_expect_not(strstr(printed, "holds"));
}

Test(check, delivered_has_to_be_what_was_handed_off_and_kept)
{
	cr_expect_eq(judge("{\"ok\":true,\"listeners\":[" ROW("http", "10", "6", "1", "4", "1") "]}"),
	             VERDICT_NO);
	expect_printed("handed off 6, taken back 1");
}

Test(check, names_are_safe_for_a_terminal)
{
	cr_expect_eq(judge("{\"ok\":false,\"listeners\":[" NEGATIVE "]}"), VERDICT_NO);
	expect_printed("back\\x1b[1m, shard 3");
}

Test(check, without_a_member_there_is_no_answer)
{
	static const char *const texts[] = {
		"{}",
		"{\"ok\":true}",
		"{\"ok\":1,\"listeners\":[]}",
		"{\"listeners\":[]}",
		"{\"ok\":true,\"listeners\":[{}]}",
		"{\"ok\":true,\"listeners\":[1]}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(judge(texts[i]), VERDICT_NOT_ASKED, "%s", texts[i]);
	cr_expect_eq(judge("{\"ok\":true,\"listeners\":[" ROW("a", "\"10\"", "6", "2", "4", "1") "]}"),
	             VERDICT_NOT_ASKED);
}
