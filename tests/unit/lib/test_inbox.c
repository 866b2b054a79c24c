/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/inbox.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gateway.h"

static const struct usher_options nonblock = { .flags = USHER_NONBLOCK };

/* Sends @bytes with @fds fds to a worker's channel: the library must refuse them and keep nothing. */
static void refuses(const void *bytes, size_t size, unsigned fds)
{
	unsigned before = gateway_fds();
	struct gateway g;
	struct usher *u = gateway_worker(&g, 2, nonblock);
	const struct usher_conn *conn;
	char byte;

	gateway_send_raw(g.shard[0], bytes, size, g.shard[0], fds);
	cr_assert_eq(usher_next(u, &conn), -EPROTO, "%zu bytes, %u fds", size, fds);
	cr_assert_eq(recv(g.worker, &byte, 1, MSG_DONTWAIT), 0, "the registration has to end");
	cr_assert_eq(recv(g.shard[1], &byte, 1, MSG_DONTWAIT), 0, "and every channel");
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
	cr_assert_eq(gateway_fds(), before);
}

struct two {
	struct handoff_conns conns;
	struct handoff_conn records[2];
};

static struct two two(void)
{
	struct two m = { .conns = { .head = handoff_head_of(HANDOFF_CONNS, sizeof(m)), .count = 2 } };

	m.records[0].data_offset = m.records[1].data_offset = sizeof(m);
	return m;
}

Test(inbox, nonsense)
{
	struct two m = two();
	struct handoff_done done = { .head = handoff_head_of(HANDOFF_DONE, sizeof(done)) };
	struct handoff_goaway goaway = { .head = handoff_head_of(HANDOFF_GOAWAY, sizeof(goaway)) };

	refuses("x", 1, 0);
	refuses("xxxxxxxxxxxxxxxxxxxxxxxxxxx", 27, 5);
	refuses(&m, sizeof(m), 3);
	refuses(&m, sizeof(m) - 8, 2);
	refuses(&done, sizeof(done), 1);
	refuses(&goaway, sizeof(goaway), 1);
	m.conns.head.version = 2;
	refuses(&m, sizeof(m), 2);
	m = two();
	m.records[1].tlv_bytes = 1;
	refuses(&m, sizeof(m), 2);
	m = two();
	m.conns.count = UINT32_MAX;
	refuses(&m, sizeof(m), 2);
	m = two();
	m.conns.count = 0;
	refuses(&m, sizeof(m), 1);
}

Test(inbox, a_message_larger_than_any)
{
	static char bytes[HANDOFF_BYTES_MAX + 8];
	struct handoff_conns conns = { .head = handoff_head_of(HANDOFF_CONNS, sizeof(bytes)) };

	memcpy(bytes, &conns, sizeof(conns));
	refuses(bytes, sizeof(bytes), 1);
}

Test(inbox, an_empty_message_is_the_end_and_its_fds_are_closed)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, nonblock);
	const struct usher_conn *conn;
	unsigned before = gateway_fds();

	gateway_send_raw(g.shard[0], "", 0, 0, 5);
	cr_assert_eq(usher_next(u, &conn), 0);
	cr_assert_eq(gateway_fds(), before - 1, "the channel is closed, and nothing else is open");
	before = gateway_fds();
	gateway_send_raw(g.worker, "", 0, 0, 5);
	(void)usher_next(u, &conn);
	cr_assert_eq(gateway_fds(), before - 1, "the registration too");
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(inbox, the_largest_message)
{
	struct gateway g;
	struct usher *u =
		gateway_worker(&g, 1, (struct usher_options){ .flags = USHER_NONBLOCK, .batch = 253 });
	static char tlv[420];
	const struct usher_conn *conn;

	gateway_send(&g, 0, HANDOFF_FDS_MAX, tlv, sizeof(tlv), NULL);
	for (uint32_t i = 0; i < HANDOFF_FDS_MAX; i++) {
		cr_assert_eq(usher_next(u, &conn), 1);
		cr_assert_eq(conn->id, i + 1);
		cr_assert_eq(conn->tlv_size, sizeof(tlv));
		close(conn->fd);
	}
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(inbox, control_data_of_another_kind)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 0, nonblock);
	const struct usher_conn *conn;
	int pair[2], on = 1, so_passpidfd = 76;
	struct handoff_welcome welcome = { .head = handoff_head_of(HANDOFF_WELCOME, sizeof(welcome)),
		                           .channels = 1 };
	unsigned before;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	cr_assert_eq(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	cr_assert_eq(setsockopt(pair[1], SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)), 0);
	(void)setsockopt(pair[1], SOL_SOCKET, so_passpidfd, &on, sizeof(on)); /* from Linux 6.5 */
	gateway_send_raw(g.worker, &welcome, sizeof(welcome), pair[1], 1);
	close(pair[1]);
	g.shard[g.shards++] = pair[0];
	cr_assert_eq(usher_next(u, &conn), 0);
	before = gateway_fds();
	gateway_send(&g, 0, 253, NULL, 0, NULL);
	for (int i = 0; i < 253; i++) {
		cr_assert_eq(usher_next(u, &conn), 1);
		close(conn->fd);
	}
	cr_assert_eq(gateway_fds(), before);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

