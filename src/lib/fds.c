/* SPDX-License-Identifier: Apache-2.0 */
/* Control data to fds: see fds.h. Refuses to know what the fds are for. */
#include "lib/fds.h"

#include <string.h>

#include "base/cleanup.h"

#define FDS_SCM_PIDFD 0x04 /* newer than the C library's headers; arrives where somebody set SO_PASSPIDFD */

static uint32_t take_from(const struct cmsghdr *c, int *fds, uint32_t count, uint32_t max)
{
	size_t size = c->cmsg_len - CMSG_LEN(0);

	for (size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
		if (c->cmsg_type == SCM_RIGHTS && count < max)
			fds[count++] = fd;
		else
			close_fd(&fd);
	}
	return count;
}

uint32_t fds_take(struct msghdr *message, int *ret_fds, uint32_t max)
{
	uint32_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_len < CMSG_LEN(0))
			continue;
		if (c->cmsg_type == SCM_RIGHTS || c->cmsg_type == FDS_SCM_PIDFD)
			count = take_from(c, ret_fds, count, max);
	}
	return count;
}

void fds_close(int *fds, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		close_fd(&fds[i]);
}
