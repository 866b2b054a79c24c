/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usher-hello: the example HTTP worker. It answers each request with what Usher said about the connection. For trying
 * Usher out and for its tests: it serves curl and wrk, it is no web server.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <usher/usher.h>

#include "hello_client.h"
#include "hello_json.h"

enum {
	CLIENTS_MAX = 65536,
	EVENTS_MAX = 64,
	IDLE_SECONDS = 60, /* a client that sends and takes nothing for so long is closed */
	DRAIN_SECONDS = 10, /* after SIGTERM */
	TICK_MS = 1000,
};

/* What epoll says; smaller numbers are clients. */
enum { EVENT_USHER = CLIENTS_MAX, EVENT_SIGNAL };

struct hello {
	struct usher *usher;
	int epoll_fd;
	int signal_fd;
	bool hold;
	time_t drain_until; /* 0: not draining */
	int end; /* what usher_next() said last: an error that is final, or 0 */
	unsigned open;
	unsigned free_count;
	unsigned free_slots[CLIENTS_MAX];
	struct client *clients[CLIENTS_MAX];
};

static time_t seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static int watch(const struct hello *h, int op, int fd, uint32_t events, unsigned number)
{
	struct epoll_event event = { .events = events, .data.u32 = number };

	return epoll_ctl(h->epoll_fd, op, fd, &event);
}

static void client_end(struct hello *h, unsigned slot)
{
	client_free(h->clients[slot]);
	h->clients[slot] = NULL;
	h->free_slots[h->free_count++] = slot;
	h->open--;
	(void)usher_done(h->usher, 1);
}

static void client_go(struct hello *h, unsigned slot)
{
	struct client *c = h->clients[slot];
	bool write;

	c->active = seconds();
	if (!client_run(c, h->drain_until != 0)) {
		client_end(h, slot);
		return;
	}
	write = client_wants_write(c);
	if (write != c->watches_write &&
	    watch(h, EPOLL_CTL_MOD, c->fd, write ? EPOLLOUT : EPOLLIN, slot) == 0)
		c->watches_write = write;
}

static void client_begin(struct hello *h, const struct usher_conn *conn)
{
	size_t size = 0;
	char *json = h->hold ? NULL : json_of_conn(conn, &size);
	struct client *c = client_new_consume(conn->fd, json, size);
	unsigned slot;

	if (!c || h->free_count == 0 || (!json && !h->hold)) {
		client_free(c);
		(void)usher_done(h->usher, 1);
		return;
	}
	slot = h->free_slots[--h->free_count];
	h->clients[slot] = c;
	h->open++;
	if (watch(h, EPOLL_CTL_ADD, c->fd, EPOLLIN, slot) == 0)
		client_go(h, slot); /* its request is often there already */
	else
		client_end(h, slot);
}

static void usher_go(struct hello *h)
{
	const struct usher_conn *conn;
	int r;

	while ((r = usher_next(h->usher, &conn)) == 1)
		client_begin(h, conn);
	if (r == -EMFILE || r == -EPROTO || r == -ENOMEM)
		(void)fprintf(stderr, "usher-hello: %s\n", usher_strerror(r));
	else
		h->end = r;
}

static void drain(struct hello *h)
{
	struct signalfd_siginfo info;

	(void)!read(h->signal_fd, &info, sizeof(info));
	h->drain_until = h->drain_until ? 1 : seconds() + DRAIN_SECONDS; /* a second signal: at once */
	(void)usher_drain(h->usher);
	usher_go(h);
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (h->clients[i] && !h->hold)
			client_go(h, i); /* a request may be waiting */
		if (h->clients[i] && (h->hold || client_is_idle(h->clients[i])))
			client_end(h, i);
	}
}

static void end_idle(struct hello *h)
{
	time_t before = seconds() - IDLE_SECONDS;

	for (unsigned i = 0; i < CLIENTS_MAX && !h->hold; i++)
		if (h->clients[i] && h->clients[i]->active < before)
			client_end(h, i);
}

static void take_event(struct hello *h, unsigned number)
{
	if (number == EVENT_USHER)
		usher_go(h);
	else if (number == EVENT_SIGNAL)
		drain(h);
	else if (h->clients[number])
		client_go(h, number);
}

static bool is_over(const struct hello *h)
{
	if (h->drain_until && seconds() >= h->drain_until)
		return true;
	return h->end != 0 && h->open == 0;
}

static void run(struct hello *h)
{
	struct epoll_event events[EVENTS_MAX];
	time_t swept = seconds();

	usher_go(h);
	while (!is_over(h)) {
		int n = epoll_wait(h->epoll_fd, events, EVENTS_MAX, TICK_MS);

		for (int i = 0; i < n; i++)
			take_event(h, events[i].data.u32);
		if (swept != seconds()) {
			end_idle(h);
			swept = seconds();
		}
	}
}

static bool set_up(struct hello *h)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	h->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		h->free_slots[h->free_count++] = CLIENTS_MAX - 1 - i;
	return h->signal_fd >= 0 && h->epoll_fd >= 0 &&
	       watch(h, EPOLL_CTL_ADD, h->signal_fd, EPOLLIN, EVENT_SIGNAL) == 0 &&
	       watch(h, EPOLL_CTL_ADD, usher_fd(h->usher), EPOLLIN, EVENT_USHER) == 0;
}

static bool parse_number(const char *text, uint32_t *ret_number)
{
	uint64_t number = 0;

	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9' || number > UINT32_MAX)
			return false;
		number = number * 10 + (uint64_t)(*p - '0');
	}
	*ret_number = (uint32_t)number;
	return text[0] != '\0' && number <= UINT32_MAX;
}

static int usage(void)
{
	(void)fputs("usage: usher-hello --pool PATH [--name NAME] [--capacity N] [--hold]\n"
	            "  --pool PATH    the `socket` of a pool in usher.conf\n"
	            "  --name NAME    shown by `usherctl workers`\n"
	            "  --capacity N   most connections open at once; 0, the default: no limit\n"
	            "  --hold         keep connections open and answer none\n",
	            stderr);
	return 2;
}

static bool parse_options(struct hello *h, struct usher_options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "pool", required_argument, NULL, 'p' },
		{ "name", required_argument, NULL, 'n' },
		{ "capacity", required_argument, NULL, 'c' },
		{ "hold", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'p')
			options->path = optarg;
		else if (option == 'n')
			options->name = optarg;
		else if (option == 'h')
			h->hold = true;
		else if (option != 'c' || !parse_number(optarg, &options->capacity))
			return false;
	}
	return optind == argc && options->path;
}

int main(int argc, char **argv)
{
	static struct hello h; /* the tables are large */
	struct usher_options options = { .size = sizeof(options),
		                         .flags = USHER_NONBLOCK | USHER_SENDS_DONE };
	int r;

	if (!parse_options(&h, &options, argc, argv))
		return usage();
	r = usher_open(&h.usher, &options);
	if (r < 0) {
		(void)fprintf(stderr, "usher-hello: %s: %s\n", options.path, usher_strerror(r));
		return 1;
	}
	if (!set_up(&h)) {
		(void)fprintf(stderr, "usher-hello: %s\n", strerror(errno));
		return 1;
	}
	run(&h);
	if (h.end != 0 && h.end != -ENOTCONN)
		(void)fprintf(stderr, "usher-hello: %s: %s\n", options.path, usher_strerror(h.end));
	(void)usher_close(h.usher);
	return h.end == 0 || h.end == -ENOTCONN ? 0 : 1;
}
