/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Asks for a connection's peer address inside the ring (from Linux 6.7). liburing 2.3 has neither the operation's
 * constants nor the fields' names, so that both stand here, for the probe and for the hot path alike: what is probed
 * is what is used.
 */
#include <liburing.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

enum {
	PEERNAME_CMD_GETSOCKOPT = 2, /* SOCKET_URING_OP_GETSOCKOPT */
	PEERNAME_OPTION = 28, /* SO_PEERNAME, which glibc leaves out on some architectures */
};

/*
 * Prepares the operation. @size must be exactly the socket's address size (16 or 28): more answers -EINVAL. It
 * completes with the size, or with -ENOTCONN when the client is gone.
 */
static inline void peername_prepare(struct io_uring_sqe *sqe, int fd, void *address, uint32_t size)
{
	const uint32_t level_and_option[2] = { SOL_SOCKET, PEERNAME_OPTION };
	uint64_t option_value = (uint64_t)(uintptr_t)address;

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	sqe->cmd_op = PEERNAME_CMD_GETSOCKOPT;
	memcpy(&sqe->addr, level_and_option, sizeof(level_and_option));
	sqe->file_index = size; /* optlen shares this place */
	memcpy(&sqe->addr3, &option_value, sizeof(option_value)); /* optval shares this one */
}
