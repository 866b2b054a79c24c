/* SPDX-License-Identifier: Apache-2.0 */
/* The tests' gateway: see gateway.h. */
#include "gateway.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAIT_MS = 10000 }; /* never reached by a library that works */

void gateway_listen(struct gateway *g)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	(void)unlink(g->path);
	memcpy(un.sun_path, g->path, strlen(g->path));
	g->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(g->listen_fd, (struct sockaddr *)&un, sizeof(un)), 0);
	cr_assert_eq(listen(g->listen_fd, 8), 0);
}

void gateway_open(struct gateway *g)
{
	*g = (struct gateway){ .dir = "/tmp/usher-test-XXXXXX", .listen_fd = -1, .worker = -1, .next_id = 1 };
	cr_assert(mkdtemp(g->dir));
	(void)snprintf(g->path, sizeof(g->path), "%s/pool", g->dir);
	gateway_listen(g);
}

void gateway_die(struct gateway *g)
{
	if (g->worker >= 0)
		close(g->worker);
	if (g->listen_fd >= 0)
		close(g->listen_fd);
	for (unsigned i = 0; i < g->shards; i++)
		if (g->shard[i] >= 0)
			close(g->shard[i]);
	g->worker = g->listen_fd = -1;
	g->shards = 0;
}

void gateway_close(struct gateway *g)
{
	gateway_die(g);
	(void)unlink(g->path);
	(void)rmdir(g->dir);
}

static void send_fds(int socket, const void *bytes, size_t size, const int *fds, size_t count)
{
	struct iovec iov = { .iov_base = (void *)bytes, .iov_len = size };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(HANDOFF_FDS_MAX * sizeof(int))] = { 0 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (count > 0) {
		struct cmsghdr *c = (struct cmsghdr *)control;

		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	}
	cr_assert_eq(sendmsg(socket, &message, MSG_NOSIGNAL), (ssize_t)size, "%s", strerror(errno));
}

void gateway_send_raw(int socket, const void *bytes, size_t size, int fd, unsigned count)
{
	int fds[HANDOFF_FDS_MAX];

	for (unsigned i = 0; i < count; i++)
		fds[i] = fd;
	send_fds(socket, bytes, size, fds, count);
}

void gateway_welcome(struct gateway *g, unsigned channels)
{
	struct handoff_welcome welcome = {
		.head = handoff_head_of(HANDOFF_WELCOME, sizeof(welcome)),
		.worker = 1,
		.generation = ++g->generation,
		.channels = channels,
		.pid = (uint32_t)getpid(),
	};
	int ends[GATEWAY_CHANNELS_MAX];

	for (unsigned i = 0; i < channels; i++) {
		int pair[2];

		cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		g->shard[g->shards++] = pair[0];
		ends[i] = pair[1];
	}
	send_fds(g->worker, &welcome, sizeof(welcome), ends, channels);
	for (unsigned i = 0; i < channels; i++)
		close(ends[i]);
}

void gateway_error(struct gateway *g, uint32_t code)
{
	struct handoff_error error = { .head = handoff_head_of(HANDOFF_ERROR, sizeof(error)), .code = code };

	send_fds(g->worker, &error, sizeof(error), NULL, 0);
}

