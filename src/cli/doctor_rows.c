/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor found: see doctor_rows.h. */
#include "cli/doctor_rows.h"

#include <stdarg.h>

#include "cli/table.h"

static const char *const state_names[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_FAIL] = "fail",
};

struct doctor_row *doctor_found(struct doctor_rows *rows, const char *name, const char *format, ...)
{
	struct doctor_row *row;
	va_list arguments;

	if (rows->count < DOCTOR_ROWS_MAX)
		rows->count++;
	row = &rows->rows[rows->count - 1];
	*row = (struct doctor_row){ .name = name, .state = DOCTOR_OK };
	va_start(arguments, format);
	(void)vsnprintf(row->found, sizeof(row->found), format, arguments);
	va_end(arguments);
	return row;
}

void doctor_advise(struct doctor_row *row, enum doctor_state state, const char *format, ...)
{
	va_list arguments;

	row->state = state;
	va_start(arguments, format);
	(void)vsnprintf(row->advice, sizeof(row->advice), format, arguments);
	va_end(arguments);
}

enum doctor_state doctor_worst(const struct doctor_rows *rows)
{
	enum doctor_state worst = DOCTOR_OK;

	for (size_t i = 0; i < rows->count; i++)
		worst = rows->rows[i].state > worst ? rows->rows[i].state : worst;
	return worst;
}

void doctor_print(const struct doctor_rows *rows, FILE *out)
{
	static const struct table_column layout[] = { { "CHECK", false },
		                                      { "STATE", false },
		                                      { "FOUND", false } };
	_cleanup_table_ struct table *table = NULL;

	if (table_new(&table, layout, sizeof(layout) / sizeof(layout[0])) < 0)
		return;
	for (size_t i = 0; i < rows->count; i++) {
		table_add(table, rows->rows[i].name);
		table_add(table, state_names[rows->rows[i].state]);
		table_add(table, rows->rows[i].found);
	}
	(void)table_print(table, out, 0); /* a finding is never cut */
	for (size_t i = 0; i < rows->count; i++) {
		if (rows->rows[i].state != DOCTOR_OK)
			fprintf(out, "\n%s (%s): %s\n", rows->rows[i].name, state_names[rows->rows[i].state],
			        rows->rows[i].advice);
	}
}

json_t *doctor_json(const struct doctor_rows *rows)
{
	json_t *checks = json_array();

	for (size_t i = 0; i < rows->count; i++) {
		const struct doctor_row *row = &rows->rows[i];

		(void)json_array_append_new(checks,
		                            json_pack("{s:s, s:s, s:s, s:s?}", "check", row->name, "state",
		                                      state_names[row->state], "found", row->found, "advice",
		                                      row->advice[0] ? row->advice : NULL));
	}
	return json_pack("{s:b, s:o}", "ok", doctor_worst(rows) != DOCTOR_FAIL, "checks", checks);
}
