/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets: one per shard and listener, all held open here, so that a shard's death loses no queued
 * connection. They are never closed while the address is configured.
 *
 * The first socket of an address is bound without SO_REUSEPORT, which is set afterwards: a second instance is then an
 * error and not a silent sharer. Every socket is AF_INET6 where the host has IPv6, IPv4 addresses in mapped form, so
 * that one socket type carries both families.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "master/master.h"
#include "sys/error_text.h"

union any_address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t address_of(const struct addr *a, int family, union any_address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (family == AF_INET) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htobe16(a->port);
		memcpy(&ret->v4.sin_addr, a->ip + 12, 4);
		return sizeof(ret->v4);
	}
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = htobe16(a->port);
	memcpy(&ret->v6.sin6_addr, a->ip, 16);
	return sizeof(ret->v6);
}

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int new_socket(const struct config_listener *l, int *ret_family)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*ret_family = AF_INET6;
	if (fd < 0 && errno == EAFNOSUPPORT && l->address.family == ADDR_IP4) {
		*ret_family = AF_INET;
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	}
	return fd < 0 ? -errno : fd;
}

static int configure(int fd, const struct config_listener *l, int family)
{
	int r = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	if (r == 0 && family == AF_INET6)
		r = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, l->v6_only && l->address.family == ADDR_IP6);
	if (r == 0 && l->defer_accept_s > 0)
		r = set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, (int)l->defer_accept_s);
	return r;
}

static int bind_one(int fd, int family, bool first, struct addr *address)
{
	union any_address a;
	socklen_t size = address_of(address, family, &a);
	int r = first ? 0 : set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);

	if (r < 0)
		return r;
	if (bind(fd, &a.sa, size) < 0)
		return -errno;
	if (!first)
		return 0;
	if (getsockname(fd, &a.sa, &size) < 0)
		return -errno;
	address->port = be16toh(family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
	return set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

/* Bound, not yet listening: all of a group are bound before the first one listens. The fd or -errno. */
static int open_one(const struct config_listener *l, bool first, struct addr *address)
{
	int family;
	_cleanup_close_ int fd = new_socket(l, &family);
	int r;

	if (fd < 0)
		return take_fd(&fd);
	r = configure(fd, l, family);
	if (r == 0)
		r = bind_one(fd, family, first, address);
	return r < 0 ? r : take_fd(&fd);
}

static int open_listener(struct listener_sockets *s, const struct config_listener *l, uint32_t count)
{
	s->address = l->address;
	s->fds = calloc(count, sizeof(int));
	if (!s->fds)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		s->fds[i] = open_one(l, i == 0, &s->address);
		if (s->fds[i] < 0)
			return s->fds[i];
		s->count++;
	}
	for (uint32_t i = 0; i < count; i++)
		if (listen(s->fds[i], (int)l->backlog) < 0)
			return -errno;
	return 0;
}

static const char *advice(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "another process listens there (a second usherd? see ss -ltnp); stop it or choose another port";
	case EACCES:
	case EPERM:
		return "ports below 1024 need CAP_NET_BIND_SERVICE: start as root with `user` set, or choose a higher port";
	case EADDRNOTAVAIL:
		return "this host does not have that address (or IPv6 is off): see ip addr";
	case EMFILE:
	case ENFILE:
		return "raise the limit of open files (ulimit -n, LimitNOFILE=)";
	default:
		return "the kernel refuses it";
	}
}

int listen_open(struct master *m, char *why, size_t size)
{
	for (size_t i = 0; i < m->config->listener_count; i++) {
		const struct config_listener *l = &m->config->listeners[i];
		int r = open_listener(&m->listeners[i], l, m->shard_count);
		char text[ADDR_TEXT_BYTES];

		if (r < 0) {
			(void)snprintf(why, size, "listener \"%s\": can't listen on %s: %s: %s", l->name,
			               addr_port_text(&l->address, text), error_text(-r), advice(-r));
			return r;
		}
	}
	return 0;
}

void listen_close(struct master *m)
{
	for (size_t i = 0; i < LISTENERS_MAX; i++) {
		for (uint32_t k = 0; k < m->listeners[i].count; k++)
			close_fd(&m->listeners[i].fds[k]);
		free(m->listeners[i].fds);
		m->listeners[i] = (struct listener_sockets){ .count = 0 };
	}
}
