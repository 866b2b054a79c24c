/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limit: what one core does that only accepts. io_uring accept, multishot or a window of single-shot accepts that
 * fetch the peer address, on the ring flags that a shard uses. Holds every connection and never looks at one: it reads
 * nothing, answers nothing, closes nothing. Prints "ready PORT", "done" once it has what was expected, and its figures
 * as JSON at SIGTERM.
 */
#include <errno.h>
#include <getopt.h>
#include <liburing.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "common/endpoint.h"
#include "common/meter.h"
#include "common/number.h"
#include "common/stop_signals.h"

enum {
	CONNECTIONS_MAX = 19000, /* all are held: below the hard limit of fds of small machines */
	TAG_MULTISHOT = ACCEPT_WINDOW,
	TAG_SIGNAL,
};

struct options {
	const char *listen;
	bool window;
	uint64_t warmup; /* connections before the ones that count */
	uint64_t expect; /* that count */
};

struct acceptor {
	struct io_uring ring;
	int listener; /* owned */
	bool stopping;
	uint64_t warmup;
	uint64_t expect;
	uint64_t accepted; /* with the warm-up */
	uint64_t failed;
	struct meter before;
	uint64_t first_ns;
	uint64_t last_ns;
	struct sockaddr_storage peers[ACCEPT_WINDOW];
	socklen_t peer_sizes[ACCEPT_WINDOW];
};

static struct io_uring_sqe *sqe_of(struct acceptor *a)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&a->ring);

	if (!sqe) {
		(void)io_uring_submit(&a->ring);
		sqe = io_uring_get_sqe(&a->ring);
	}
	if (!sqe)
		abort(); /* a submission frees the whole queue */
	return sqe;
}

static void arm_multishot(struct acceptor *a)
{
	struct io_uring_sqe *sqe = sqe_of(a);

	io_uring_prep_multishot_accept(sqe, a->listener, NULL, NULL, SOCK_CLOEXEC);
	io_uring_sqe_set_data64(sqe, TAG_MULTISHOT);
}

static void arm_single(struct acceptor *a, unsigned i)
{
	struct io_uring_sqe *sqe = sqe_of(a);

	a->peer_sizes[i] = sizeof(a->peers[i]);
	io_uring_prep_accept(sqe, a->listener, (struct sockaddr *)&a->peers[i], &a->peer_sizes[i],
	                     SOCK_CLOEXEC);
	io_uring_sqe_set_data64(sqe, i);
}

static void arm_signal(struct acceptor *a, int signals)
{
	struct io_uring_sqe *sqe = sqe_of(a);

	io_uring_prep_poll_add(sqe, signals, POLLIN);
	io_uring_sqe_set_data64(sqe, TAG_SIGNAL);
}

static void count(struct acceptor *a, int result)
{
	if (result < 0) {
		if (a->failed++ == 0)
			(void)fprintf(stderr, "accept: %s\n", strerror(-result));
		/* a full fd table stays full: nothing is ever closed here */
		a->stopping = a->stopping || result == -EMFILE || result == -ENFILE;
		return;
	}
	a->accepted++;
	if (a->accepted <= a->warmup) {
		if (a->accepted == a->warmup)
			a->before = meter_read();
		return;
	}
	if (a->first_ns == 0)
		a->first_ns = meter_now_ns();
	if (a->accepted == a->warmup + a->expect) {
		a->last_ns = meter_now_ns();
		(void)puts("done");
		(void)fflush(stdout);
	}
}

static void take_completion(struct acceptor *a, const struct io_uring_cqe *cqe)
{
	uint64_t tag = io_uring_cqe_get_data64(cqe);

	if (tag == TAG_SIGNAL) {
		a->stopping = true;
		return;
	}
	count(a, cqe->res);
	if (a->stopping)
		return;
	if (tag < ACCEPT_WINDOW)
		arm_single(a, (unsigned)tag);
	else if (!(cqe->flags & IORING_CQE_F_MORE))
		arm_multishot(a);
}

