/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/registration.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "gateway.h"

static const struct usher_options nonblock = { .flags = USHER_NONBLOCK };

Test(registration, refused_with_each_code)
{
	static const struct {
		uint32_t code;
		int error;
	} cases[] = {
		{ HANDOFF_ERROR_VERSION, -EPROTONOSUPPORT },
		{ HANDOFF_ERROR_PROTOCOL, -EBADMSG },
		{ HANDOFF_ERROR_DENIED, -EACCES },
		{ HANDOFF_ERROR_FULL, -EUSERS },
		{ HANDOFF_ERROR_CPU, -ENODEV },
		{ HANDOFF_ERROR_STOPPING, -ESHUTDOWN },
		{ 99, -EPROTO },
	};
	unsigned before = gateway_fds();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gateway g;
		struct usher *u = NULL;
		struct usher_options options = { .size = sizeof(options), .path = g.path };

		gateway_open(&g);
		gateway_answer(&g, 0, cases[i].code);
		cr_assert_eq(usher_open(&u, &options), cases[i].error, "code %u", cases[i].code);
		cr_assert_null(u);
		gateway_answered(&g);
		gateway_close(&g);
	}
	cr_assert_eq(gateway_fds(), before);
}

Test(registration, retry_outlasts_an_usher_that_is_not_there, .timeout = 30)
{
	struct gateway g;
	struct usher *u = NULL;
	struct usher_options options = { .size = sizeof(options),
		                         .path = g.path,
		                         .flags = USHER_NONBLOCK | USHER_RETRY };
	const struct usher_conn *conn;

	gateway_open(&g);
	gateway_die(&g);
	cr_assert_eq(usher_open(&u, &options), 0);
	cr_assert_eq(usher_next(u, &conn), 0);
	gateway_listen(&g);
	gateway_answer(&g, 1, 0);
	while (g.worker < 0) {
		cr_assert(gateway_wait(u));
		cr_assert_eq(usher_next(u, &conn), 0);
	}
	gateway_answered(&g);
	gateway_send(&g, 0, 1, NULL, 0, NULL);
	cr_assert_eq(gateway_next(u, &conn), 1);
	close(conn->fd);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

/* Runs the handle until the gateway has a registration again. */
static void register_again(struct gateway *g, struct usher *u)
{
	const struct usher_conn *conn;

	gateway_listen(g);
	gateway_answer(g, 1, 0);
	while (__atomic_load_n(&g->worker, __ATOMIC_ACQUIRE) < 0) {
		cr_assert(gateway_wait(u));
		cr_assert_eq(usher_next(u, &conn), 0);
	}
	gateway_answered(g);
}

Test(registration, comes_back_with_what_is_open, .timeout = 30)
{
	struct gateway g;
	struct usher *u =
		gateway_worker(&g, 2, (struct usher_options){ .flags = USHER_NONBLOCK | USHER_SENDS_DONE });
	const struct usher_conn *conn;

	gateway_send(&g, 0, 3, NULL, 0, NULL);
	gateway_send(&g, 1, 1, NULL, 0, NULL);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(usher_next(u, &conn), 1);
		close(conn->fd);
	}
	cr_assert_eq(usher_done(u, 1), 0);
	gateway_die(&g);
	cr_assert_eq(gateway_next(u, &conn), 1, "what the old Usher had handed off still comes");
	close(conn->fd);
	register_again(&g, u);
	cr_assert_eq(g.hello.open, 3);
	gateway_send(&g, 0, 1, NULL, 0, NULL);
	cr_assert_eq(gateway_next(u, &conn), 1);
	close(conn->fd);
	cr_assert_eq(usher_done(u, 4), 0);
	cr_assert_eq(usher_next(u, &conn), 0);
	cr_assert_eq(gateway_done(&g, 0), 4);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(registration, an_orphaned_channel_goes_on_and_is_not_counted_twice, .timeout = 30)
{
	struct gateway g;
	struct usher *u =
		gateway_worker(&g, 1, (struct usher_options){ .flags = USHER_NONBLOCK | USHER_SENDS_DONE });
	const struct usher_conn *conn;
	int orphan = g.shard[0];

	g.shard[0] = -1; /* the master dies, its shard does not */
	gateway_die(&g);
	register_again(&g, u);
	g.shard[1] = orphan;
	g.shards = 2;
	gateway_send(&g, 1, 2, NULL, 0, NULL);
	gateway_send(&g, 0, 1, NULL, 0, NULL);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(gateway_next(u, &conn), 1);
		close(conn->fd);
	}
	cr_assert_eq(usher_done(u, 3), 0);
	cr_assert_eq(usher_next(u, &conn), 0);
	cr_assert_eq(gateway_done(&g, 0), 1, "the new Usher knows of one");
	cr_assert_eq(gateway_done(&g, 1), 0);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(registration, dropped_reads_to_the_end_first, .timeout = 30)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, nonblock);
	const struct usher_conn *conn;

	gateway_send(&g, 0, 2, NULL, 0, NULL);
	gateway_error(&g, HANDOFF_ERROR_DROPPED);
	gateway_die(&g);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(gateway_next(u, &conn), 1);
		close(conn->fd);
	}
	register_again(&g, u);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(registration, a_refused_return_is_final, .timeout = 30)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, nonblock);
	const struct usher_conn *conn;

	gateway_send(&g, 0, 1, NULL, 0, NULL);
	gateway_die(&g);
	gateway_listen(&g);
	gateway_answer(&g, 0, HANDOFF_ERROR_DENIED);
	cr_assert_eq(gateway_next(u, &conn), 1);
	close(conn->fd);
	cr_assert_eq(gateway_next(u, &conn), -EACCES);
	cr_assert_eq(usher_next(u, &conn), -EACCES);
	gateway_answered(&g);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

