/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "gateway.h"

static const struct usher_options nonblock = { .flags = USHER_NONBLOCK };

static int open_with(struct usher_options options)
{
	struct usher *u;

	options.size = sizeof(options);
	return usher_open(&u, &options);
}

Test(usher, version_is_the_builds)
{
	char text[32];
	unsigned v = usher_version();

	(void)snprintf(text, sizeof(text), "%u.%u.%u", v >> 16, v >> 8 & 0xff, v & 0xff);
	cr_assert_str_eq(text, USHER_VERSION);
}

Test(usher, options_without_sense)
{
	struct usher *u;
	struct {
		struct usher_options known;
		char newer[8];
	} grown = { .known = { .size = sizeof(grown), .path = "/nonexistent/pool" }, .newer = "x" };
	char path[200];

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	cr_assert_eq(usher_open(&u, NULL), -EINVAL);
	cr_assert_eq(usher_open(&u, &(struct usher_options){ .path = "/x" }), -EINVAL);
	cr_assert_eq(open_with((struct usher_options){ .path = "/x", .flags = 1U << 30 }), -EINVAL);
	cr_assert_eq(open_with((struct usher_options){ .path = "/x", .batch = 254 }), -EINVAL);
	cr_assert_eq(open_with((struct usher_options){ .path = "/x", .capacity = 1 }), -EINVAL);
	cr_assert_eq(open_with((struct usher_options){ .path = "/x", .reserved = 1 }), -EINVAL);
	cr_assert_eq(open_with((struct usher_options){ .path = path }), -ENAMETOOLONG);
	cr_assert_eq(open_with((struct usher_options){ .path = "/nonexistent/pool" }), -ENOENT);
	cr_assert_eq(open_with((struct usher_options){ .path = NULL }), -EADDRNOTAVAIL);
	cr_assert_eq(usher_open(&u, &grown.known), -E2BIG);
	grown.newer[0] = 0;
	cr_assert_eq(usher_open(&u, &grown.known), -ENOENT);
}

