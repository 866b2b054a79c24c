/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where a benchmark's program listens or connects: "127.0.0.1:PORT" or "[::1]:PORT". Only loopback: load is never sent
 * to, nor taken from, another machine. Owns nothing; refuses names.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct endpoint {
	struct sockaddr_storage address;
	socklen_t size;
};

bool endpoint_parse(const char *text, struct endpoint *ret);

/*
 * A listening stream socket with the largest backlog that the host allows. Port 0 in @at takes a free one. Returns the
 * fd, which the caller owns, or a negative errno.
 */
int endpoint_listen(const struct endpoint *at, int flags, uint16_t *ret_port);

/* endpoint_listen() at @text, or a message and exit 2. */
int endpoint_listen_or_exit(const char *text, int flags, uint16_t *ret_port);
