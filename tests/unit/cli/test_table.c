/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "cli/table.h"

static const struct table_column columns[] = { { "NAME", false }, { "PID", true }, { "STATE", false } };
static char printed[4096];

static struct table *new_table(void)
{
	struct table *table = NULL;

	cr_assert_eq(table_new(&table, columns, 3), 0);
	return table;
}

static void add_row(struct table *table, const char *name, int pid, const char *state)
{
	table_add(table, name);
	table_add_number(table, pid);
	table_add(table, state);
}

static const char *print(const struct table *table, size_t width)
{
	FILE *out = fmemopen(printed, sizeof(printed), "w");

	cr_assert_eq(table_print(table, out, width), 0);
	fclose(out);
	return printed;
}

Test(table, columns_line_up)
{
	_cleanup_table_ struct table *table = new_table();

	add_row(table, "a", 1, "ready");
	add_row(table, "longer", 12345, "x");
	cr_expect_str_eq(print(table, 0), "NAME      PID  STATE\n"
	                                  "a           1  ready\n"
	                                  "longer  12345  x\n");
}

Test(table, without_rows_only_headings)
{
	_cleanup_table_ struct table *table = new_table();

	cr_expect_str_eq(print(table, 0), "NAME  PID  STATE\n");
}

Test(table, a_row_that_is_not_whole_is_not_shown)
{
	_cleanup_table_ struct table *table = new_table();

	add_row(table, "a", 1, "ready");
	table_add(table, "half");
	cr_expect(!strstr(print(table, 0), "half\n"));
	cr_expect(strstr(printed, "ready\n"));
}

Test(table, empty_headings_are_left_out)
{
	static const struct table_column facts[] = { { "", false }, { "", false } };
	_cleanup_table_ struct table *table = NULL;

	cr_assert_eq(table_new(&table, facts, 2), 0);
	table_add(table, "state");
	table_add(table, "running");
	cr_expect_str_eq(print(table, 0), "state  running\n");
}

Test(table, cells_are_safe_for_a_terminal)
{
	_cleanup_table_ struct table *table = new_table();

	add_row(table, "\x1b[2J\r\n\x7f", 1,
	        "\xe2\x80\xae"
	        "back\\slash");
	print(table, 0);
	cr_expect(strstr(printed, "\\x1b[2J\\x0d\\x0a\\x7f"));
	cr_expect(strstr(printed, "\\xe2\\x80\\xae"
	                          "back\\\\slash"));
	for (const char *c = printed; *c; c++)
		cr_expect(*c == '\n' || (*c >= 0x20 && *c < 0x7f), "byte %d", *c);
}

Test(table, text_is_narrowed_to_a_terminal)
{
	_cleanup_table_ struct table *table = new_table();

	add_row(table, "a-worker-with-a-very-long-name", 1234567, "ready");
	cr_expect_str_eq(print(table, 30), "NAME                PID  STATE\n"
	                                   "a-worker-wit..  1234567  ready\n");
}

Test(table, numbers_are_never_cut)
{
	_cleanup_table_ struct table *table = new_table();

	add_row(table, "a-worker-with-a-very-long-name", 1234567, "ready");
	cr_expect(strstr(print(table, 1), "a-work..  1234567  ready\n"));
}

Test(table, a_long_cell_is_bounded)
{
	_cleanup_table_ struct table *table = new_table();
	char text[2 * TABLE_CELL_BYTES_MAX];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	add_row(table, text, 1, "ready");
	print(table, 0);
	cr_expect_eq(strspn(strchr(printed, '\n') + 1, "x"), TABLE_CELL_BYTES_MAX);
}

Test(table, too_many_cells_are_an_error_not_a_cut_table)
{
	_cleanup_table_ struct table *table = new_table();
	FILE *out = fmemopen(printed, sizeof(printed), "w");

	for (int i = 0; i <= TABLE_CELLS_MAX; i++)
		table_add(table, "");
	cr_expect_eq(table_print(table, out, 0), -EOVERFLOW);
	cr_expect_eq(ftell(out), 0);
	fclose(out);
}

Test(table, a_file_has_no_width)
{
	FILE *out = tmpfile();

	cr_expect_eq(table_width_of(out), 0);
	fclose(out);
}
