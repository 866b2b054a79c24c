/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker that does nothing but receive: through libusher it takes each connection, waits for its first payload byte,
 * answers, then closes or holds. The answer is one byte, or the stated source as text for clients that check it. Prints
 * "ready" when it is registered, and its counts as JSON at SIGTERM.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <usher/usher.h>

#include "base/cleanup.h"
#include "common/answers.h"
#include "common/meter.h"
#include "common/number.h"
#include "common/source_text.h"
#include "common/stop_signals.h"

enum {
	FDS_MAX = 20000,
	EVENTS = 256,
	TAKES_IN_A_ROW = 1024, /* then the connections that wait for payload get their turn */
	BATCH_MAX = 253,
	WARMUP_MAX = 1000000,
	PAYLOAD_BYTES = 4096,
};

struct options {
	const char *pool;
	uint32_t batch;
	uint32_t hold;
	uint64_t warmup; /* connections before the ones that count */
	uint64_t together; /* answer so many all at once, when the last is here; 0: each at once */
	bool answer_source;
};

struct sink {
	struct usher *usher; /* owned */
	int epoll; /* owned */
	int signals; /* owned */
	bool answer_source;
	bool stopping;
	bool more; /* the library may hold connections: its fd does not tell */
	uint64_t received, closed_early, failed;
	struct meter before;
	struct answers answers;
	char texts[FDS_MAX][SOURCE_TEXT_BYTES]; /* answers of connections whose payload is not there yet */
};

static void count_receipt(struct sink *s)
{
	s->received++;
	if (s->received == s->answers.warmup)
		s->before = meter_read();
}

/* 1: some payload is here; 0: not yet; -1: there will be none */
static int take_payload(int fd)
{
	char payload[PAYLOAD_BYTES];
	ssize_t n = recv(fd, payload, sizeof(payload), MSG_DONTWAIT);

	if (n > 0)
		return 1;
	return n < 0 && errno == EAGAIN ? 0 : -1;
}

static void wait_consume(struct sink *s, int fd, const char *answer)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (fd >= FDS_MAX || epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) < 0) {
		s->failed++;
		(void)close(fd);
		return;
	}
	memcpy(s->texts[fd], answer, SOURCE_TEXT_BYTES);
}

static void take_connection(struct sink *s, const struct usher_conn *c)
{
	char answer[SOURCE_TEXT_BYTES] = "k";
	int has;

	count_receipt(s);
	if (s->answer_source)
		source_text((const struct sockaddr *)&c->source.storage, answer);
	has = take_payload(c->fd);
	if (has > 0) {
		answers_consume(&s->answers, c->fd, answer);
	} else if (has == 0) {
		wait_consume(s, c->fd, answer);
	} else {
		s->closed_early++;
		(void)close(c->fd);
	}
}

static void payload_came(struct sink *s, int fd)
{
	int has = take_payload(fd);

	if (has == 0)
		return;
	(void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
	if (has > 0) {
		answers_consume(&s->answers, fd, s->texts[fd]);
		return;
	}
	s->closed_early++;
	(void)close(fd);
}

static void take_some(struct sink *s)
{
	const struct usher_conn *c;

	s->more = true;
	for (int i = 0; i < TAKES_IN_A_ROW; i++) {
		int r = usher_next(s->usher, &c);

		if (r == 1) {
			take_connection(s, c);
			continue;
		}
		if (r < 0 && s->failed++ == 0)
			(void)fprintf(stderr, "sink_worker: %s\n", usher_strerror(r));
		s->more = false;
		return;
	}
}

static void run(struct sink *s)
{
	struct epoll_event events[EVENTS];
	int usher = usher_fd(s->usher);

	while (!s->stopping) {
		int n = epoll_wait(s->epoll, events, EVENTS, s->more ? 0 : -1);

		if (s->more)
			take_some(s);
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == usher)
				take_some(s);
			else if (events[i].data.fd == s->signals)
				s->stopping = true;
			else
				payload_came(s, events[i].data.fd);
		}
	}
}

