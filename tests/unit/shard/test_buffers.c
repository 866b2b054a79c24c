/* SPDX-License-Identifier: Apache-2.0 */
#include "shard/buffers.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "sys/clock.h"
#include "sys/probe.h"

static struct ring ring;
static struct buffers buffers;
static int pair[2];

/* The sockets have @text to be peeked at. */
static void open_all(const char *text)
{
	uint32_t features = features_probe(0);
	int r = ring_init(&ring, features);

	if (r < 0)
		cr_skip_test("no ring here: %s", strerror(-r));
	cr_assert_eq(buffers_init(&buffers, &ring), 0);
	cr_assert_eq(ring_enable(&ring, features), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	cr_assert_eq(write(pair[0], text, strlen(text)), (ssize_t)strlen(text));
}

static void close_all(void)
{
	ring_fini(&ring);
	buffers_fini(&buffers);
	buffers_fini(&buffers);
	close(pair[0]);
	close(pair[1]);
}

static struct ring_event peek(void)
{
	static struct ring_event events[RING_HARVEST_MAX];

	ring_peek(&ring, pair[1], BUFFERS_GROUP, PEEK_BUFFER_BYTES, 1);
	cr_assert_eq(ring_turn(&ring, NS_PER_S), 0);
	cr_assert_eq(ring_harvest(&ring, events), 1);
	return events[0];
}

Test(buffers, a_peek_fills_one_and_leaves_the_bytes)
{
	struct ring_event event;

	open_all("PROXY");
	for (int i = 0; i < 3; i++) {
		event = peek();
		cr_assert_eq(event.result, 5);
		cr_assert_not_null(buffers_get(&buffers, event.flags));
		cr_assert_arr_eq(buffers_get(&buffers, event.flags), "PROXY", 5);
		buffers_give(&buffers, event.flags);
		buffers_flush(&buffers);
	}
	close_all();
}

Test(buffers, all_are_out_then_back)
{
	static uint32_t flags[PEEK_BUFFERS];
	static bool seen[PEEK_BUFFERS];

	open_all("x");
	for (int round = 0; round < 2; round++) {
		memset(seen, 0, sizeof(seen));
		for (unsigned i = 0; i < buffers.count; i++) {
			struct ring_event event = peek();
			size_t place = (size_t)(buffers_get(&buffers, event.flags) - buffers.memory);

			cr_assert_eq(event.result, 1);
			cr_assert_eq(place % PEEK_BUFFER_BYTES, 0);
			place /= PEEK_BUFFER_BYTES;
			cr_assert_not(seen[place], "out twice");
			seen[place] = true;
			flags[i] = event.flags;
		}
		cr_assert_eq(peek().result, -ENOBUFS);
		for (unsigned i = 0; i < buffers.count; i++)
			buffers_give(&buffers, flags[i]);
		cr_assert_eq(peek().result, -ENOBUFS, "the kernel sees them only after the flush");
		buffers_flush(&buffers);
	}
	cr_assert_eq(peek().result, 1);
	close_all();
}

Test(buffers, a_completion_without_one_has_none)
{
	open_all("x");
	cr_expect_null(buffers_get(&buffers, 0));
	cr_expect_null(buffers_get(&buffers, 5U << IORING_CQE_BUFFER_SHIFT));
	cr_expect_null(buffers_get(&buffers, 0xffffffff), "no such buffer");
	buffers_give(&buffers, 0);
	buffers_give(&buffers, 0xffffffff);
	cr_expect_eq(buffers.returned, 0);
	close_all();
}
