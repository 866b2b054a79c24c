/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "cli/doctor_rows.h"

static char printed[4096];

static const char *print(const struct doctor_rows *rows)
{
	FILE *out = fmemopen(printed, sizeof(printed), "w");

	doctor_print(rows, out);
	fclose(out);
	return printed;
}

Test(doctor_rows, the_worst_row_decides)
{
	struct doctor_rows rows = { 0 };

	cr_expect_eq(doctor_worst(&rows), DOCTOR_OK);
	doctor_advise(doctor_found(&rows, "a", "x"), DOCTOR_FAIL, "do this");
	doctor_advise(doctor_found(&rows, "b", "x"), DOCTOR_WARN, "do that");
	cr_expect_eq(doctor_worst(&rows), DOCTOR_FAIL);
}

Test(doctor_rows, advice_stands_below_the_table)
{
	struct doctor_rows rows = { 0 };

	doctor_found(&rows, "kernel", "Linux %d", 6);
	doctor_advise(doctor_found(&rows, "nofile", "64"), DOCTOR_WARN, "raise it to %d", 128);
	cr_expect_str_eq(print(&rows), "CHECK   STATE  FOUND\n"
	                               "kernel  ok     Linux 6\n"
	                               "nofile  warn   64\n"
	                               "\n"
	                               "nofile (warn): raise it to 128\n");
}

Test(doctor_rows, json_says_the_same)
{
	struct doctor_rows rows = { 0 };
	json_t *answer;
	char *text;

	doctor_found(&rows, "kernel", "Linux");
	doctor_advise(doctor_found(&rows, "ring", "no"), DOCTOR_FAIL, "allow it");
	answer = doctor_json(&rows);
	text = json_dumps(answer, JSON_COMPACT);
	cr_expect_str_eq(
		text, "{\"ok\":false,\"checks\":["
		      "{\"check\":\"kernel\",\"state\":\"ok\",\"found\":\"Linux\",\"advice\":null},"
		      "{\"check\":\"ring\",\"state\":\"fail\",\"found\":\"no\",\"advice\":\"allow it\"}]}");
	free(text);
	json_decref(answer);
}

Test(doctor_rows, rows_are_bounded)
{
	struct doctor_rows rows = { 0 };

	for (int i = 0; i < DOCTOR_ROWS_MAX + 2; i++)
		doctor_found(&rows, "row", "%d", i);
	cr_expect_eq(rows.count, DOCTOR_ROWS_MAX);
	cr_expect_str_eq(rows.rows[DOCTOR_ROWS_MAX - 1].found, "33");
}
