/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain server without a gateway: epoll, accept4, read past the PROXY header, answer one byte, then close or hold.
 * With --header none it is also the server behind the rivals. Prints "ready PORT", and its counts as JSON at SIGTERM.
 * Does not check the header's addresses and passes nothing on.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "common/answers.h"
#include "common/endpoint.h"
#include "common/header_skip.h"
#include "common/meter.h"
#include "common/number.h"
#include "common/stop_signals.h"

enum {
	FDS_MAX = 20000,
	STREAM_BYTES_MAX = 1024, /* header and first payload byte; a longer header is refused */
	EVENTS = 256,
	WARMUP_MAX = 1000000,
	ACCEPTS_IN_A_ROW = 256, /* then the connections that wait get their turn */
};

struct options {
	const char *listen;
	bool skip_header;
	uint32_t hold;
	uint64_t warmup; /* connections before the ones that count */
	uint64_t together; /* answer so many all at once, when the last is here; 0: each at once */
};

/* What has come so far of a stream whose first bytes were not enough. */
struct stream {
	uint16_t have;
	bool watched; /* by epoll */
	char bytes[STREAM_BYTES_MAX];
};

struct server {
	int epoll; /* owned */
	int listener; /* owned */
	int signals; /* owned */
	bool skip_header;
	bool stopping;
	uint64_t accepted, malformed, closed_early, failed;
	struct answers answers;
	struct stream streams[FDS_MAX];
};

/* 1: the first payload byte is here; 0: more is needed; -1: this is no header */
static int judge(const struct server *s, const char *bytes, size_t size)
{
	int header = s->skip_header ? header_skip(bytes, size) : 0;

	if (header == HEADER_SKIP_MALFORMED)
		return -1;
	if (s->skip_header && header == HEADER_SKIP_INCOMPLETE)
		return size < STREAM_BYTES_MAX ? 0 : -1;
	return size > (size_t)header ? 1 : 0;
}

static void watch(struct server *s, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (!s->streams[fd].watched && epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) == 0)
		s->streams[fd].watched = true;
}

static void finish_consume(struct server *s, int fd, bool answer)
{
	if (s->streams[fd].watched)
		(void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
	s->streams[fd].watched = false;
	s->streams[fd].have = 0;
	if (!answer) {
		(void)close(fd);
		return;
	}
	answers_consume(&s->answers, fd, "k");
}

static void read_stream(struct server *s, int fd)
{
	struct stream *stream = &s->streams[fd];
	char scratch[STREAM_BYTES_MAX];
	ssize_t got;
	int verdict;

	memcpy(scratch, stream->bytes, stream->have);
	got = recv(fd, scratch + stream->have, sizeof(scratch) - stream->have, MSG_DONTWAIT);
	if (got < 0 && errno == EAGAIN) {
		watch(s, fd);
		return;
	}
	if (got <= 0) {
		s->closed_early++;
		finish_consume(s, fd, false);
		return;
	}
	verdict = judge(s, scratch, stream->have + (size_t)got);
	if (verdict == 0) {
		memcpy(stream->bytes + stream->have, scratch + stream->have, (size_t)got);
		stream->have = (uint16_t)(stream->have + (size_t)got);
		watch(s, fd);
		return;
	}
	if (verdict < 0)
		s->malformed++;
	finish_consume(s, fd, verdict > 0);
}

static void accept_some(struct server *s)
{
	for (int i = 0; i < ACCEPTS_IN_A_ROW; i++) {
		struct sockaddr_storage peer;
		socklen_t size = sizeof(peer);
		int fd = accept4(s->listener, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno != EAGAIN && s->failed++ == 0)
				(void)fprintf(stderr, "accept: %s\n", strerror(errno));
			return;
		}
		s->accepted++;
		if (fd >= FDS_MAX) {
			s->failed++;
			(void)close(fd);
			continue;
		}
		read_stream(s, fd);
	}
}

static void run(struct server *s)
{
	struct epoll_event events[EVENTS];

	while (!s->stopping) {
		int n = epoll_wait(s->epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == s->listener)
				accept_some(s);
			else if (events[i].data.fd == s->signals)
				s->stopping = true;
			else
				read_stream(s, events[i].data.fd);
		}
	}
}

static void usage_and_exit(void)
{
	(void)fputs("usage: echo_server --listen ADDRESS:PORT [--header skip|none] [--hold N] [--warmup N] "
	            "[--together N]\n",
	            stderr);
	exit(2);
}

static struct options options_of(int argc, char **argv)
{
	static const struct option known[] = {
		{ "listen", required_argument, NULL, 'l' },   { "header", required_argument, NULL, 'h' },
		{ "hold", required_argument, NULL, 'o' },     { "warmup", required_argument, NULL, 'u' },
		{ "together", required_argument, NULL, 't' }, { 0 },
	};
	struct options o = { .skip_header = true };
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'l')
			o.listen = optarg;
		else if (c == 'o')
			o.hold = (uint32_t)number_option("hold", optarg, 0, FD_RING_MAX);
		else if (c == 'u')
			o.warmup = number_option("warmup", optarg, 0, WARMUP_MAX);
		else if (c == 't')
			o.together = number_option("together", optarg, 0, FD_RING_MAX);
		else if (c == 'h' && (strcmp(optarg, "skip") == 0 || strcmp(optarg, "none") == 0))
			o.skip_header = strcmp(optarg, "skip") == 0;
		else
			usage_and_exit();
	}
	if (!o.listen || optind != argc || o.together > o.hold)
		usage_and_exit();
	return o;
}

static void report(const struct server *s)
{
	struct meter now = meter_read();
	double per = s->accepted > 0 ? (double)s->accepted * NS_PER_US : 1;

	(void)printf(
		"{\"accepted\": %llu, \"answered\": %llu, \"malformed\": %llu, \"closed_early\": %llu, "
		"\"failed\": %llu, \"user_us\": %.3f, \"system_us\": %.3f, \"first_ns\": %llu, \"last_ns\": %llu}\n",
		(unsigned long long)s->accepted, (unsigned long long)s->answers.answered,
		(unsigned long long)s->malformed, (unsigned long long)s->closed_early,
		(unsigned long long)s->failed, (double)now.user_ns / per, (double)now.system_ns / per,
		(unsigned long long)s->answers.first_ns, (unsigned long long)s->answers.last_ns);
}

static int server_open(struct server *s, const struct options *o, uint16_t *ret_port)
{
	struct epoll_event event = { .events = EPOLLIN };

	s->skip_header = o->skip_header;
	s->answers.held.size = o->hold;
	s->answers.warmup = o->warmup;
	s->answers.together = o->together;
	s->listener = endpoint_listen_or_exit(o->listen, SOCK_NONBLOCK, ret_port);
	s->signals = stop_signals_open();
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->signals < 0 || s->epoll < 0)
		return -errno;
	event.data.fd = s->listener;
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->listener, &event) < 0)
		return -errno;
	event.data.fd = s->signals;
	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->signals, &event) < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	static struct server s;
	struct options o = options_of(argc, argv);
	uint16_t port;
	int r = server_open(&s, &o, &port);

	if (r < 0) {
		(void)fprintf(stderr, "echo_server: %s\n", strerror(-r));
		return 2;
	}
	(void)printf("ready %u\n", port);
	(void)fflush(stdout);
	run(&s);
	report(&s);
	fd_ring_close_all(&s.answers.held);
	close_fd(&s.listener);
	close_fd(&s.signals);
	close_fd(&s.epoll);
	return 0;
}
