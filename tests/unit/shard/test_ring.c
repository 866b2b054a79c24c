/* SPDX-License-Identifier: Apache-2.0 */
#include "shard/ring.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "open_fds.h"
#include "sys/clock.h"
#include "sys/probe.h"
#include "sys/uring_error.h"

static struct ring ring;
static uint32_t features;

static void open_ring(uint32_t without)
{
	int r;

	features = features_probe(without);
	r = ring_init(&ring, features);
	if (r < 0)
		cr_skip_test("no ring here: %s", strerror(-r));
	cr_assert_eq(ring_enable(&ring, features), 0);
}

/* The next completion, which must come. */
static struct ring_event next(void)
{
	static struct ring_event events[RING_HARVEST_MAX];
	struct ring_event one = { 0 };

	for (int i = 0; i < 50 && one.tag == 0; i++) {
		cr_assert_eq(ring_turn(&ring, NS_PER_S), 0);
		if (ring_harvest(&ring, events) > 0)
			one = events[0];
	}
	cr_assert_neq(one.tag, 0, "nothing comes");
	return one;
}

static struct io_uring_sqe *submission(uint8_t op)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring.uring);

	io_uring_prep_rw(op, sqe, -1, NULL, 0, 0);
	sqe->user_data = 1;
	return sqe;
}

Test(ring, an_operation_that_a_shard_does_not_use_is_refused)
{
	static const uint8_t others[] = { IORING_OP_NOP,    IORING_OP_OPENAT, IORING_OP_SENDMSG,
		                          IORING_OP_SEND,   IORING_OP_READ,   IORING_OP_WRITE,
		                          IORING_OP_SOCKET, IORING_OP_CONNECT };

	open_ring(0);
	if (!(features & feature_bit(FEATURE_RESTRICTIONS)))
		cr_skip_test("this kernel cannot restrict rings");
	for (size_t i = 0; i < sizeof(others); i++) {
		(void)submission(others[i]);
		cr_expect_eq(next().result, -EACCES, "operation %u", others[i]);
	}
	submission(IORING_OP_CLOSE)->flags = IOSQE_ASYNC;
	cr_expect_eq(next().result, -EACCES, "a flag that a shard does not use");
	cr_expect_eq(io_uring_register((unsigned)ring.uring.ring_fd, IORING_UNREGISTER_BUFFERS, NULL, 0),
	             -EACCES);
	ring_fini(&ring);
}

Test(ring, forced_off_it_is_not_restricted)
{
	open_ring(feature_bit(FEATURE_RESTRICTIONS));
	(void)submission(IORING_OP_NOP);
	cr_expect_eq(next().result, 0);
	ring_fini(&ring);
}

static int listen_loopback(struct sockaddr_in *ret)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(*ret);

	*ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	cr_assert_eq(bind(fd, (struct sockaddr *)ret, sizeof(*ret)), 0);
	cr_assert_eq(listen(fd, 8), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)ret, &size), 0);
	return fd;
}

static int connect_to(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(connect(fd, (const struct sockaddr *)to, sizeof(*to)), 0);
	return fd;
}