static int run(struct acceptor *a, bool window, int signals)
{
	struct io_uring_cqe *cqe;

	arm_signal(a, signals);
	if (!window)
		arm_multishot(a);
	for (unsigned i = 0; window && i < ACCEPT_WINDOW; i++)
		arm_single(a, i);

	while (!a->stopping) {
		unsigned head, seen = 0;
		int r = io_uring_submit_and_wait(&a->ring, 1);

		if (r < 0 && r != -EINTR)
			return r;
		io_uring_for_each_cqe (&a->ring, head, cqe) {
			take_completion(a, cqe);
			seen++;
		}
		io_uring_cq_advance(&a->ring, seen);
	}
	return 0;
}

static int ring_open(struct io_uring *ret_ring)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
		         IORING_SETUP_CQSIZE,
		.cq_entries = RING_CQ_ENTRIES,
	};
	int r = io_uring_queue_init_params(RING_SQ_ENTRIES, ret_ring, &p);

	if (r == 0)
		(void)io_uring_register_ring_fd(ret_ring);
	return r;
}

static void report(const struct acceptor *a, bool window)
{
	struct meter now = meter_read();
	uint64_t counted = a->accepted > a->warmup ? a->accepted - a->warmup : 0;
	double per = counted > 0 ? (double)counted * NS_PER_US : 1;

	(void)printf("{\"accept\": \"%s\", \"accepted\": %llu, \"failed\": %llu, \"user_us\": %.3f, "
	             "\"system_us\": %.3f, \"first_ns\": %llu, \"last_ns\": %llu}\n",
	             window ? "window" : "multishot", (unsigned long long)counted,
	             (unsigned long long)a->failed, (double)(now.user_ns - a->before.user_ns) / per,
	             (double)(now.system_ns - a->before.system_ns) / per, (unsigned long long)a->first_ns,
	             (unsigned long long)a->last_ns);
}

static void usage_and_exit(void)
{
	(void)fputs("usage: accept_only --listen ADDRESS:PORT [--window] [--warmup N] [--expect N]\n",
	            stderr);
	exit(2);
}

static struct options options_of(int argc, char **argv)
{
	static const struct option known[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "window", no_argument, NULL, 'w' },
		{ "warmup", required_argument, NULL, 'u' },
		{ "expect", required_argument, NULL, 'e' },
		{ 0 },
	};
	struct options o = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'l')
			o.listen = optarg;
		else if (c == 'w')
			o.window = true;
		else if (c == 'u')
			o.warmup = number_option("warmup", optarg, 0, CONNECTIONS_MAX);
		else if (c == 'e')
			o.expect = number_option("expect", optarg, 1, CONNECTIONS_MAX);
		else
			usage_and_exit();
	}
	if (!o.listen || optind != argc)
		usage_and_exit();
	return o;
}

int main(int argc, char **argv)
{
	static struct acceptor a;
	struct options o = options_of(argc, argv);
	_cleanup_close_ int signals = stop_signals_open();
	uint16_t port;
	int r;

	a.warmup = o.warmup;
	a.expect = o.expect;
	a.listener = endpoint_listen_or_exit(o.listen, 0, &port);
	r = ring_open(&a.ring);
	if (r < 0) {
		(void)fprintf(stderr, "io_uring: %s (needs Linux 6.1 and io_uring_disabled = 0)\n",
		              strerror(-r));
		return 2;
	}
	(void)printf("ready %u\n", port);
	(void)fflush(stdout);
	a.before = meter_read();
	r = run(&a, o.window, signals);
	if (r < 0)
		(void)fprintf(stderr, "io_uring: %s\n", strerror(-r));
	report(&a, o.window);
	io_uring_queue_exit(&a.ring);
	close_fd(&a.listener);
	return r < 0 ? 2 : 0;
}
