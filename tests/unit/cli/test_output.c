/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "cli/escape.h"
#include "cli/output.h"

static char printed[512];

Test(output, json_is_one_line_of_ascii)
{
	json_t *value = json_pack("{s:s}", "name", "\x1b[1m\x7f\xc3\xbc\n");
	FILE *out = fmemopen(printed, sizeof(printed), "w");

	output_json(value, out);
	fclose(out);
	json_decref(value);
	cr_expect_str_eq(printed, "{\"name\":\"\\u001B[1m\\u007f\\u00FC\\n\"}\n");
}

Test(output, an_error_is_an_object_even_when_it_is_not_text)
{
	FILE *out = fmemopen(printed, sizeof(printed), "w");

	output_error("no", out);
	output_error("\xff", out);
	fclose(out);
	cr_expect_str_eq(printed, "{\"error\":\"no\"}\n{\"error\":\"see standard error\"}\n");
}

Test(output, escaped_text_never_overruns)
{
	char safe[8];

	cr_expect_str_eq(escape_text("\n\n\n", 3, safe, sizeof(safe)), "\\x0a");
	cr_expect_str_eq(escape_text("abcdef", 2, safe, sizeof(safe)), "ab");
	cr_expect_str_eq(escape_text("a", 9, safe, 1), "");
}
