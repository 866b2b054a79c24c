/* SPDX-License-Identifier: Apache-2.0 */
/* The backlog run: see backlog.h. */
#include "loadgen/backlog.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "common/meter.h"

enum { LINE_BYTES_MAX = 64 };

static int ms_left(uint64_t from_ns, uint64_t span_ns)
{
	uint64_t gone = meter_now_ns() - from_ns;

	return gone < span_ns ? (int)((span_ns - gone) / NS_PER_MS) + 1 : 0;
}

/* Number of connections that have sent all and wait for their answer. */
static uint32_t waiting(const struct engine *e)
{
	uint32_t n = 0;

	for (uint32_t i = e->oldest; i != ENGINE_NONE; i = e->conns[i].next)
		n += e->conns[i].wants == CONN_WANTS_READ;
	return n;
}

static void open_all(struct engine *e)
{
	while (e->tally.started < e->options->total && engine_has_time(e))
		engine_start_one(e);
	while (waiting(e) < e->open && engine_has_time(e))
		engine_turn(e);
}

/* False: no line came; the run's time is over, or it is asked to stop. End of file is a line too. */
static bool wait_for_line(struct engine *e)
{
	struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
		                 { .fd = e->stop, .events = POLLIN } };
	char line[LINE_BYTES_MAX];

	if (poll(fds, 2, ms_left(e->begin_ns, e->options->limit_ns)) <= 0 || fds[1].revents) {
		e->stopping = true;
		return false;
	}
	(void)!read(STDIN_FILENO, line, sizeof(line));
	return true;
}

/* The backlog is worked off in order: whoever is last in it is among the last to be answered. */
static void sleep_until_last(struct engine *e)
{
	struct pollfd fds[2] = { { .fd = e->conns[e->newest].fd, .events = POLLIN },
		                 { .fd = e->stop, .events = POLLIN } };

	(void)poll(fds, 2, ms_left(e->go_ns, e->options->timeout_ns));
}

static void take_answers(struct engine *e)
{
	uint32_t i = e->oldest;

	while (i != ENGINE_NONE) {
		struct conn *c = &e->conns[i];

		i = c->next;
		if (c->wants == CONN_WANTS_READ)
			conn_read(c, e->options);
		engine_settle(e, c);
	}
	while (e->open > 0 && engine_has_time(e))
		engine_turn(e);
}

static void start_clock(struct engine *e)
{
	e->go_ns = meter_now_ns();
	e->stamp_offset_ns = meter_clock_ns(CLOCK_REALTIME) - e->go_ns;
	for (uint32_t i = e->oldest; i != ENGINE_NONE; i = e->conns[i].next) {
		struct conn *c = &e->conns[i];

		if (c->sent_ns > 0)
			histogram_add(&e->connect, c->sent_ns - c->start_ns);
		c->start_ns = e->go_ns;
	}
}

static void say(const char *word, uint32_t count)
{
	(void)printf("%s %u\n", word, count);
	(void)fflush(stdout);
}

void backlog_run(struct engine *e)
{
	open_all(e);
	say("ready", waiting(e));
	if (wait_for_line(e) && e->oldest != ENGINE_NONE) {
		start_clock(e);
		if (!e->options->no_answer) {
			sleep_until_last(e);
			take_answers(e);
		}
	}
	e->end_ns = meter_now_ns();
	engine_end_all(e, OUTCOME_UNFINISHED);
	say("answered", (uint32_t)e->tally.ended[OUTCOME_SERVED]);
	(void)wait_for_line(e);
}
