/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin socket: one line in, one JSON document out (wire/admin.h). Who may ask is decided by the socket's mode.
 * A client that does not read its answer, or sends no line, holds one of a few places until its deadline; the fds for
 * them are part of the master's, which no client connection ever uses up.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "master/master.h"
#include "master/socket_path.h"

enum { ADMIN_BACKLOG = 16 };

static void done(struct admin_client *c)
{
	loop_remove(&c->master->loop, &c->source);
	close_fd(&c->fd);
	free(c->answer);
	c->answer = NULL;
}

static void write_answer(struct admin_client *c)
{
	while (c->answer_sent < c->answer_size) {
		ssize_t n = send(c->fd, c->answer + c->answer_sent, c->answer_size - c->answer_sent,
		                 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			(void)loop_change(&c->master->loop, &c->source, EPOLLOUT);
			return;
		}
		if (n < 0)
			break;
		c->answer_sent += (size_t)n;
	}
	done(c);
}

static void read_request(struct admin_client *c)
{
	ssize_t n =
		recv(c->fd, c->request + c->request_size, sizeof(c->request) - c->request_size, MSG_DONTWAIT);
	char *end;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		done(c);
		return;
	}
	c->request_size += (size_t)n;
	end = memchr(c->request, '\n', c->request_size);
	if (!end && c->request_size < sizeof(c->request))
		return;
	if (end)
		*end = '\0';
	c->answer = answer_to(c->master, end ? c->request : "");
	if (!c->answer) {
		done(c);
		return;
	}
	c->answer_size = strlen(c->answer);
	write_answer(c);
}

static void on_client(struct loop_source *source, uint32_t events)
{
	struct admin_client *c =
		(struct admin_client *)(void *)((char *)source - offsetof(struct admin_client, source));

	if (c->answer)
		write_answer(c);
	else
		read_request(c);
}

/* With every place taken, the oldest one goes: somebody who asks now is worth more than somebody who hangs. */
static struct admin_client *place(struct admin *a)
{
	for (size_t i = 0; i < ADMIN_CLIENTS_MAX; i++)
		if (a->clients[i].fd < 0)
			return &a->clients[i];
	done(&a->clients[a->evict % ADMIN_CLIENTS_MAX]);
	return &a->clients[a->evict++ % ADMIN_CLIENTS_MAX];
}

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct admin *a = (struct admin *)(void *)((char *)source - offsetof(struct admin, source));
	struct admin_client *c;
	int fd = accept4(a->fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0) {
		master_shed(a->master, a->fd);
		return;
	}
	c = place(a);
	*c = (struct admin_client){ .master = a->master, .fd = fd, .source = LOOP_SOURCE_NULL };
	if (loop_add(&a->master->loop, &c->source, fd, EPOLLIN, on_client) < 0)
		close_fd(&c->fd);
}

int admin_open(struct master *m, char *why, size_t size)
{
	struct admin *a = &m->admin;
	int r;

	a->master = m;
	a->fd = socket_path_listen(m->config->admin_socket, SOCK_STREAM, 0600, ADMIN_BACKLOG);
	r = a->fd < 0 ? a->fd : loop_add(&m->loop, &a->source, a->fd, EPOLLIN, on_ready);
	if (r < 0)
		(void)snprintf(why, size, "can't open the admin socket %s: %s", m->config->admin_socket,
		               socket_path_why(-r));
	return r;
}

void admin_close(struct master *m)
{
	struct admin *a = &m->admin;

	for (size_t i = 0; i < ADMIN_CLIENTS_MAX; i++)
		if (a->clients[i].fd >= 0)
			done(&a->clients[i]);
	if (a->fd < 0)
		return;
	loop_remove(&m->loop, &a->source);
	close_fd(&a->fd);
	(void)unlink(m->config->admin_socket);
}
