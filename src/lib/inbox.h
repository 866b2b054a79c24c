/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One received channel message with the fds that came with it, until they are handed out one by one. It owns the fds
 * that were not handed out.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "core/handoff.h"

struct inbox {
	struct msghdr message;
	struct iovec iov;
	uint32_t epoch; /* of the registration that the channel belongs to */
	uint32_t listener;
	uint32_t missing; /* fds that did not arrive */
	uint32_t count; /* connections to hand out */
	uint32_t next;
	int fds[HANDOFF_FDS_MAX];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(HANDOFF_FDS_MAX * sizeof(int)) +
	                                      LIB_CONTROL_SPARE_BYTES];
	_Alignas(uint64_t) char bytes[HANDOFF_BYTES_MAX];
};

/* NULL when there is no memory. */
struct inbox *inbox_new(void);

/* Closes what was not handed out. NULL is fine. */
void inbox_free(struct inbox *inbox);

/* Makes @message ready for a recvmsg, by anybody. */
void inbox_prepare(struct inbox *inbox);

/* Receives one message from @fd, which is borrowed. As recvmsg, but a negative errno. */
int inbox_receive(struct inbox *inbox, int fd);

/*
 * Takes @size received bytes and their fds in. Returns 1 if there are connections to hand out or fds @missing, 0 if it
 * was a message without them, -EPROTO if it makes no sense: then its fds are closed.
 */
int inbox_parse(struct inbox *inbox, size_t size);

/* Instead, after a receive of 0 bytes: the end, or an empty message, which looks like it, but can bring fds: closes them. */
void inbox_end(struct inbox *inbox);

/* True while there is something to hand out. */
static inline bool inbox_any(const struct inbox *inbox)
{
	return inbox->next < inbox->count;
}

/* The next connection's record, borrowed from the inbox, and its fd, which is the caller's. */
const struct handoff_conn *inbox_take(struct inbox *inbox, int *ret_fd);
