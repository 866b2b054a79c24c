/* SPDX-License-Identifier: Apache-2.0 */
/* One received channel message: see inbox.h. Refuses to choose what is received, or to answer it. */
#include "lib/inbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "lib/fds.h"

struct inbox *inbox_new(void)
{
	struct inbox *inbox = malloc(sizeof(*inbox)); /* not zeroed: 128 KiB that most messages never touch */

	if (inbox)
		memset(inbox, 0, offsetof(struct inbox, control));
	return inbox;
}

static void inbox_drop(struct inbox *inbox)
{
	fds_close(inbox->fds + inbox->next, inbox->count - inbox->next);
	inbox->next = inbox->count = 0;
}

void inbox_free(struct inbox *inbox)
{
	if (inbox)
		inbox_drop(inbox);
	free(inbox);
}

void inbox_prepare(struct inbox *inbox)
{
	inbox->next = inbox->count = inbox->missing = 0;
	inbox->iov = (struct iovec){ .iov_base = inbox->bytes, .iov_len = sizeof(inbox->bytes) };
	inbox->message = (struct msghdr){
		.msg_iov = &inbox->iov,
		.msg_iovlen = 1,
		.msg_control = inbox->control,
		.msg_controllen = sizeof(inbox->control),
	};
	memset(inbox->control, 0, sizeof(struct cmsghdr)); /* what no receive has filled is no control data */
}

int inbox_receive(struct inbox *inbox, int fd)
{
	ssize_t size;

	inbox_prepare(inbox);
	/* MSG_DONTWAIT, not O_NONBLOCK: Usher has a duplicate, which shares the file status flags. */
	size = recvmsg(fd, &inbox->message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	return size < 0 ? -errno : (int)size;
}

/* True if @bytes is a message for a worker's end with as many fds as came, or fewer where some were cut off. */
static bool message_check(const struct inbox *inbox, size_t size)
{
	const struct handoff_head *head = (const void *)inbox->bytes;
	const struct handoff_conns *conns = (const void *)inbox->bytes;

	if (inbox->message.msg_flags & MSG_TRUNC || !handoff_head_check(inbox->bytes, size))
		return false;
	if (head->type == HANDOFF_GOAWAY)
		return inbox->count == 0;
	if (head->type != HANDOFF_CONNS || inbox->count > conns->count)
		return false;
	return true;
}

int inbox_parse(struct inbox *inbox, size_t size)
{
	const struct handoff_conns *conns = (const void *)inbox->bytes;

	inbox->next = 0;
	inbox->count = fds_take(&inbox->message, inbox->fds, HANDOFF_FDS_MAX);
	if (size > sizeof(inbox->bytes) || !message_check(inbox, size)) {
		inbox_drop(inbox);
		return -EPROTO;
	}
	if (conns->head.type != HANDOFF_CONNS || conns->count == 0)
		return 0;
	/* Fds are cut off at the end: the first ones still belong to the first records. */
	inbox->missing = conns->count - inbox->count;
	inbox->listener = conns->listener;
	return 1;
}

void inbox_end(struct inbox *inbox)
{
	inbox->next = 0;
	inbox->count = fds_take(&inbox->message, inbox->fds, HANDOFF_FDS_MAX);
	inbox_drop(inbox);
}

const struct handoff_conn *inbox_take(struct inbox *inbox, int *ret_fd)
{
	const struct handoff_conn *record = handoff_conns_record(inbox->bytes, inbox->next);

	*ret_fd = take_fd(&inbox->fds[inbox->next]);
	inbox->next++;
	return record;
}
