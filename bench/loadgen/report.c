/* SPDX-License-Identifier: Apache-2.0 */
/* What a run found: see report.h. */
#include "loadgen/report.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/meter.h"

enum { TENTHS_OF_US = 100 };

/* Nanoseconds as microseconds with one digit. */
static json_t *us(uint64_t ns)
{
	return json_real((double)(ns / TENTHS_OF_US) / 10);
}

static json_t *quantiles(const struct histogram *h)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "p50", us(histogram_quantile(h, 50, 100)), "p90",
	                 us(histogram_quantile(h, 90, 100)), "p99", us(histogram_quantile(h, 99, 100)),
	                 "p999", us(histogram_quantile(h, 999, 1000)), "max", us(h->max));
}

static json_t *ledger(const struct tally *t)
{
	const uint64_t *n = t->ended;

	return json_pack("{s:I, s:I, s:I, s:{s:I, s:I}, s:{s:I, s:I}, s:I, s:I, s:b, s:s}", "started",
	                 (json_int_t)t->started, "served", (json_int_t)n[OUTCOME_SERVED], "wrong_answer",
	                 (json_int_t)n[OUTCOME_WRONG_ANSWER], "refused", "fin",
	                 (json_int_t)n[OUTCOME_REFUSED_FIN], "rst", (json_int_t)n[OUTCOME_REFUSED_RST],
	                 "timed_out", "connect", (json_int_t)n[OUTCOME_TIMED_OUT_CONNECT], "answer",
	                 (json_int_t)n[OUTCOME_TIMED_OUT_ANSWER], "failed", (json_int_t)n[OUTCOME_FAILED],
	                 "unfinished", (json_int_t)n[OUTCOME_UNFINISHED], "adds_up", tally_adds_up(t),
	                 "first_error", t->first_error ? strerror(t->first_error) : "");
}

static json_t *settings(const struct options *o)
{
	return json_pack("{s:s, s:s, s:i, s:i, s:i, s:b, s:s, s:i, s:I, s:I}", "mode",
	                 o->mode == RUN_BACKLOG ? "backlog" : "closed-loop", "header",
	                 options_header_name(o->header), "stated", o->plan.stated6 ? 6 : 4, "peers",
	                 o->plan.target6 ? 1 : (int)o->plan.peers, "payload", (int)o->payload_bytes,
	                 "separate", o->payload_separate, "close", o->close_rst ? "rst" : "fin", "at_once",
	                 (int)o->at_once, "total", (json_int_t)o->total, "first", (json_int_t)o->first);
}

static json_t *times(const struct engine *e)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "begin_ns", (json_int_t)e->begin_ns, "go_ns",
	                 (json_int_t)e->go_ns, "first_answer_ns", (json_int_t)e->first_answer_ns,
	                 "last_answer_ns", (json_int_t)e->last_answer_ns, "end_ns", (json_int_t)e->end_ns);
}

static double rate_of(const struct engine *e)
{
	uint64_t from = e->go_ns ? e->go_ns : e->begin_ns;

	if (e->last_answer_ns <= from)
		return 0;
	return (double)e->tally.ended[OUTCOME_SERVED] * NS_PER_S / (double)(e->last_answer_ns - from);
}

int report_print(const struct engine *e)
{
	struct meter cpu = meter_read();
	json_t *root =
		json_pack("{s:o, s:o, s:f, s:o, s:o, s:o, s:{s:I, s:I}}", "ledger", ledger(&e->tally),
	                  "options", settings(e->options), "rate", rate_of(e), "connect_us",
	                  quantiles(&e->connect), "latency_us", quantiles(&e->latency), "monotonic", times(e),
	                  "cpu_ns", "user", (json_int_t)cpu.user_ns, "system", (json_int_t)cpu.system_ns);
	int r;

	if (!root)
		return -ENOMEM;
	r = json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	json_decref(root);
	(void)putchar('\n');
	return r < 0 || fflush(stdout) != 0 ? -EIO : 0;
}
