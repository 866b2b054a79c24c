/* SPDX-License-Identifier: Apache-2.0 */
/* The load: see engine.h. */
#include "loadgen/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "common/meter.h"
#include "common/stop_signals.h"

enum {
	EVENTS = 512,
	STARTS_IN_A_ROW = 64, /* then answers that wait get their turn */
	WAIT_MS_MAX = 1000,
	FDS_BESIDE = 16,
};

static int raise_fd_limit(uint32_t wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	if (limit.rlim_cur >= wanted)
		return 0;
	if (limit.rlim_max < wanted)
		return -EMFILE;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

int engine_open(struct engine *e, const struct options *o)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = ENGINE_NONE };
	int r = raise_fd_limit(o->at_once + FDS_BESIDE);

	if (r < 0)
		return r;
	*e = (struct engine){ .options = o, .oldest = ENGINE_NONE, .newest = ENGINE_NONE };
	e->stamps = o->mode == RUN_BACKLOG;
	e->epoll = epoll_create1(EPOLL_CLOEXEC);
	e->stop = stop_signals_open();
	e->conns = calloc(o->at_once, sizeof(*e->conns));
	if (e->epoll < 0 || e->stop < 0 || !e->conns ||
	    epoll_ctl(e->epoll, EPOLL_CTL_ADD, e->stop, &event) < 0)
		return -errno;
	for (uint32_t i = 0; i < o->at_once; i++) {
		e->conns[i].fd = -1;
		e->conns[i].next = i + 1 < o->at_once ? i + 1 : ENGINE_NONE;
	}
	e->begin_ns = meter_now_ns();
	return 0;
}

void engine_close(struct engine *e)
{
	engine_end_all(e, OUTCOME_UNFINISHED);
	for (uint32_t i = 0; e->conns && i < e->options->at_once; i++)
		conn_close(&e->conns[i]);
	close_fd(&e->epoll);
	close_fd(&e->stop);
	free(e->conns);
	e->conns = NULL;
}

bool engine_has_time(const struct engine *e)
{
	return !e->stopping && meter_now_ns() - e->begin_ns < e->options->limit_ns;
}

static struct conn *take_place(struct engine *e)
{
	struct conn *c = &e->conns[e->free];

	e->free = c->next;
	e->open++;
	return c;
}

static void append(struct engine *e, struct conn *c)
{
	uint32_t at = (uint32_t)(c - e->conns);

	c->next = ENGINE_NONE;
	c->previous = e->newest;
	if (e->newest == ENGINE_NONE)
		e->oldest = at;
	else
		e->conns[e->newest].next = at;
	e->newest = at;
}

static void give_place(struct engine *e, struct conn *c)
{
	if (c->previous == ENGINE_NONE)
		e->oldest = c->next;
	else
		e->conns[c->previous].next = c->next;
	if (c->next == ENGINE_NONE)
		e->newest = c->previous;
	else
		e->conns[c->next].previous = c->previous;
	c->next = e->free;
	e->free = (uint32_t)(c - e->conns);
	e->open--;
}

static void count(struct engine *e, const struct conn *c)
{
	uint64_t answered = c->stamp_ns ? c->stamp_ns - e->stamp_offset_ns : c->answered_ns;

	e->tally.ended[c->outcome]++;
	if (c->outcome == OUTCOME_FAILED && e->tally.first_error == 0)
		e->tally.first_error = c->error;
	if (c->sent_ns > 0 && e->go_ns == 0)
		histogram_add(&e->connect, c->sent_ns - c->start_ns);
	if (c->outcome != OUTCOME_SERVED)
		return;
	/* two clocks that a stop lies between: never below zero */
	histogram_add(&e->latency, answered > c->start_ns ? answered - c->start_ns : 0);
	if (e->first_answer_ns == 0 || answered < e->first_answer_ns)
		e->first_answer_ns = answered;
	if (answered > e->last_answer_ns)
		e->last_answer_ns = answered;
}

