/* SPDX-License-Identifier: Apache-2.0 */
/* What an io_uring does is played with recvmsg(); examples/worker_uring.c is the real thing. */
#include <criterion/criterion.h>
#include <errno.h>
#include <unistd.h>

#include "gateway.h"

struct receive {
	int fd;
	struct msghdr *message;
	uint64_t cookie;
};

static const struct usher_options own_ring = { .flags = USHER_OWN_RING };

static struct receive arm(struct usher *u)
{
	struct receive r;

	cr_assert_eq(usher_msghdr(u, &r.fd, &r.message, &r.cookie), 1);
	return r;
}

static int complete(const struct receive *r)
{
	ssize_t size = recvmsg(r->fd, r->message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	return size < 0 ? -errno : (int)size;
}

static bool none_idle(struct usher *u)
{
	struct receive r;

	return usher_msghdr(u, &r.fd, &r.message, &r.cookie) == 0;
}

Test(own_ring, only_by_request)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, (struct usher_options){ .flags = USHER_NONBLOCK });
	struct receive r;

	cr_assert_eq(usher_msghdr(u, &r.fd, &r.message, &r.cookie), -EINVAL);
	cr_assert_eq(usher_feed(u, 1, 0), -EINVAL);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(own_ring, receives_and_goes_on)
{
	unsigned before = gateway_fds();
	struct gateway g;
	struct usher *u = gateway_worker(&g, 2, own_ring);
	const struct usher_conn *conn;
	struct receive a = arm(u), b = arm(u);

	cr_assert(none_idle(u));
	gateway_send(&g, 0, 2, NULL, 0, NULL);
	gateway_send(&g, 1, 1, NULL, 0, NULL);
	cr_assert_eq(usher_next(u, &conn), 0, "the library must not receive itself");
	cr_assert_eq(usher_feed(u, b.cookie, complete(&b)), 0);
	cr_assert_eq(usher_feed(u, a.cookie, complete(&a)), 0);
	cr_assert_eq(usher_feed(u, a.cookie, 0), -EINVAL, "it is not outstanding any more");
	cr_assert(none_idle(u), "an inbox that is not empty must not be received into");
	for (uint64_t i = 0; i < 3; i++) {
		cr_assert_eq(usher_next(u, &conn), 1);
		cr_assert_eq(conn->id, i == 0 ? 3 : i, "in the order of feeding");
		close(conn->fd);
	}
	cr_assert_eq(usher_next(u, &conn), 0);
	a = arm(u);
	b = arm(u);
	cr_assert_eq(usher_close(u), -EBUSY, "the kernel may still write");
	cr_assert_eq(usher_feed(u, a.cookie, -ECANCELED), 0);
	cr_assert_eq(usher_feed(u, b.cookie, -ECANCELED), 0);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
	cr_assert_eq(gateway_fds(), before);
}

Test(own_ring, channels_come_and_go)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, own_ring);
	const struct usher_conn *conn;
	struct receive old = arm(u), new;

	gateway_welcome(&g, 1);
	cr_assert(gateway_wait(u));
	cr_assert_eq(usher_next(u, &conn), 0);
	new = arm(u);
	cr_assert_neq(new.cookie, old.cookie);
	close(g.shard[0]);
	g.shard[0] = -1;
	cr_assert_eq(usher_feed(u, old.cookie, complete(&old)), 0);
	cr_assert(none_idle(u), "it has ended");
	cr_assert_eq(usher_feed(u, old.cookie, 0), -EINVAL);
	gateway_send(&g, 1, 1, NULL, 0, NULL);
	cr_assert_eq(usher_feed(u, new.cookie, complete(&new)), 0);
	cr_assert_eq(usher_next(u, &conn), 1);
	close(conn->fd);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(own_ring, nonsense_spares_what_was_received)
{
	unsigned before = gateway_fds();
	struct gateway g;
	struct usher *u = gateway_worker(&g, 3, own_ring);
	const struct usher_conn *conn;
	struct receive a = arm(u), b = arm(u), c = arm(u);

	gateway_send(&g, 0, 2, NULL, 0, NULL);
	gateway_send_raw(g.shard[1], "nonsense", 8, g.shard[1], 3);
	cr_assert_eq(usher_feed(u, a.cookie, complete(&a)), 0);
	cr_assert_eq(usher_feed(u, b.cookie, complete(&b)), -EPROTO);
	cr_assert_eq(usher_close(u), -EBUSY);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(usher_next(u, &conn), 1);
		close(conn->fd);
	}
	cr_assert_eq(usher_next(u, &conn), 0);
	cr_assert_eq(usher_feed(u, c.cookie, -ECANCELED), 0);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
	cr_assert_eq(gateway_fds(), before);
}

Test(own_ring, unfetched_ones_are_closed)
{
	unsigned before = gateway_fds();
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, own_ring);
	struct receive a = arm(u);

	gateway_send(&g, 0, 2, NULL, 0, NULL);
	cr_assert_eq(usher_feed(u, a.cookie, complete(&a)), 0);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
	cr_assert_eq(gateway_fds(), before);
}
