/* SPDX-License-Identifier: Apache-2.0 */
/* SCM_RIGHTS: see fdpass.h. Owns nothing between calls; refuses to wait. */
#include "sys/fdpass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control_space {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(FDPASS_FDS_MAX * sizeof(int)) + FDPASS_CONTROL_SPARE];
};

int fdpass_send(int socket, const void *bytes, size_t size, const int *fds, size_t count)
{
	union control_space control;
	struct iovec iov = { .iov_len = size };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	/* sendmsg() does not write to it; its type has no const */
	memcpy(&iov.iov_base, &bytes, sizeof(bytes));
	if (count > FDPASS_FDS_MAX)
		return -EINVAL;
	if (count > 0) {
		struct cmsghdr *c = &control.align;

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, count * sizeof(int));
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	if (sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

/* Its last owner's close would wait as long as the sender's SO_LINGER says. */
static void close_unasked(int fd)
{
	const struct linger none = { 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	(void)close(fd);
}

static void take_rights(const struct cmsghdr *c, int *fds, size_t fd_max, struct fdpass_message *ret)
{
	size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
		if (ret->fd_count < fd_max) {
			fds[ret->fd_count++] = fd;
		} else {
			close_unasked(fd);
			ret->cut = 1;
		}
	}
}

/* A pidfd that SO_PASSPIDFD made the kernel add; nobody asked for it. */
static void drop_pidfd(const struct cmsghdr *c)
{
	enum { FDPASS_SCM_PIDFD = 0x04 };
	int fd;

	if (c->cmsg_type != FDPASS_SCM_PIDFD || c->cmsg_len < CMSG_LEN(sizeof(fd)))
		return;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	if (fd >= 0)
		(void)close(fd);
}

int fdpass_receive(int socket, void *bytes, size_t size, int *ret_fds, size_t fd_max,
                   struct fdpass_message *ret)
{
	union control_space control;
	struct iovec iov = { .iov_base = bytes, .iov_len = size };
	struct msghdr message = { .msg_iov = &iov,
		                  .msg_iovlen = 1,
		                  .msg_control = control.bytes,
		                  .msg_controllen = sizeof(control.bytes) };
	ssize_t r = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*ret = (struct fdpass_message){ 0 };
	if (r < 0)
		return errno == EAGAIN || errno == EINTR ? FDPASS_NOTHING : -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS)
			take_rights(c, ret_fds, fd_max, ret);
		else
			drop_pidfd(c);
	}
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		ret->cut = 1;
	ret->size = (size_t)r;
	/* SEQPACKET: an empty message looks like the end; ours are never empty, so fds with nothing are an end too */
	if (r == 0) {
		fdpass_close_all(ret_fds, ret->fd_count);
		ret->fd_count = 0;
		return FDPASS_END;
	}
	return FDPASS_MESSAGE;
}

int fdpass_pair(int ret_pair[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_pair) < 0)
		return -errno;
	return 0;
}

void fdpass_close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)close(fds[i]);
}