static void report(const struct sink *s)
{
	struct meter now = meter_read();
	uint64_t counted = s->received > s->answers.warmup ? s->received - s->answers.warmup : 0;
	double per = counted > 0 ? (double)counted * NS_PER_US : 1;

	(void)printf("{\"received\": %llu, \"answered\": %llu, \"closed_early\": %llu, \"failed\": %llu, "
	             "\"user_us\": %.3f, \"system_us\": %.3f, \"first_ns\": %llu, \"last_ns\": %llu}\n",
	             (unsigned long long)s->received, (unsigned long long)s->answers.answered,
	             (unsigned long long)s->closed_early, (unsigned long long)s->failed,
	             (double)(now.user_ns - s->before.user_ns) / per,
	             (double)(now.system_ns - s->before.system_ns) / per,
	             (unsigned long long)s->answers.first_ns, (unsigned long long)s->answers.last_ns);
}

static void usage_and_exit(void)
{
	(void)fputs("usage: sink_worker --pool PATH [--hold N] [--batch N] [--warmup N] [--together N] "
	            "[--answer byte|source]\n",
	            stderr);
	exit(2);
}

static struct options options_of(int argc, char **argv)
{
	static const struct option known[] = {
		{ "pool", required_argument, NULL, 'p' },
		{ "hold", required_argument, NULL, 'o' },
		{ "batch", required_argument, NULL, 'b' },
		{ "warmup", required_argument, NULL, 'u' },
		{ "answer", required_argument, NULL, 'a' },
		{ "together", required_argument, NULL, 't' },
		{ 0 },
	};
	struct options o = { .batch = BATCH_MAX };
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'p')
			o.pool = optarg;
		else if (c == 'o')
			o.hold = (uint32_t)number_option("hold", optarg, 0, FD_RING_MAX);
		else if (c == 'b')
			o.batch = (uint32_t)number_option("batch", optarg, 1, BATCH_MAX);
		else if (c == 'u')
			o.warmup = number_option("warmup", optarg, 0, WARMUP_MAX);
		else if (c == 't')
			o.together = number_option("together", optarg, 0, FD_RING_MAX);
		else if (c == 'a' && (strcmp(optarg, "byte") == 0 || strcmp(optarg, "source") == 0))
			o.answer_source = strcmp(optarg, "source") == 0;
		else
			usage_and_exit();
	}
	if (!o.pool || optind != argc || o.together > o.hold)
		usage_and_exit();
	return o;
}

static int watch(int epoll, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

static int sink_open(struct sink *s, const struct options *o)
{
	const struct usher_options u = {
		.size = sizeof(u),
		.flags = USHER_NONBLOCK,
		.path = o->pool,
		.name = "sink_worker",
		.batch = o->batch,
	};
	int r;

	s->answer_source = o->answer_source;
	s->answers.warmup = o->warmup;
	s->answers.together = o->together;
	s->answers.held.size = o->hold;
	s->signals = stop_signals_open();
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->signals < 0 || s->epoll < 0)
		return -errno;
	r = usher_open(&s->usher, &u);
	if (r < 0)
		return r;
	r = watch(s->epoll, s->signals);
	return r < 0 ? r : watch(s->epoll, usher_fd(s->usher));
}

int main(int argc, char **argv)
{
	static struct sink s;
	struct options o = options_of(argc, argv);
	int r = sink_open(&s, &o);

	if (r < 0) {
		(void)fprintf(stderr, "sink_worker: pool %s: %s\n", o.pool, usher_strerror(r));
		return 2;
	}
	(void)puts("ready");
	(void)fflush(stdout);
	s.before = meter_read();
	run(&s);
	report(&s);
	(void)usher_close(s.usher);
	fd_ring_close_all(&s.answers.held);
	close_fd(&s.epoll);
	close_fd(&s.signals);
	return 0;
}
