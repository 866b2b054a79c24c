/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what libusher receives, on a channel and on the registration, with any number of fds: every connection
 * that it hands out can be read to its last byte, nothing is handed out twice, and no fd is left when it is closed.
 *
 * The input is messages of one head (4 bytes: flags, fds, size) and bytes each. The handle is made here, since
 * usher_open() would wait for an answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz_check.h"
#include "lib/handle.h"
#include "lib/room.h"
#include "sys/fdpass.h"

enum {
	MESSAGES_MAX = 3, /* with all their fds in the usual limit of 1024 */
	FDS_SEEN_MAX = 1000,
	ERRORS_MAX = 4, /* one error may be said for ever */
	TO_REGISTRATION = 1 << 0, /* else to the channel */
	WITH_HEAD = 1 << 1, /* a head that fits is put in front */
	GREETED = 1 << 2, /* of the first message: WELCOME has not come yet */
};

struct stage {
	struct usher *u;
	int registration, channel; /* Usher's ends */
	int client; /* what is handed off, again and again */
};

static void watch(const struct usher *u, int fd, uint64_t cookie)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = cookie };

	FUZZ_CHECK(epoll_ctl(u->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0);
}

static struct stage open_stage(bool greeted)
{
	struct stage s = { .u = calloc(1, sizeof(*s.u)) };
	int pair[2];

	FUZZ_CHECK(s.u != NULL);
	s.u->flags = USHER_NONBLOCK;
	s.u->batch = HANDOFF_FDS_MAX;
	registration_open(&s.u->registration);
	room_open(&s.u->room, false);
	report_open(&s.u->report, s.u->batch, 0);
	s.u->epoll_fd = s.u->channels.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	FUZZ_CHECK(s.u->epoll_fd >= 0 && timers_open(&s.u->timers) == 0);
	watch(s.u, s.u->timers.fd, COOKIE_TIMERS);
	s.u->inbox = inbox_new();
	FUZZ_CHECK(s.u->inbox != NULL && fdpass_pair(pair) == 0);
	s.registration = pair[0];
	s.u->registration.fd = pair[1];
	s.u->registration.state = greeted ? REGISTRATION_GREETED : REGISTRATION_MEMBER;
	watch(s.u, pair[1], COOKIE_REGISTRATION);
	FUZZ_CHECK(fdpass_pair(pair) == 0 && channels_add_consume(&s.u->channels, pair[1], 0) == 0);
	s.channel = pair[0];
	s.client = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return s;
}

static unsigned sum_of(const void *bytes, size_t size)
{
	const uint8_t *p = bytes;
	unsigned sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += p[i];
	return sum;
}

static void read_conn(const struct usher_conn *conn)
{
	const void *value;
	size_t size;
	volatile unsigned sum = sum_of(conn->tlv, conn->tlv_size);

	FUZZ_CHECK(fcntl(conn->fd, F_GETFD) & FD_CLOEXEC);
	FUZZ_CHECK(conn->client->size <= sizeof(conn->client->storage));
	FUZZ_CHECK(conn->server->size <= sizeof(conn->server->storage));
	sum += sum_of(&conn->source.storage, conn->source.size);
	for (int type = 0; type < 256; type++)
		if (usher_tlv(conn, (uint8_t)type, &value, &size) == 1)
			sum += sum_of(value, size);
	(void)sum;
	FUZZ_CHECK(close(conn->fd) == 0);
}

static void take_all(struct usher *u)
{
	const struct usher_conn *conn;
	int errors = 0, r = 1;

	for (int i = 0; i <= HANDOFF_FDS_MAX + ERRORS_MAX && r != 0 && errors < ERRORS_MAX; i++) {
		r = usher_next(u, &conn);
		FUZZ_CHECK(r <= 1);
		if (r == 1)
			read_conn(conn);
		errors += r < 0;
	}
}

static uint16_t type_of(const uint8_t *head)
{
	static const uint16_t types[] = { HANDOFF_CONNS, HANDOFF_GOAWAY, HANDOFF_WELCOME, HANDOFF_ERROR };

	return types[head[1] % 4];
}

/* Sends one message of the input; returns how much of it that took. */
static size_t send_one(const struct stage *s, const uint8_t *bytes, size_t left)
{
	size_t size = bytes[2] | (size_t)bytes[3] << 8;
	uint8_t message[UINT16_MAX + sizeof(struct handoff_head)];
	int fds[HANDOFF_FDS_MAX];
	size_t skip = bytes[0] & WITH_HEAD ? sizeof(struct handoff_head) : 0;
	struct handoff_head head;

	size = size < left - 4 ? size : left - 4;
	head = handoff_head_of((enum handoff_type)type_of(bytes), skip + size);
	memcpy(message, &head, sizeof(head));
	memcpy(message + skip, bytes + 4, size);
	for (size_t i = 0; i < HANDOFF_FDS_MAX; i++)
		fds[i] = s->client;
	/* EPIPE: the library has closed its end */
	(void)fdpass_send(bytes[0] & TO_REGISTRATION ? s->registration : s->channel, message, skip + size,
	                  fds, bytes[1] >= 254 ? 0 : bytes[1]);
	return 4 + size;
}

/* How many fds are open. One call for all of them: this runs for every input. */
static unsigned count_fds(void)
{
	struct pollfd seen[FDS_SEEN_MAX];
	unsigned count = 0;

	for (int fd = 0; fd < FDS_SEEN_MAX; fd++)
		seen[fd] = (struct pollfd){ .fd = fd };
	FUZZ_CHECK(poll(seen, FDS_SEEN_MAX, 0) >= 0);
	for (int fd = 0; fd < FDS_SEEN_MAX; fd++)
		count += !(seen[fd].revents & POLLNVAL);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	unsigned before = count_fds();
	struct stage s = open_stage(size > 0 && bytes[0] & GREETED);
	size_t at = 0;

	for (int i = 0; i < MESSAGES_MAX && at + 4 <= size; i++) {
		at += send_one(&s, bytes + at, size - at);
		take_all(s.u);
	}
	close(s.registration);
	close(s.channel);
	take_all(s.u);
	FUZZ_CHECK(usher_close(s.u) == 0);
	close(s.client);
	FUZZ_CHECK(count_fds() == before);
	return 0;
}
