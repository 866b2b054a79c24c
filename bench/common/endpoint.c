/* SPDX-License-Identifier: Apache-2.0 */
/* Loopback endpoints: see endpoint.h. */
#include "common/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "common/number.h"

enum {
	BACKLOG_WANTED = 65535, /* the kernel cuts it to net.core.somaxconn */
	TEXT_BYTES_MAX = 64, /* "[…]:65535" */
};

static bool loopback4(const char *ip, uint16_t port, struct endpoint *ret)
{
	struct sockaddr_in *a = (struct sockaddr_in *)&ret->address;

	a->sin_family = AF_INET;
	a->sin_port = htons(port);
	ret->size = sizeof(*a);
	return inet_pton(AF_INET, ip, &a->sin_addr) == 1 && ntohl(a->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static bool loopback6(const char *ip, uint16_t port, struct endpoint *ret)
{
	struct sockaddr_in6 *a = (struct sockaddr_in6 *)&ret->address;

	a->sin6_family = AF_INET6;
	a->sin6_port = htons(port);
	ret->size = sizeof(*a);
	return inet_pton(AF_INET6, ip, &a->sin6_addr) == 1 && IN6_IS_ADDR_LOOPBACK(&a->sin6_addr);
}

bool endpoint_parse(const char *text, struct endpoint *ret)
{
	char ip[TEXT_BYTES_MAX];
	const char *colon = strrchr(text, ':');
	size_t length;
	uint64_t port;

	memset(ret, 0, sizeof(*ret));
	if (!colon || !number_parse(colon + 1, 0, UINT16_MAX, &port))
		return false;
	length = (size_t)(colon - text);
	if (length < 2 || length >= sizeof(ip))
		return false;
	memcpy(ip, text, length);
	ip[length] = '\0';
	if (ip[0] != '[')
		return loopback4(ip, (uint16_t)port, ret);
	if (ip[length - 1] != ']')
		return false;
	ip[length - 1] = '\0';
	return loopback6(ip + 1, (uint16_t)port, ret);
}

static uint16_t port_of(const struct sockaddr_storage *a)
{
	/* sin_port and sin6_port lie at the same place */
	return ntohs(((const struct sockaddr_in *)a)->sin_port);
}

int endpoint_listen(const struct endpoint *at, int flags, uint16_t *ret_port)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_storage bound = { 0 };
	socklen_t size = sizeof(bound);
	const int one = 1;

	fd = socket(at->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (const struct sockaddr *)&at->address, at->size) < 0 || listen(fd, BACKLOG_WANTED) < 0 ||
	    getsockname(fd, (struct sockaddr *)&bound, &size) < 0)
		return -errno;
	*ret_port = port_of(&bound);
	return take_fd(&fd);
}

int endpoint_listen_or_exit(const char *text, int flags, uint16_t *ret_port)
{
	struct endpoint at;
	int fd;

	if (!endpoint_parse(text, &at)) {
		(void)fprintf(stderr, "--listen: '%s' is not a loopback ADDRESS:PORT\n", text);
		exit(2);
	}
	fd = endpoint_listen(&at, flags, ret_port);
	if (fd < 0) {
		(void)fprintf(stderr, "listen on %s: %s\n", text, strerror(-fd));
		exit(2);
	}
	return fd;
}
