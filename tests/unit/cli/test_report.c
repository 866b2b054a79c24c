/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "cli/report.h"

static char printed[8192];

static void report(void (*print)(json_t *answer, FILE *out), const char *text)
{
	json_t *answer = json_loads(text, 0, NULL);
	FILE *out = fmemopen(printed, sizeof(printed), "w");

	cr_assert_not_null(answer, "%s", text);
	print(answer, out);
	fclose(out);
	json_decref(answer);
}

static void expect_printed(const char *part)
{
	cr_expect(strstr(printed, part), "wants \"%s\" in:\n%s", part, printed);
}

Test(report, status_lists_facts)
{
	report(report_status,
	       "{\"version\":\"0.1.0\",\"pid\":12,\"uptime_s\":93784,\"state\":\"running\",\"generation\":2,"
	       "\"config\":null,\"admin\":\"/run/usher/admin.sock\",\"listeners\":1,\"pools\":1,\"workers\":2,"
	       "\"shards\":2,\"reclaimer_pid\":13,\"connections\":{\"accepted\":5,\"handed_off\":4,"
	       "\"taken_back\":1,\"delivered\":3,\"refused\":2,\"timed_out\":0,\"lost\":0,\"in_header\":0,"
	       "\"queued\":0,\"unread\":0}}");
	expect_printed("state          running\n");
	expect_printed("up             1d 2h\n");
	expect_printed("config         -\n");
	expect_printed("refused        2\n");
	expect_printed("taken back     1\n");
	cr_expect_not(strchr(printed, '?'), "%s", printed);
}

Test(report, listeners_show_why_connections_ended)
{
	report(report_listeners,
	       "{\"listeners\":[{\"name\":\"https\",\"address\":\"[::]:443\",\"proxy\":\"require\",\"pool\":\"web\","
	       "\"trust\":2,\"accept\":\"auto\",\"backlog\":65535,\"accepted\":9,\"delivered\":4,"
	       "\"refused\":{\"denied\":2,\"no_worker\":1},\"timed_out\":{\"header\":2},\"lost\":{},"
	       "\"in_header\":0,\"queued\":0,\"unread\":0}]}");
	expect_printed("LISTENER  ADDRESS   PROXY    TRUST  POOL  ACCEPT  BACKLOG\n"
	               "https     [::]:443  require      2  web   auto      65535\n");
	expect_printed(
		"https            9          4        3          2     0          0       0       0\n");
	expect_printed("https     refused    no_worker            1\n");
	expect_printed("https     timed_out  header               2\n");
	cr_expect_not(strchr(printed, '?'), "%s", printed);
}

Test(report, listeners_without_endings_have_no_third_table)
{
	report(report_listeners,
	       "{\"listeners\":[{\"name\":\"a\",\"refused\":{},\"timed_out\":{},\"lost\":{}}]}");
	cr_expect_not(strstr(printed, "REASON"));
}

Test(report, a_worker_s_name_cannot_command_a_terminal)
{
	report(report_workers,
	       "{\"workers\":[{\"id\":1,\"pool\":\"web\",\"name\":\"w\\u001b]0;x\\u0007\",\"pid\":5,\"uid\":33,"
	       "\"state\":\"ready\",\"open\":null,\"capacity\":0,\"batch\":1,\"unread\":0,\"delivered\":7,"
	       "\"since_s\":61}]}");
	expect_printed("w\\x1b]0;x\\x07");
	expect_printed("1m 1s");
	cr_expect_not(strchr(printed, '\x1b'));
}

Test(report, shards_name_the_features_they_lack)
{
	report(report_shards,
	       "{\"shards\":[{\"shard\":0,\"pid\":5,\"cpu\":0,\"generation\":1,\"state\":\"running\","
	       "\"accept\":\"window\",\"tick_age_ms\":3,\"slots_used\":1,\"slots\":99,\"respawns\":0,"
	       "\"features\":{\"multishot\":false,\"peername\":true,\"landlock\":false}}]}");
	expect_printed("multishot,landlock\n");
	cr_expect_not(strstr(printed, "peername"));
}

Test(report, what_is_missing_is_shown_as_unknown)
{
	report(report_workers, "{\"workers\":[{\"id\":\"x\"}, 7]}");
	expect_printed("?");
	report(report_shards, "{}");
	expect_printed("SHARD  PID");
	report(report_status, "{\"connections\":[]}");
	expect_printed("accepted       ?\n");
}

Test(report, explain_names_the_entry_and_what_is_refused)
{
	report(report_explain,
	       "{\"address\":\"127.0.0.1\",\"trusted\":true,\"listeners\":[{\"listener\":\"main\","
	       "\"proxy\":\"require\",\"trusted\":true,\"entry\":\"127.0.0.0/8\",\"header_read\":true,"
	       "\"refused\":null,\"source_refused\":\"local_source\"}]}");
	expect_printed("main      require  yes      127.0.0.0/8  yes          -        local_source\n");
	cr_expect_not(strchr(printed, '?'), "%s", printed);
}