static void *answer(void *argument)
{
	struct gateway *g = argument;
	int worker = accept4(g->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	cr_assert(worker >= 0);
	cr_assert_eq(recv(worker, &g->hello, sizeof(g->hello), 0), (ssize_t)sizeof(g->hello));
	cr_assert(handoff_head_check(&g->hello, sizeof(g->hello)));
	g->worker = worker;
	if (g->answer_code == 0) {
		gateway_welcome(g, g->answer_channels);
	} else {
		gateway_error(g, g->answer_code);
		close(g->worker);
		g->worker = -1;
	}
	return NULL;
}

void gateway_answer(struct gateway *g, unsigned channels, uint32_t code)
{
	g->answer_channels = channels;
	g->answer_code = code;
	cr_assert_eq(pthread_create(&g->thread, NULL, answer, g), 0);
}

void gateway_answered(struct gateway *g)
{
	cr_assert_eq(pthread_join(g->thread, NULL), 0);
}

struct usher *gateway_worker(struct gateway *g, unsigned channels, struct usher_options options)
{
	struct usher *u = NULL;
	int r;

	gateway_open(g);
	gateway_answer(g, channels, 0);
	options.size = sizeof(options);
	options.path = g->path;
	r = usher_open(&u, &options);
	gateway_answered(g);
	cr_assert_eq(r, 0, "%s", usher_strerror(r));
	return u;
}

static size_t build(struct gateway *g, char *bytes, uint32_t count, const void *tlv, size_t tlv_size)
{
	struct handoff_conns *conns = (struct handoff_conns *)bytes;
	struct handoff_conn *records = (struct handoff_conn *)(bytes + sizeof(*conns));
	size_t at = sizeof(*conns) + count * sizeof(*records);

	for (uint32_t i = 0; i < count; i++) {
		const uint8_t ip[4] = { 192, 0, 2, (uint8_t)i };

		records[i] = (struct handoff_conn){
			.id = g->next_id++,
			.flags = HANDOFF_CONN_PROXIED,
			.proxy_version = 2,
			.data_offset = (uint32_t)at,
			.tlv_bytes = (uint32_t)tlv_size,
			.peer = addr_from_ip4((const uint8_t[4]){ 10, 0, 0, 1 }, 5000),
			.source = addr_from_ip4(ip, (uint16_t)(1000 + i)),
			.destination = addr_from_ip4((const uint8_t[4]){ 203, 0, 113, 1 }, 443),
		};
		if (tlv_size > 0)
			memcpy(bytes + at, tlv, tlv_size);
		at += tlv_size;
	}
	*conns = (struct handoff_conns){
		.head = handoff_head_of(HANDOFF_CONNS, at),
		.count = count,
		.listener = 7,
	};
	return at;
}

void gateway_send(struct gateway *g, unsigned shard, uint32_t count, const void *tlv, size_t tlv_size,
                  int *ret_clients)
{
	static _Alignas(uint64_t) char bytes[HANDOFF_BYTES_MAX];
	int fds[HANDOFF_FDS_MAX];
	size_t size = build(g, bytes, count, tlv, tlv_size);

	for (uint32_t i = 0; i < count; i++) {
		int pair[2];

		cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
		fds[i] = pair[0];
		if (ret_clients)
			ret_clients[i] = pair[1];
		else
			close(pair[1]);
	}
	send_fds(g->shard[shard], bytes, size, fds, count);
	for (uint32_t i = 0; i < count; i++)
		close(fds[i]);
}

size_t gateway_receive(int socket, void *ret_bytes, size_t size)
{
	ssize_t got = recv(socket, ret_bytes, size, MSG_DONTWAIT);

	return got < 0 ? 0 : (size_t)got;
}

uint64_t gateway_done(struct gateway *g, unsigned shard)
{
	struct handoff_done done;
	uint64_t sum = 0;

	while (gateway_receive(g->shard[shard], &done, sizeof(done)) == sizeof(done)) {
		cr_assert(handoff_head_check(&done, sizeof(done)));
		cr_assert_eq(done.head.type, HANDOFF_DONE);
		sum += done.count;
	}
	return sum;
}

bool gateway_wait(struct usher *u)
{
	struct pollfd p = { .fd = usher_fd(u), .events = POLLIN };

	return poll(&p, 1, WAIT_MS) == 1;
}

int gateway_next(struct usher *u, const struct usher_conn **ret_conn)
{
	int r;

	while ((r = usher_next(u, ret_conn)) == 0)
		cr_assert(gateway_wait(u), "nothing comes any more");
	return r;
}

unsigned gateway_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}