Test(usher, hello_says_what_was_asked)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1,
	                                 (struct usher_options){ .flags = USHER_SENDS_DONE | USHER_ONE_CPU,
	                                                         .name = "hello-1",
	                                                         .capacity = 100,
	                                                         .batch = 9,
	                                                         .cpu = 3 });
	const char *why = NULL;

	cr_assert(handoff_hello_check(&g.hello, &why), "%s", why);
	cr_assert_eq(g.hello.flags, HANDOFF_HELLO_SENDS_DONE | HANDOFF_HELLO_ONE_CPU);
	cr_assert_eq(g.hello.capacity, 100);
	cr_assert_eq(g.hello.batch, 9);
	cr_assert_eq(g.hello.cpu, 3);
	cr_assert_eq(g.hello.open, 0);
	cr_assert_str_eq(g.hello.name, "hello-1");
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(usher, a_batch_comes_one_by_one_and_in_order)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 2, nonblock);
	const struct usher_conn *conn;
	int clients[3];
	char byte;

	cr_assert_eq(g.hello.batch, LIB_BATCH_DEFAULT);
	cr_assert_eq(usher_next(u, &conn), 0);
	gateway_send(&g, 1, 3, NULL, 0, clients);
	cr_assert(gateway_wait(u));
	for (uint32_t i = 0; i < 3; i++) {
		const struct sockaddr_in *in;

		cr_assert_eq(usher_next(u, &conn), 1);
		cr_assert_eq(conn->id, i + 1);
		cr_assert_eq(conn->proxy_version, 2);
		cr_assert_eq(conn->flags, USHER_CONN_PROXIED);
		in = (const struct sockaddr_in *)&conn->client->storage;
		cr_assert_eq(in->sin_family, AF_INET);
		cr_assert_eq(ntohl(in->sin_addr.s_addr), 0xc0000200U + i);
		cr_assert_eq(ntohs(in->sin_port), 1000 + i);
		in = (const struct sockaddr_in *)&conn->server->storage;
		cr_assert_eq(ntohs(in->sin_port), 443);
		in = (const struct sockaddr_in *)&conn->peer.storage;
		cr_assert_eq(ntohs(in->sin_port), 5000);
		cr_assert(fcntl(conn->fd, F_GETFL) & O_NONBLOCK);
		cr_assert(fcntl(conn->fd, F_GETFD) & FD_CLOEXEC);
		cr_assert_eq(write(conn->fd, "x", 1), 1);
		cr_assert_eq(read(clients[i], &byte, 1), 1, "socket %u is another one", i);
		close(conn->fd);
	}
	cr_assert_eq(usher_next(u, &conn), 0);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(usher, tlvs)
{
	static const unsigned char tlv[] = { 0x02, 0, 3, 'a', '.', 'b', 0x05, 0, 0, 0x02, 0, 1, 'z' };
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, nonblock);
	const struct usher_conn *conn;
	struct usher_conn cut;
	const void *value;
	size_t size;

	gateway_send(&g, 0, 2, tlv, sizeof(tlv), NULL);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(usher_next(u, &conn), 1);
		close(conn->fd);
		cr_assert_eq(usher_tlv(conn, 0x02, &value, &size), 1);
		cr_assert_eq(size, 3);
		cr_assert_arr_eq(value, "a.b", 3);
		cr_assert_eq(usher_tlv(conn, 0x05, &value, &size), 1);
		cr_assert_eq(size, 0);
		cr_assert_eq(usher_tlv(conn, 0x01, &value, &size), 0);
	}
	cut = *conn;
	cut.tlv_size--;
	cr_assert_eq(usher_tlv(&cut, 0x01, &value, &size), -EBADMSG);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(usher, accept4)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, (struct usher_options){ 0 });
	struct sockaddr_in in;
	socklen_t size = sizeof(in);
	int fd;

	cr_assert_eq(g.hello.batch, 1, "what a blocking worker has not begun must stay with Usher");
	gateway_send(&g, 0, 1, NULL, 0, NULL);
	fd = usher_accept4(u, (struct sockaddr *)&in, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
	cr_assert(fd >= 0);
	cr_assert_eq(size, sizeof(in));
	cr_assert_eq(ntohs(in.sin_port), 1000);
	cr_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	gateway_send(&g, 0, 1, NULL, 0, NULL);
	size = 2; /* cut off, as accept4() does */
	memset(&in, 0xff, sizeof(in));
	fd = usher_accept4(u, (struct sockaddr *)&in, &size, 0);
	cr_assert(fd >= 0);
	cr_assert_eq(size, sizeof(in));
	cr_assert_eq(in.sin_family, AF_INET);
	cr_assert_eq(in.sin_port, 0xffff);
	cr_assert_not(fcntl(fd, F_GETFL) & O_NONBLOCK);
	cr_assert_not(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	cr_assert_eq(usher_accept4(u, NULL, NULL, 1), -EINVAL);
	cr_assert_eq(usher_accept4(u, (struct sockaddr *)&in, NULL, 0), -EINVAL);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(usher, accept4_does_not_wait_when_told)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, nonblock);

	cr_assert_eq(usher_accept4(u, NULL, NULL, 0), -EAGAIN);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

static void *send_one(void *argument)
{
	usleep(20000); /* most likely after the worker waits; right either way */
	gateway_send(argument, 0, 1, NULL, 0, NULL);
	return NULL;
}

Test(usher, a_blocking_handle_waits, .timeout = 20)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, (struct usher_options){ 0 });
	const struct usher_conn *conn;
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, send_one, &g), 0);
	cr_assert_eq(usher_next(u, &conn), 1);
	close(conn->fd);
	pthread_join(thread, NULL);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(usher, every_channel_has_its_turn)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 4, nonblock);
	const struct usher_conn *conn;
	bool seen[41] = { false };

	for (unsigned i = 0; i < 20; i++)
		gateway_send(&g, i % 4, 2, NULL, 0, NULL);
	for (int i = 0; i < 40; i++) {
		cr_assert_eq(usher_next(u, &conn), 1);
		cr_assert_not(seen[conn->id]);
		seen[conn->id] = true;
		close(conn->fd);
	}
	cr_assert_eq(usher_next(u, &conn), 0);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(usher, a_shards_end_loses_nothing)
{
	struct gateway g;
	struct usher *u =
		gateway_worker(&g, 2, (struct usher_options){ .flags = USHER_NONBLOCK | USHER_SENDS_DONE });
	struct handoff_goaway goaway = { .head = handoff_head_of(HANDOFF_GOAWAY, sizeof(goaway)) };
	const struct usher_conn *conn;

	/* An unread DONE makes the close a reset: the worker sees ECONNRESET before the messages. */
	gateway_send(&g, 0, 1, NULL, 0, NULL);
	cr_assert_eq(usher_next(u, &conn), 1);
	close(conn->fd);
	cr_assert_eq(usher_done(u, 1), 0);
	cr_assert_eq(usher_next(u, &conn), 0);
	gateway_send(&g, 0, 2, NULL, 0, NULL);
	gateway_send(&g, 0, 1, NULL, 0, NULL);
	gateway_send_raw(g.shard[0], &goaway, sizeof(goaway), -1, 0);
	close(g.shard[0]);
	g.shard[0] = -1;
	for (uint64_t id = 2; id <= 4; id++) {
		cr_assert_eq(usher_next(u, &conn), 1);
		cr_assert_eq(conn->id, id);
		close(conn->fd);
	}
	cr_assert_eq(usher_next(u, &conn), 0);
	/* DONE finds the channel that is left. */
	cr_assert_eq(usher_done(u, 3), 0);
	cr_assert_eq(usher_next(u, &conn), 0);
	cr_assert_eq(gateway_done(&g, 1), 3);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(usher, a_new_generation_joins)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, nonblock);
	const struct usher_conn *conn;

	gateway_send(&g, 0, 1, NULL, 0, NULL);
	gateway_welcome(&g, 2);
	gateway_send(&g, 1, 1, NULL, 0, NULL);
	gateway_send(&g, 2, 1, NULL, 0, NULL);
	close(g.shard[0]);
	g.shard[0] = -1;
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(gateway_next(u, &conn), 1);
		close(conn->fd);
	}
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(usher, probes_are_ignored)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, nonblock);
	const struct usher_conn *conn;

	for (int i = 0; i < 3; i++)
		gateway_send(&g, 0, 0, NULL, 0, NULL);
	cr_assert_eq(usher_next(u, &conn), 0);
	gateway_send(&g, 0, 1, NULL, 0, NULL);
	cr_assert_eq(usher_next(u, &conn), 1);
	close(conn->fd);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(usher, done_goes_out_in_lots)
{
	struct gateway g;
	struct usher *u = gateway_worker(
		&g, 1, (struct usher_options){ .flags = USHER_NONBLOCK | USHER_SENDS_DONE, .batch = 8 });
	const struct usher_conn *conn;

	gateway_send(&g, 0, 20, NULL, 0, NULL);
	for (int i = 0; i < 20; i++) {
		cr_assert_eq(usher_next(u, &conn), 1);
		close(conn->fd);
	}
	cr_assert_eq(usher_done(u, 3), 0);
	cr_assert_eq(gateway_done(&g, 0), 0, "not one by one");
	cr_assert_eq(usher_done(u, 1), 0);
	cr_assert_eq(gateway_done(&g, 0), 4, "at half a batch");
	cr_assert_eq(usher_done(u, 1), 0);
	cr_assert_eq(usher_next(u, &conn), 0);
	cr_assert_eq(gateway_done(&g, 0), 1, "when there is nothing else to do");
	cr_assert_eq(usher_done(u, 16), -EINVAL, "more than there are");
	/* A worker that only waits for usher_fd() must not keep a DONE for ever. */
	cr_assert_eq(usher_done(u, 1), 0);
	while (gateway_done(&g, 0) == 0) {
		cr_assert(gateway_wait(u));
		cr_assert_eq(usher_next(u, &conn), 0);
	}
	cr_assert_eq(usher_done(u, 2), 0);
	cr_assert_eq(usher_close(u), 0);
	cr_assert_eq(gateway_done(&g, 0), 2, "at the latest when it closes");
	gateway_close(&g);
}

