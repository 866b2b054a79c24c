/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/loop.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { SOURCES = 3 };

/* Sources that are all ready; each handler counts and then does what its test says. */
struct watched {
	struct loop_source source; /* first: a handler gets this one */
	int fd;
	int calls;
	uint32_t events;
	void (*then)(struct watched *w);
};

static struct loop loop = LOOP_NULL;
static struct watched all[SOURCES];
static int order[SOURCES], ordered;

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct watched *w = (struct watched *)source;

	w->calls++;
	w->events = events;
	if (ordered < SOURCES)
		order[ordered++] = (int)(w - all);
	if (w->then)
		w->then(w);
}

static void setup(void)
{
	cr_assert_eq(loop_init(&loop), 0);
	ordered = 0;
	for (int i = 0; i < SOURCES; i++) {
		all[i] = (struct watched){ .source = LOOP_SOURCE_NULL, .fd = eventfd(1, EFD_CLOEXEC) };
		cr_assert_eq(loop_add(&loop, &all[i].source, all[i].fd, EPOLLIN, on_ready), 0);
	}
}

static void teardown(void)
{
	for (int i = 0; i < SOURCES; i++) {
		loop_remove(&loop, &all[i].source);
		close(all[i].fd);
	}
	loop_fini(&loop);
	cr_expect_eq(loop.epoll, -1);
	loop_fini(&loop);
}

TestSuite(loop, .init = setup, .fini = teardown);

static int total(void)
{
	return all[0].calls + all[1].calls + all[2].calls;
}

Test(loop, every_ready_source_once_a_turn)
{
	cr_assert_eq(loop_turn(&loop, -1), 0);
	for (int i = 0; i < SOURCES; i++) {
		cr_assert_eq(all[i].calls, 1);
		cr_assert_eq(all[i].events, EPOLLIN);
	}
	cr_assert_eq(loop_turn(&loop, 0), 0);
	cr_assert_eq(total(), 2 * SOURCES, "level triggered: nobody has read");
}

Test(loop, removed_is_silent)
{
	loop_remove(&loop, &all[1].source);
	cr_assert_eq(all[1].source.fd, -1);
	loop_remove(&loop, &all[1].source);
	cr_assert_eq(loop_turn(&loop, 0), 0);
	cr_assert_eq(all[1].calls, 0);
	cr_assert_eq(total(), 2);
}

static void remove_self(struct watched *w)
{
	loop_remove(&loop, &w->source);
}

Test(loop, a_handler_removes_its_own_source)
{
	for (int i = 0; i < SOURCES; i++)
		all[i].then = remove_self;
	cr_assert_eq(loop_turn(&loop, 0), 0);
	cr_assert_eq(loop_turn(&loop, 0), 0);
	cr_assert_eq(total(), SOURCES);
}

/* As a handler does that ends others: removed, closed and forgotten, although their events are in this turn. */
static void remove_the_others(struct watched *w)
{
	for (int i = 0; i < SOURCES; i++) {
		if (&all[i] == w)
			continue;
		loop_remove(&loop, &all[i].source);
		all[i].source.ready = NULL;
	}
}

Test(loop, a_handler_removes_others_that_are_ready_too)
{
	for (int i = 0; i < SOURCES; i++)
		all[i].then = remove_the_others;
	cr_assert_eq(loop_turn(&loop, 0), 0);
	cr_assert_eq(total(), 1);
}

static void replace_the_others(struct watched *w)
{
	for (int i = 0; i < SOURCES; i++) {
		if (&all[i] == w)
			continue;
		loop_remove(&loop, &all[i].source);
		cr_assert_eq(loop_add(&loop, &all[i].source, all[i].fd, EPOLLIN, on_ready), 0);
		all[i].then = NULL;
	}
	w->then = NULL;
}

Test(loop, an_event_of_a_source_s_former_life_is_not_told)
{
	for (int i = 0; i < SOURCES; i++)
		all[i].then = replace_the_others;
	cr_assert_eq(loop_turn(&loop, 0), 0);
	cr_assert_eq(total(), 1);
	cr_assert_eq(loop_turn(&loop, 0), 0);
	cr_assert_eq(total(), 1 + SOURCES);
}

Test(loop, what_is_watched_can_change)
{
	cr_assert_eq(loop_change(&loop, &all[0].source, EPOLLIN | EPOLLOUT), 0);
	cr_assert_eq(loop_change(&loop, &all[1].source, 0), 0);
	cr_assert_eq(loop_turn(&loop, 0), 0);
	cr_assert_eq(all[0].events, EPOLLIN | EPOLLOUT);
	cr_assert_eq(all[1].calls, 0);
}

Test(loop, says_what_cannot_be_watched)
{
	struct loop_source source = LOOP_SOURCE_NULL;

	cr_assert_eq(loop_add(&loop, &source, -1, EPOLLIN, on_ready), -EBADF);
	cr_assert_eq(source.fd, -1);
	cr_assert_eq(loop_add(&loop, &source, all[0].fd, EPOLLIN, on_ready), -EEXIST);
	cr_assert_eq(source.fd, -1);
	cr_assert_eq(loop_change(&loop, &source, EPOLLIN), -EBADF);
}

/* More than one turn takes at once: the rest comes in the next ones. */
Test(loop, many_sources)
{
	enum { MANY = 200 };
	static struct watched many[MANY];
	int calls = 0;

	for (int i = 0; i < MANY; i++) {
		many[i] = (struct watched){ .fd = eventfd(1, EFD_CLOEXEC), .then = remove_self };
		cr_assert_eq(loop_add(&loop, &many[i].source, many[i].fd, EPOLLIN, on_ready), 0);
	}
	for (int turn = 0; turn < MANY; turn++)
		cr_assert_eq(loop_turn(&loop, 0), 0);
	for (int i = 0; i < MANY; i++) {
		calls += many[i].calls;
		close(many[i].fd);
	}
	cr_assert_eq(calls, MANY);
}
