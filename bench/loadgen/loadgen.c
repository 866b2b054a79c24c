/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loadgen: many clients behind a load balancer, over loopback. Each connection sends a PROXY header and some bytes,
 * waits for the first byte of an answer and is counted in a ledger that must add up. Refuses any other machine.
 */
#include <stdio.h>
#include <string.h>

#include "loadgen/backlog.h"
#include "loadgen/engine.h"
#include "loadgen/options.h"
#include "loadgen/report.h"

static int print_header(const struct options *o)
{
	uint8_t bytes[HEADER_WRITE_MAX];
	struct planned p = plan_at(&o->plan, o->first);
	size_t size = header_write(o->header, &p, o->first, bytes);

	return fwrite(bytes, 1, size, stdout) == size && fflush(stdout) == 0 ? 0 : 2;
}

int main(int argc, char **argv)
{
	static struct engine e;
	struct options o = options_parse(argc, argv);
	int r;

	if (o.mode == RUN_PRINT_HEADER)
		return print_header(&o);
	r = engine_open(&e, &o);
	if (r < 0) {
		(void)fprintf(stderr, "loadgen: %u connections at once: %s\n", o.at_once, strerror(-r));
		return 2;
	}
	if (o.mode == RUN_BACKLOG)
		backlog_run(&e);
	else
		engine_run_closed_loop(&e);
	r = report_print(&e);
	engine_close(&e);
	if (r < 0)
		return 2;
	return e.tally.ended[OUTCOME_SERVED] == o.total ? 0 : 1;
}
