/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's answer: see check.h. */
#include "cli/check.h"

#include <inttypes.h>
#include <stdbool.h>

#include "cli/escape.h"
#include "cli/report.h"

struct row {
	json_int_t accepted;
	json_int_t handed_off;
	json_int_t taken_back;
	json_int_t delivered;
	json_int_t refused;
	json_int_t timed_out;
	json_int_t lost;
	json_int_t in_header;
	json_int_t queued;
	json_int_t unread;
};

static bool read_number(json_t *object, const char *key, json_int_t *ret)
{
	json_t *value = json_object_get(object, key);

	*ret = json_integer_value(value);
	return json_is_integer(value);
}

static bool read_sum(json_t *object, const char *key, json_int_t *ret)
{
	json_t *reasons = json_object_get(object, key);
	const char *reason;
	json_t *value;

	json_object_foreach(reasons, reason, value)
	{
		if (!json_is_integer(value))
			return false;
	}
	*ret = report_sum(reasons);
	return json_is_object(reasons);
}

static bool read_row(json_t *object, struct row *ret)
{
	return json_is_string(json_object_get(object, "listener")) &&
	       json_is_integer(json_object_get(object, "shard")) &&
	       read_number(object, "accepted", &ret->accepted) &&
	       read_number(object, "handed_off", &ret->handed_off) &&
	       read_number(object, "taken_back", &ret->taken_back) &&
	       read_number(object, "delivered", &ret->delivered) &&
	       read_sum(object, "refused", &ret->refused) && read_sum(object, "timed_out", &ret->timed_out) &&
	       read_sum(object, "lost", &ret->lost) && read_number(object, "in_header", &ret->in_header) &&
	       read_number(object, "queued", &ret->queued) && read_number(object, "unread", &ret->unread);
}

static json_int_t accounted(const struct row *row)
{
	return row->delivered + row->refused + row->timed_out + row->lost + row->in_header + row->queued;
}

static bool row_holds(const struct row *row)
{
	return row->accepted == accounted(row) && row->delivered == row->handed_off - row->taken_back;
}

enum verdict check_judge(json_t *answer)
{
	json_t *ok = json_object_get(answer, "ok");
	json_t *rows = json_object_get(answer, "listeners");
	bool holds = json_is_true(ok);
	size_t i;
	json_t *object;

	if (!json_is_boolean(ok) || !json_is_array(rows))
		return VERDICT_NOT_ASKED;
	json_array_foreach(rows, i, object)
	{
		struct row row;

		if (!read_row(object, &row))
			return VERDICT_NOT_ASKED;
		holds = holds && row_holds(&row);
	}
	return holds ? VERDICT_YES : VERDICT_NO;
}

static void print_row(json_t *object, const struct row *row, FILE *out)
{
	char name[512];

	fprintf(out,
	        "%s, shard %" JSON_INTEGER_FORMAT ": accepted %" JSON_INTEGER_FORMAT
	        ", accounted for %" JSON_INTEGER_FORMAT " (delivered %" JSON_INTEGER_FORMAT
	        ", refused %" JSON_INTEGER_FORMAT ", timed out %" JSON_INTEGER_FORMAT
	        ", lost %" JSON_INTEGER_FORMAT ", in header %" JSON_INTEGER_FORMAT
	        ", queued %" JSON_INTEGER_FORMAT "); handed off %" JSON_INTEGER_FORMAT
	        ", taken back %" JSON_INTEGER_FORMAT "\n",
	        escape_text(json_string_value(json_object_get(object, "listener")),
	                    sizeof(name) / ESCAPE_GROWTH, name, sizeof(name)),
	        json_integer_value(json_object_get(object, "shard")), row->accepted, accounted(row),
	        row->delivered, row->refused, row->timed_out, row->lost, row->in_header, row->queued,
	        row->handed_off, row->taken_back);
}

static void print_why(json_t *answer, bool rows_hold, FILE *out)
{
	const char *text = json_string_value(json_object_get(answer, "text"));
	char safe[2048];

	if (text)
		fprintf(out, "%s\n", escape_text(text, sizeof(safe) / ESCAPE_GROWTH, safe, sizeof(safe)));
	else if (rows_hold)
		fprintf(out, "usherd says that the ledger does not hold, though every row adds up\n");
}

void check_print(json_t *answer, FILE *out)
{
	struct row sum = { 0 };
	json_int_t ended = 0;
	bool rows_hold = true;
	size_t i;
	json_t *object;

	json_array_foreach(json_object_get(answer, "listeners"), i, object)
	{
		struct row row;

		if (!read_row(object, &row))
			return;
		if (!row_holds(&row)) {
			print_row(object, &row, out);
			rows_hold = false;
		}
		sum.accepted += row.accepted;
		sum.delivered += row.delivered;
		ended += row.refused + row.timed_out;
		sum.lost += row.lost;
		sum.in_header += row.in_header;
		sum.queued += row.queued;
		sum.unread += row.unread;
	}
	if (rows_hold && json_is_true(json_object_get(answer, "ok")))
		fprintf(out,
		        "the ledger holds: %" JSON_INTEGER_FORMAT " accepted, %" JSON_INTEGER_FORMAT
		        " delivered (%" JSON_INTEGER_FORMAT " unread), %" JSON_INTEGER_FORMAT
		        " refused or timed out, %" JSON_INTEGER_FORMAT " lost, %" JSON_INTEGER_FORMAT
		        " in header, %" JSON_INTEGER_FORMAT " queued\n",
		        sum.accepted, sum.delivered, sum.unread, ended, sum.lost, sum.in_header, sum.queued);
	else
		print_why(answer, rows_hold, out);
}