static void unwatch(struct engine *e, struct conn *c)
{
	if (c->watched)
		(void)epoll_ctl(e->epoll, EPOLL_CTL_DEL, c->fd, NULL);
	c->watched = 0;
}

static void end(struct engine *e, struct conn *c)
{
	count(e, c);
	if (e->options->mode == RUN_BACKLOG)
		unwatch(e, c); /* closed with all others, when nobody measures any more */
	else
		conn_close(c);
	give_place(e, c);
}

static void watch(struct engine *e, struct conn *c)
{
	struct epoll_event event = {
		.events = c->wants == CONN_WANTS_WRITE ? EPOLLOUT : EPOLLIN,
		.data.u32 = (uint32_t)(c - e->conns),
	};

	if (c->watched == event.events)
		return;
	if (epoll_ctl(e->epoll, c->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &event) < 0) {
		c->outcome = OUTCOME_FAILED;
		c->error = errno;
		end(e, c);
		return;
	}
	c->watched = event.events;
}

void engine_settle(struct engine *e, struct conn *c)
{
	bool answer_comes_later = e->options->mode == RUN_BACKLOG && e->go_ns == 0;

	if (c->wants == CONN_ENDED) {
		end(e, c);
	} else if (c->wants == CONN_WANTS_READ && answer_comes_later) {
		/* unwatched: nobody shall be woken, nor pay for it, while the backlog is worked off */
		unwatch(e, c);
	} else {
		watch(e, c);
	}
}

void engine_start_one(struct engine *e)
{
	struct conn *c = take_place(e);

	conn_open(c, e->options, e->options->first + e->tally.started, e->stamps);
	e->tally.started++;
	append(e, c);
	engine_settle(e, c);
}

static void expire(struct engine *e)
{
	uint64_t now = meter_now_ns();

	while (e->oldest != ENGINE_NONE) {
		struct conn *c = &e->conns[e->oldest];

		if (now < c->start_ns + e->options->timeout_ns)
			return;
		c->outcome =
			c->wants == CONN_WANTS_WRITE ? OUTCOME_TIMED_OUT_CONNECT : OUTCOME_TIMED_OUT_ANSWER;
		end(e, c);
	}
}

static int wait_ms(const struct engine *e)
{
	uint64_t now = meter_now_ns(), due;

	if (e->oldest == ENGINE_NONE)
		return 0;
	due = e->conns[e->oldest].start_ns + e->options->timeout_ns;
	if (due <= now)
		return 0;
	due = (due - now) / NS_PER_MS + 1;
	return due < WAIT_MS_MAX ? (int)due : WAIT_MS_MAX;
}

void engine_turn(struct engine *e)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(e->epoll, events, EVENTS, wait_ms(e));

	for (int i = 0; i < n; i++) {
		struct conn *c;

		if (events[i].data.u32 == ENGINE_NONE) {
			e->stopping = true;
			continue;
		}
		c = &e->conns[events[i].data.u32];
		if (c->wants == CONN_WANTS_WRITE)
			conn_write(c, e->options);
		else
			conn_read(c, e->options);
		engine_settle(e, c);
	}
	expire(e);
}

void engine_end_all(struct engine *e, enum outcome outcome)
{
	while (e->oldest != ENGINE_NONE) {
		e->conns[e->oldest].outcome = outcome;
		end(e, &e->conns[e->oldest]);
	}
}

static bool may_start(const struct engine *e)
{
	return e->tally.started < e->options->total && e->open < e->options->at_once;
}

void engine_run_closed_loop(struct engine *e)
{
	while (engine_has_time(e) && (e->open > 0 || e->tally.started < e->options->total)) {
		for (int i = 0; i < STARTS_IN_A_ROW && may_start(e); i++)
			engine_start_one(e);
		engine_turn(e);
	}
	e->end_ns = meter_now_ns();
	engine_end_all(e, OUTCOME_UNFINISHED);
}
