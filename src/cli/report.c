/* SPDX-License-Identifier: Apache-2.0 */
/* Answers as tables: see report.h. */
#include "cli/report.h"

#include <inttypes.h>
#include <stdbool.h>

#include "cli/table.h"

enum form {
	FORM_NUMBER, /* as it comes; null is "-" */
	FORM_TEXT, /* the same, aligned to the left */
	FORM_SUM, /* an object of numbers: their sum */
	FORM_DURATION, /* seconds */
	FORM_NO_LIMIT_IF_0, /* a number of which 0 means no limit */
	FORM_ABSENT, /* an object of yes and no: the names that are no */
};

struct column {
	const char *heading;
	const char *key;
	enum form form;
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

json_int_t report_sum(json_t *reasons)
{
	const char *key;
	json_t *value;
	json_int_t sum = 0;

	json_object_foreach(reasons, key, value) sum += json_integer_value(value);
	return sum;
}

static void add_duration(struct table *table, json_int_t seconds)
{
	char text[64];

	if (seconds >= 86400)
		snprintf(text, sizeof(text), "%" PRIdMAX "d %" PRIdMAX "h", (intmax_t)seconds / 86400,
		         (intmax_t)seconds % 86400 / 3600);
	else if (seconds >= 3600)
		snprintf(text, sizeof(text), "%" PRIdMAX "h %" PRIdMAX "m", (intmax_t)seconds / 3600,
		         (intmax_t)seconds % 3600 / 60);
	else if (seconds >= 60)
		snprintf(text, sizeof(text), "%" PRIdMAX "m %" PRIdMAX "s", (intmax_t)seconds / 60,
		         (intmax_t)seconds % 60);
	else
		snprintf(text, sizeof(text), "%" PRIdMAX "s", (intmax_t)seconds);
	table_add(table, text);
}

static void add_plain(struct table *table, json_t *value)
{
	const char *text = json_string_value(value);

	if (json_is_integer(value))
		table_add_number(table, json_integer_value(value));
	else if (json_is_boolean(value))
		table_add(table, json_is_true(value) ? "yes" : "no");
	else if (json_is_null(value) || (text && text[0] == '\0'))
		table_add(table, "-");
	else
		table_add(table, text ? text : "?");
}

static void add_absent(struct table *table, json_t *features)
{
	char text[TABLE_CELL_BYTES_MAX] = "";
	size_t used = 0;
	const char *key;
	json_t *value;

	json_object_foreach(features, key, value)
	{
		if (json_is_false(value) && used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? "," : "",
			                         key);
	}
	table_add(table, used ? text : "-");
}

static void add_cell(struct table *table, json_t *row, const struct column *column)
{
	json_t *value = json_object_get(row, column->key);

	if (column->form == FORM_SUM && json_is_object(value))
		table_add_number(table, report_sum(value));
	else if (column->form == FORM_DURATION && json_is_integer(value))
		add_duration(table, json_integer_value(value));
	else if (column->form == FORM_NO_LIMIT_IF_0 && json_is_integer(value) &&
	         json_integer_value(value) == 0)
		table_add(table, "-");
	else if (column->form == FORM_ABSENT && json_is_object(value))
		add_absent(table, value);
	else
		add_plain(table, value);
}

static bool is_right(enum form form)
{
	return form != FORM_TEXT && form != FORM_ABSENT;
}

static void print_or_explain(const struct table *table, FILE *out)
{
	if (table_print(table, out, table_width_of(out)) < 0)
		fprintf(stderr, "usherctl: the answer is too large for a table: use --json\n");
}

static void report_rows(json_t *rows, const struct column *columns, size_t count, FILE *out)
{
	_cleanup_table_ struct table *table = NULL;
	struct table_column headings[TABLE_COLUMNS_MAX];
	size_t i;
	json_t *row;

	for (size_t c = 0; c < count; c++)
		headings[c] = (struct table_column){ columns[c].heading, is_right(columns[c].form) };
	if (table_new(&table, headings, count) < 0)
		return;
	json_array_foreach(rows, i, row)
	{
		for (size_t c = 0; c < count; c++)
			add_cell(table, row, &columns[c]);
	}
	print_or_explain(table, out);
}

static void report_facts(json_t *object, const struct column *facts, size_t count, struct table *table)
{
	for (size_t i = 0; i < count; i++) {
		table_add(table, facts[i].heading);
		add_cell(table, object, &facts[i]);
	}
}

void report_status(json_t *answer, FILE *out)
{
	static const struct table_column layout[] = { { "", false }, { "", false } };
	static const struct column facts[] = {
		{ "state", "state" },
		{ "version", "version" },
		{ "pid", "pid" },
		{ "reclaimer pid", "reclaimer_pid" },
		{ "up", "uptime_s", FORM_DURATION },
		{ "generation", "generation" },
		{ "config", "config" },
		{ "admin socket", "admin" },
		{ "listeners", "listeners" },
		{ "pools", "pools" },
		{ "workers", "workers" },
		{ "shards", "shards" },
	};
	static const struct column connections[] = {
		{ "accepted", "accepted" },
		{ "delivered", "delivered" },
		{ "refused", "refused", FORM_SUM },
		{ "timed out", "timed_out", FORM_SUM },
		{ "lost", "lost", FORM_SUM },
		{ "in header", "in_header" },
		{ "queued", "queued" },
		{ "unread", "unread" },
		{ "taken back", "taken_back" },
	};
	_cleanup_table_ struct table *table = NULL;

	if (table_new(&table, layout, COUNT_OF(layout)) < 0)
		return;
	report_facts(answer, facts, COUNT_OF(facts), table);
	report_facts(json_object_get(answer, "connections"), connections, COUNT_OF(connections), table);
	print_or_explain(table, out);
}

static void add_reasons(struct table *table, json_t *row, const char *key)
{
	const char *reason;
	json_t *count;

	json_object_foreach(json_object_get(row, key), reason, count)
	{
		add_plain(table, json_object_get(row, "name"));
		table_add(table, key);
		table_add(table, reason);
		table_add_number(table, json_integer_value(count));
	}
}

/* Why connections were not delivered; nothing where all were. */
static void report_reasons(json_t *rows, FILE *out)
{
	static const struct table_column layout[] = {
		{ "LISTENER", false }, { "ENDED", false }, { "REASON", false }, { "CONNECTIONS", true }
	};
	_cleanup_table_ struct table *table = NULL;
	json_int_t ended = 0;
	size_t i;
	json_t *row;

	if (table_new(&table, layout, COUNT_OF(layout)) < 0)
		return;
	json_array_foreach(rows, i, row)
	{
		ended += report_sum(json_object_get(row, "refused")) +
		         report_sum(json_object_get(row, "timed_out")) +
		         report_sum(json_object_get(row, "lost"));
		add_reasons(table, row, "refused");
		add_reasons(table, row, "timed_out");
		add_reasons(table, row, "lost");
	}
	if (ended == 0)
		return;
	(void)fputs("\n", out);
	print_or_explain(table, out);
}

void report_listeners(json_t *answer, FILE *out)
{
	/* two tables of one width that a terminal has, not one that it has not */
	static const struct column settings[] = {
		{ "LISTENER", "name", FORM_TEXT }, { "ADDRESS", "address", FORM_TEXT },
		{ "PROXY", "proxy", FORM_TEXT },   { "TRUST", "trust" },
		{ "POOL", "pool", FORM_TEXT },     { "ACCEPT", "accept", FORM_TEXT },
		{ "BACKLOG", "backlog" },
	};
	static const struct column counters[] = {
		{ "LISTENER", "name", FORM_TEXT },
		{ "ACCEPTED", "accepted" },
		{ "DELIVERED", "delivered" },
		{ "REFUSED", "refused", FORM_SUM },
		{ "TIMED-OUT", "timed_out", FORM_SUM },
		{ "LOST", "lost", FORM_SUM },
		{ "IN-HEADER", "in_header" },
		{ "QUEUED", "queued" },
		{ "UNREAD", "unread" },
	};
	json_t *rows = json_object_get(answer, "listeners");

	report_rows(rows, settings, COUNT_OF(settings), out);
	(void)fputs("\n", out);
	report_rows(rows, counters, COUNT_OF(counters), out);
	report_reasons(rows, out);
}

void report_workers(json_t *answer, FILE *out)
{
	/* uid and batch seldom change and are in the JSON: without them a line fits 80 columns */
	static const struct column columns[] = {
		{ "ID", "id" },
		{ "POOL", "pool", FORM_TEXT },
		{ "NAME", "name", FORM_TEXT },
		{ "PID", "pid" },
		{ "STATE", "state", FORM_TEXT },
		{ "OPEN", "open" },
		{ "CAPACITY", "capacity", FORM_NO_LIMIT_IF_0 },
		{ "UNREAD", "unread" },
		{ "DELIVERED", "delivered" },
		{ "SINCE", "since_s", FORM_DURATION },
	};

	report_rows(json_object_get(answer, "workers"), columns, COUNT_OF(columns), out);
}

void report_shards(json_t *answer, FILE *out)
{
	static const struct column columns[] = {
		{ "SHARD", "shard" },
		{ "PID", "pid" },
		{ "CPU", "cpu" },
		{ "GEN", "generation" },
		{ "STATE", "state", FORM_TEXT },
		{ "ACCEPT", "accept", FORM_TEXT },
		{ "TICK-MS", "tick_age_ms" },
		{ "USED", "slots_used" },
		{ "SLOTS", "slots" },
		{ "RESPAWNS", "respawns" },
		{ "WITHOUT", "features", FORM_ABSENT },
	};

	report_rows(json_object_get(answer, "shards"), columns, COUNT_OF(columns), out);
}

void report_explain(json_t *answer, FILE *out)
{
	static const struct column columns[] = {
		{ "LISTENER", "listener", FORM_TEXT },        { "PROXY", "proxy", FORM_TEXT },
		{ "TRUSTED", "trusted", FORM_TEXT },          { "BY", "entry", FORM_TEXT },
		{ "HEADER-READ", "header_read", FORM_TEXT },  { "REFUSED", "refused", FORM_TEXT },
		{ "AS-SOURCE", "source_refused", FORM_TEXT },
	};

	report_rows(json_object_get(answer, "listeners"), columns, COUNT_OF(columns), out);
}