static void expect_accepted(int fd)
{
	cr_assert(fd >= 0);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_expect(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* Each operation that a shard uses passes the restrictions and does what its name says. */
Test(ring, accept_poll_discard_and_close)
{
	struct sockaddr_in name, client_name, peer = { 0 };
	socklen_t size = sizeof(peer);
	char left[8];
	int listener, client, fd;
	unsigned fds_before;

	open_ring(0);
	listener = listen_loopback(&name);
	fds_before = open_fds();
	ring_accept_one(&ring, listener, (struct sockaddr *)&peer, &size, 11);
	client = connect_to(&name);
	fd = next().result;
	expect_accepted(fd);
	size = sizeof(client_name);
	cr_assert_eq(getsockname(client, (struct sockaddr *)&client_name, &size), 0);
	cr_expect_eq(peer.sin_port, client_name.sin_port);
	ring_poll(&ring, fd, POLLIN, 12);
	cr_assert_eq(write(client, "headerBODY", 10), 10);
	cr_expect(next().result & POLLIN);
	ring_discard(&ring, fd, 6, 13);
	cr_expect_eq(next().result, 6);
	cr_assert_eq(recv(fd, left, sizeof(left), MSG_DONTWAIT), 4, "the application's bytes stay");
	cr_expect_arr_eq(left, "BODY", 4);
	ring_discard(&ring, fd, 6, 14);
	cr_expect_eq(next().result, -EAGAIN, "never waits");
	ring_close(&ring, fd);
	cr_assert_eq(ring_turn(&ring, 0), 0);
	cr_expect_not(ring_has_more(&ring), "a close that worked is not told");
	close(client);
	cr_expect_eq(open_fds(), fds_before);
	close(listener);
	ring_fini(&ring);
}

Test(ring, a_failed_close_is_told)
{
	open_ring(0);
	ring_close(&ring, 19999);
	cr_expect_eq(op_tag_unpack(next().tag).op, OP_CLOSE);
	ring_fini(&ring);
}

Test(ring, multishot_accept_goes_on_until_it_is_cancelled)
{
	struct ring_event event;
	struct sockaddr_in name;
	int listener, clients[3];

	open_ring(0);
	if (!(features & feature_bit(FEATURE_MULTISHOT)))
		cr_skip_test("multishot accept is not used on this kernel");
	listener = listen_loopback(&name);
	ring_accept_multi(&ring, listener, 21);
	for (int i = 0; i < 3; i++) {
		clients[i] = connect_to(&name);
		event = next();
		expect_accepted(event.result);
		cr_expect(event.flags & IORING_CQE_F_MORE);
		close(event.result);
		close(clients[i]);
	}
	ring_cancel(&ring, 21);
	for (int i = 0; i < 2;
	     i++) { /* what was cancelled, and the answer to the cancellation, in any order */
		struct ring_event events[RING_HARVEST_MAX];

		cr_assert_eq(ring_turn(&ring, NS_PER_S), 0);
		for (unsigned count = ring_harvest(&ring, events); count-- > 0;)
			if (events[count].tag == 21) {
				cr_expect_eq(events[count].result, -ECANCELED);
				cr_expect_not(events[count].flags & IORING_CQE_F_MORE);
				i = 2;
			}
	}
	close(listener);
	ring_fini(&ring);
}

Test(ring, peername_and_its_silence)
{
	struct sockaddr_in name, peer = { 0 };
	int listener, client, fd;

	open_ring(0);
	if (!(features & feature_bit(FEATURE_PEERNAME)))
		cr_skip_test("this kernel has no peername");
	listener = listen_loopback(&name);
	client = connect_to(&name);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ring_peer(&ring, fd, &peer, sizeof(peer), false, 31);
	cr_expect_eq(next().result, sizeof(peer));
	cr_expect_eq(peer.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	ring_peer(&ring, fd, &peer, sizeof(peer), true, 32);
	cr_assert_eq(ring_turn(&ring, 0), 0);
	cr_expect_not(ring_has_more(&ring));
	ring_peer(&ring, listener, &peer, sizeof(peer), true, 33);
	cr_expect_eq(next().result, -ENOTCONN);
	close(fd);
	close(client);
	close(listener);
	ring_fini(&ring);
}

Test(ring, more_operations_than_the_queue_holds)
{
	static struct ring_event events[RING_HARVEST_MAX];
	unsigned submitted, seen = 0;

	open_ring(0);
	submitted = ring.uring.sq.ring_entries * 3;
	for (unsigned i = 0; i < submitted; i++)
		ring_discard(&ring, -1, 1, 100 + i);
	cr_assert_eq(ring_turn(&ring, 0), 0);
	for (int i = 0; i < 100 && seen < submitted; i++) {
		unsigned count = ring_harvest(&ring, events);

		for (unsigned k = 0; k < count; k++)
			cr_assert_eq(events[k].tag, 100 + seen + k, "in order");
		seen += count;
	}
	cr_expect_eq(seen, submitted);
	cr_expect_eq(ring_overflows(&ring), 0);
	ring_fini(&ring);
	ring_fini(&ring);
}