static uint16_t said(struct gateway *g)
{
	struct handoff_head head = { 0 };

	cr_assert_eq(gateway_receive(g->worker, &head, sizeof(head)), sizeof(head));
	cr_assert(handoff_head_check(&head, sizeof(head)));
	return head.type;
}

Test(registration, pause_and_resume, .timeout = 30)
{
	struct handoff_head head;
	const struct usher_conn *conn;
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, nonblock);

	cr_assert_eq(usher_pause(u), 0);
	cr_assert_eq(said(&g), HANDOFF_PAUSE);
	cr_assert_eq(usher_resume(u), 0);
	cr_assert_eq(said(&g), HANDOFF_RESUME);
	cr_assert_eq(usher_pause(u), 0);
	gateway_die(&g);
	register_again(&g, u);
	while (gateway_receive(g.worker, &head, sizeof(head)) == 0) {
		cr_assert_eq(usher_next(u, &conn), 0);
		cr_assert(gateway_wait(u));
	}
	cr_assert_eq(head.type, HANDOFF_PAUSE, "a new registration is paused as well");
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(registration, drain_ends_with_enotconn)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, (struct usher_options){ .flags = USHER_SENDS_DONE });
	const struct usher_conn *conn;

	gateway_send(&g, 0, 2, NULL, 0, NULL);
	cr_assert_eq(usher_drain(u), 0);
	cr_assert_eq(usher_drain(u), 0);
	cr_assert_eq(said(&g), HANDOFF_DRAIN);
	gateway_die(&g);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(usher_next(u, &conn), 1);
		close(conn->fd);
	}
	cr_assert_eq(usher_next(u, &conn), -ENOTCONN);
	cr_assert_eq(usher_next(u, &conn), -ENOTCONN);
	cr_assert_eq(usher_accept4(u, NULL, NULL, 0), -ENOTCONN);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(registration, drain_needs_the_channels_end_only)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 2, nonblock);
	const struct usher_conn *conn;

	cr_assert_eq(usher_drain(u), 0);
	gateway_send(&g, 1, 1, NULL, 0, NULL);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(usher_next(u, &conn), 1 - i);
		close(g.shard[i]);
		g.shard[i] = -1;
	}
	close(conn->fd);
	cr_assert_eq(usher_next(u, &conn), -ENOTCONN);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(registration, nonsense_ends_it_and_closes_its_fds, .timeout = 30)
{
	unsigned before = gateway_fds();
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, nonblock);
	struct handoff_done done = { .head = handoff_head_of(HANDOFF_DONE, sizeof(done)) };
	const struct usher_conn *conn;

	gateway_send_raw(g.worker, &done, sizeof(done), g.worker, 3);
	cr_assert_eq(usher_next(u, &conn), -EPROTO);
	gateway_die(&g);
	register_again(&g, u);
	gateway_send_raw(g.worker, "x", 1, g.worker, 3);
	cr_assert_eq(gateway_next(u, &conn), -EPROTO);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
	cr_assert_eq(gateway_fds(), before);
}

Test(registration, a_welcome_with_other_fds_than_it_says)
{
	unsigned before = gateway_fds();
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, nonblock);
	struct handoff_welcome welcome = { .head = handoff_head_of(HANDOFF_WELCOME, sizeof(welcome)),
		                           .channels = 2 };
	const struct usher_conn *conn;

	gateway_send_raw(g.worker, &welcome, sizeof(welcome), g.worker, 3);
	cr_assert_eq(usher_next(u, &conn), -EPROTO);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
	cr_assert_eq(gateway_fds(), before);
}
