/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Messages with file descriptors over SOCK_SEQPACKET sockets (SCM_RIGHTS). Sending borrows the fds; receiving gives
 * them to the caller, close-on-exec, and closes whatever did not fit or was not expected. Nothing here ever blocks.
 */
#include <stddef.h>
#include <stdint.h>

enum {
	FDPASS_FDS_MAX = 253,
	FDPASS_CONTROL_SPARE =
		512, /* options that the other end can set on a shared socket add control messages */
};

enum fdpass_result {
	FDPASS_MESSAGE = 0, /* one whole message */
	FDPASS_NOTHING = 1, /* none there now */
	FDPASS_END = 2, /* the other end is closed and nothing is left */
};

struct fdpass_message {
	size_t size; /* bytes received */
	size_t fd_count; /* fds now owned by the caller */
	int cut; /* the message or its fds were larger than the room: what came is incomplete */
};

/* 0, or -errno: -EAGAIN (no room), -EPIPE, -ETOOMANYREFS, -EPERM and others. @count up to FDPASS_FDS_MAX. */
int fdpass_send(int socket, const void *bytes, size_t size, const int *fds, size_t count);

/*
 * Receives one message of at most @size bytes and @fd_max fds (0: any that come are closed).
 * Returns enum fdpass_result or -errno. A reset is reported as -ECONNRESET, behind which messages may still wait:
 * read on until FDPASS_END.
 */
int fdpass_receive(int socket, void *bytes, size_t size, int *ret_fds, size_t fd_max,
                   struct fdpass_message *ret);

/* A connected pair, close-on-exec. 0 or -errno. */
int fdpass_pair(int ret_pair[2]);

/* Closes @count fds. */
void fdpass_close_all(const int *fds, size_t count);