static void set_limit(unsigned limit)
{
	struct rlimit r;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
	r.rlim_cur = limit;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
}

/* Returns how many fds can still be opened below @limit. */
static unsigned fill_up(unsigned limit, unsigned leave, int *ret_fds)
{
	unsigned n = 0;

	set_limit(limit);
	while ((ret_fds[n] = dup(0)) >= 0)
		n++;
	cr_assert(n >= leave);
	for (unsigned i = 0; i < leave; i++)
		close(ret_fds[--n]);
	return n;
}

Test(inbox, what_does_not_fit_is_cut_off_and_reported)
{
	struct gateway g;
	struct usher *u = gateway_worker(&g, 1, nonblock); /* the limit is high: no reason to look first */
	const struct usher_conn *conn;
	struct handoff_lost lost;
	int filler[256], received[2];
	unsigned fillers;

	gateway_send(&g, 0, 5, NULL, 0, NULL);
	fillers = fill_up(200, 2, filler); /* behind its back */
	for (uint32_t i = 0; i < 2; i++) {
		cr_assert_eq(usher_next(u, &conn), 1);
		cr_assert_eq(conn->id, i + 1, "the first fds are those of the first records");
		received[i] = conn->fd;
	}
	cr_assert_eq(usher_next(u, &conn), -EMFILE);
	cr_assert_eq(usher_next(u, &conn), 0);
	cr_assert_eq(gateway_receive(g.shard[0], &lost, sizeof(lost)), sizeof(lost));
	cr_assert(handoff_head_check(&lost, sizeof(lost)));
	cr_assert_eq(lost.head.type, HANDOFF_LOST);
	cr_assert_eq(lost.listener, 7);
	cr_assert_eq(lost.count, 3);
	/* From now on it looks first: what does not fit stays with Usher. */
	gateway_send(&g, 0, 0, NULL, 0, NULL);
	cr_assert_eq(usher_next(u, &conn), 0);
	for (unsigned i = 0; i < fillers; i++)
		close(filler[i]);
	close(received[0]);
	close(received[1]);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(inbox, near_the_limit_it_looks_first, .timeout = 30)
{
	struct gateway g;
	struct usher *u;
	const struct usher_conn *conn;
	char head[64];
	int filler[256];
	unsigned fillers;

	set_limit(200);
	u = gateway_worker(
		&g, 1, (struct usher_options){ .flags = USHER_NONBLOCK | USHER_KEEP_NOFILE, .batch = 253 });
	gateway_send(&g, 0, 5, NULL, 0, NULL);
	fillers = fill_up(200, 4, filler);
	cr_assert_eq(usher_next(u, &conn), -EMFILE);
	cr_assert_eq(usher_next(u, &conn), 0);
	/* It tries again by itself, and still nothing is lost. */
	cr_assert_eq(gateway_next(u, &conn), -EMFILE);
	cr_assert_eq(gateway_receive(g.shard[0], head, sizeof(head)), 0, "no LOST");
	close(filler[--fillers]);
	for (int i = 0; i < 5; i++) {
		cr_assert_eq(gateway_next(u, &conn), 1);
		cr_assert_eq(conn->id, (uint64_t)i + 1);
		close(conn->fd);
	}
	while (fillers > 0)
		close(filler[--fillers]);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}

Test(inbox, open_raises_the_limit)
{
	struct gateway g;
	struct usher *u;
	struct rlimit r;

	set_limit(200);
	u = gateway_worker(&g, 1, (struct usher_options){ .flags = USHER_KEEP_NOFILE });
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
	cr_assert_eq(r.rlim_cur, 200);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
	u = gateway_worker(&g, 1, nonblock);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
	cr_assert_eq(r.rlim_cur, r.rlim_max);
	cr_assert_eq(usher_close(u), 0);
	gateway_close(&g);
}