Test(usher, done_needs_the_promise)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, nonblock);

	cr_assert_eq(usher_done(u, 0), -EINVAL);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(usher, close_keeps_nothing_open)
{
	unsigned before = gateway_fds();
	struct gateway g;
	struct usher *u = gateway_worker(&g, 3, nonblock);
	const struct usher_conn *conn;

	gateway_send(&g, 0, 5, NULL, 0, NULL);
	gateway_send(&g, 1, 5, NULL, 0, NULL);
	cr_assert_eq(usher_next(u, &conn), 1);
	close(conn->fd);
	cr_assert_eq(usher_close(u), 0);
	cr_assert_eq(usher_close(NULL), 0);
	gateway_close(&g);
	cr_assert_eq(gateway_fds(), before);
}

Test(usher, strerror_knows_each_error)
{
	static const int errors[] = { EACCES,       EBUSY,         EINVAL, E2BIG,        EMFILE,
		                      ENAMETOOLONG, ENODEV,        ENOENT, ENOMEM,       ENOTCONN,
		                      EPROTO,       ETIMEDOUT,     EUSERS, ECONNREFUSED, EPROTONOSUPPORT,
		                      ESHUTDOWN,    EADDRNOTAVAIL, EBADMSG };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		cr_assert_str_eq(usher_strerror(errors[i]), usher_strerror(-errors[i]));
		cr_assert_str_neq(usher_strerror(errors[i]), usher_strerror(12345));
	}
}
