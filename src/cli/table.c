/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for people: see table.h. */
#include "cli/table.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/escape.h"

enum { GAP = 2 }; /* spaces between columns */

struct table {
	struct table_column columns[TABLE_COLUMNS_MAX];
	size_t column_count;
	char **cells; /* row by row */
	size_t cell_count;
	size_t cell_room;
	int error; /* the first that happened; sticky */
};

int table_new(struct table **ret, const struct table_column *columns, size_t count)
{
	struct table *table = calloc(1, sizeof(*table));

	assert(count > 0 && count <= TABLE_COLUMNS_MAX);
	if (!table)
		return -ENOMEM;
	table->column_count = count;
	memcpy(table->columns, columns, table->column_count * sizeof(*columns));
	*ret = table;
	return 0;
}

struct table *table_free(struct table *table)
{
	if (!table)
		return NULL;
	for (size_t i = 0; i < table->cell_count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
	return NULL;
}

static int make_room(struct table *table)
{
	size_t room = table->cell_room ? 2 * table->cell_room : 64;
	char **cells;

	if (table->cell_count < table->cell_room)
		return 0;
	if (room > TABLE_CELLS_MAX)
		return -EOVERFLOW;
	cells = reallocarray(table->cells, room, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	table->cells = cells;
	table->cell_room = room;
	return 0;
}

void table_add(struct table *table, const char *text)
{
	char safe[ESCAPE_GROWTH * TABLE_CELL_BYTES_MAX + 1];
	char *cell;

	if (table->error == 0)
		table->error = make_room(table);
	if (table->error < 0)
		return;
	cell = strdup(escape_text(text, TABLE_CELL_BYTES_MAX, safe, sizeof(safe)));
	if (!cell)
		table->error = -ENOMEM;
	else
		table->cells[table->cell_count++] = cell;
}

void table_add_number(struct table *table, int64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, number);
	table_add(table, text);
}

static size_t row_count(const struct table *table)
{
	assert(table->column_count > 0);
	return table->cell_count / table->column_count;
}

static bool has_headings(const struct table *table)
{
	for (size_t c = 0; c < table->column_count; c++) {
		if (table->columns[c].heading[0] != '\0')
			return true;
	}
	return false;
}

static void measure(const struct table *table, size_t *widths)
{
	for (size_t c = 0; c < table->column_count; c++) {
		widths[c] = strlen(table->columns[c].heading);
		for (size_t r = 0; r < row_count(table); r++) {
			size_t size = strlen(table->cells[r * table->column_count + c]);

			widths[c] = size > widths[c] ? size : widths[c];
		}
	}
}

/* The widest column of text that can still be narrowed, or column_count. */
static size_t widest(const struct table *table, const size_t *widths)
{
	size_t found = table->column_count;

	for (size_t c = 0; c < table->column_count; c++) {
		if (table->columns[c].right || widths[c] <= TABLE_COLUMN_WIDTH_MIN ||
		    widths[c] <= strlen(table->columns[c].heading))
			continue;
		if (found == table->column_count || widths[c] > widths[found])
			found = c;
	}
	return found;
}

static void fit(const struct table *table, size_t *widths, size_t width)
{
	size_t line = GAP * (table->column_count - 1);

	for (size_t c = 0; c < table->column_count; c++)
		line += widths[c];
	for (; line > width; line--) {
		size_t c = widest(table, widths);

		if (c == table->column_count)
			return; /* the terminal has to wrap */
		widths[c]--;
	}
}

static void print_cell(const struct table *table, FILE *out, size_t column, const char *text, size_t width)
{
	bool last = column + 1 == table->column_count;
	size_t size = strlen(text);

	if (size > width) /* width is then at least TABLE_COLUMN_WIDTH_MIN */
		fprintf(out, "%.*s..", (int)width - 2, text);
	else if (table->columns[column].right)
		fprintf(out, "%*s", (int)width, text);
	else
		fprintf(out, "%-*s", last ? 0 : (int)width, text);
	(void)fputs(last ? "\n" : "  ", out);
}

int table_print(const struct table *table, FILE *out, size_t width)
{
	size_t widths[TABLE_COLUMNS_MAX];

	if (table->error < 0)
		return table->error;
	measure(table, widths);
	if (width > 0)
		fit(table, widths, width);
	for (size_t c = 0; has_headings(table) && c < table->column_count; c++)
		print_cell(table, out, c, table->columns[c].heading, widths[c]);
	for (size_t i = 0; i < row_count(table) * table->column_count; i++)
		print_cell(table, out, i % table->column_count, table->cells[i],
		           widths[i % table->column_count]);
	return 0;
}

size_t table_width_of(FILE *out)
{
	struct winsize size;

	if (!isatty(fileno(out)) || ioctl(fileno(out), TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}
