/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tables for people: cells are added row by row, and printed in columns. Owns copies of its cells. Every cell is made
 * safe for a terminal as it comes in (names come from workers), so that no caller can forget it. Refuses to guess
 * what a cell means.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
	TABLE_COLUMNS_MAX = 16,
	TABLE_CELLS_MAX = 1 << 20, /* more than an answer of ADMIN_ANSWER_BYTES_MAX can hold in practice */
	TABLE_CELL_BYTES_MAX = 1024, /* longer text is cut, before it is made safe */
	TABLE_COLUMN_WIDTH_MIN = 8, /* a column of text is not narrowed below this to fit a terminal */
};

struct table_column {
	const char *heading; /* borrowed */
	bool right; /* numbers: aligned to the right and never narrowed */
};

struct table;

/* @columns is copied. Returns 0 or -ENOMEM. */
int table_new(struct table **ret, const struct table_column *columns, size_t count);

/* NULL is fine; returns NULL. */
struct table *table_free(struct table *table);

/* The next cell, left to right. When memory or TABLE_CELLS_MAX ends, table_print() says so. */
void table_add(struct table *table, const char *text);
void table_add_number(struct table *table, int64_t number);

/*
 * Prints headings (unless all are "") and whole rows. @width: columns of the terminal, 0 for no limit; columns of
 * text are narrowed until a line fits, and end in ".." where they were cut. Returns 0, -ENOMEM or -EOVERFLOW (cells
 * are missing: nothing is printed).
 */
int table_print(const struct table *table, FILE *out, size_t width);

/* The columns of the terminal that @out is; 0 when it is none. */
size_t table_width_of(FILE *out);

static inline void table_free_p(struct table **table)
{
	(void)table_free(*table);
}

#define _cleanup_table_ __attribute__((cleanup(table_free_p)))
