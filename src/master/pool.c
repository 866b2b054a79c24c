/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pool sockets: where workers register. The path is bound under another name and renamed over, so that there is no
 * moment without a socket; a path on which somebody answers belongs to a running instance and is an error.
 *
 * Who may register is decided by the kernel's word on who connected (SO_PEERCRED), not by the socket's mode.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "master/master.h"
#include "master/socket_path.h"
#include "sys/probe.h"

enum { POOL_BACKLOG = 128, POOL_ACCEPTS_PER_TURN = 64 };

static bool is_number(const char *text, unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && text[0] != '-';
}

/* 0 or -ENOENT. */
static int uid_of(const char *name, uid_t *ret)
{
	const struct passwd *entry;
	unsigned long number;

	if (is_number(name, &number)) {
		*ret = (uid_t)number;
		return 0;
	}
	entry = getpwnam(name);
	if (!entry)
		return -ENOENT;
	*ret = entry->pw_uid;
	return 0;
}

static int gid_of(const char *name, gid_t *ret)
{
	const struct group *entry;
	unsigned long number;

	if (is_number(name, &number)) {
		*ret = (gid_t)number;
		return 0;
	}
	entry = getgrnam(name);
	if (!entry)
		return -ENOENT;
	*ret = entry->gr_gid;
	return 0;
}

/*
 * Once, at start: a name service that is slow or away must not stand in the way of a registration. NULL, or the first
 * name that this host does not know.
 */
static const char *resolve(struct pool_socket *p, const struct config_pool *c)
{
	for (size_t i = 0; i < c->user_count && i < POOL_USERS_MAX; i++) {
		if (uid_of(c->users[i], &p->users[i]) < 0)
			return c->users[i];
		p->user_count++;
	}
	for (size_t i = 0; i < c->group_count && i < POOL_USERS_MAX; i++) {
		if (gid_of(c->groups[i], &p->groups[i]) < 0)
			return c->groups[i];
		p->group_count++;
	}
	return NULL;
}

bool pool_may_register(const struct master *m, uint32_t pool, uid_t uid, gid_t gid)
{
	const struct pool_socket *p = &m->pools[pool];

	if (uid == 0 || uid == geteuid())
		return true;
	for (size_t i = 0; i < p->user_count; i++)
		if (p->users[i] == uid)
			return true;
	for (size_t i = 0; i < p->group_count; i++)
		if (p->groups[i] == gid)
			return true;
	return false;
}

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct pool_socket *p =
		(struct pool_socket *)(void *)((char *)source - offsetof(struct pool_socket, source));

	for (int i = 0; i < POOL_ACCEPTS_PER_TURN; i++) {
		int fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0) {
			master_shed(p->master, p->fd);
			return;
		}
		worker_admit(p->master, p->index, fd);
	}
}

/* Closing what a worker sends can take as long as it likes (SO_LINGER, FUSE). Accepted sockets inherit it. */
static void refuse_rights(const struct master *m, int fd)
{
	const int off = 0;

	if (m->features & feature_bit(FEATURE_PASSRIGHTS))
		(void)setsockopt(fd, SOL_SOCKET, PROBE_SO_PASSRIGHTS, &off, sizeof(off));
}

int pool_open(struct master *m, char *why, size_t size)
{
	for (uint32_t i = 0; i < m->config->pool_count; i++) {
		struct pool_socket *p = &m->pools[i];
		const struct config_pool *c = &m->config->pools[i];
		const char *unknown = resolve(p, c);
		mode_t mode = c->user_count + c->group_count > 0 ? 0666 : 0600;
		int r;

		if (unknown) {
			(void)snprintf(
				why, size,
				"pool \"%s\": this host has no user or group \"%s\": make it, or change `users` or `groups`",
				c->name, unknown);
			return -ENOENT;
		}
		p->master = m;
		p->index = i;
		p->fd = socket_path_listen(c->socket, SOCK_SEQPACKET, mode, POOL_BACKLOG);
		r = p->fd < 0 ? p->fd : loop_add(&m->loop, &p->source, p->fd, EPOLLIN, on_ready);
		if (r < 0) {
			(void)snprintf(why, size, "pool \"%s\": can't open %s: %s", c->name, c->socket,
			               socket_path_why(-r));
			return r;
		}
		refuse_rights(m, p->fd);
	}
	return 0;
}

void pool_close(struct master *m)
{
	for (uint32_t i = 0; i < POOLS_MAX; i++) {
		if (m->pools[i].fd < 0)
			continue;
		loop_remove(&m->loop, &m->pools[i].source);
		close_fd(&m->pools[i].fd);
		(void)unlink(m->config->pools[i].socket);
	}
}
