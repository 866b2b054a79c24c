/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting control messages: see outbox.h. Owns duplicates of the fds that wait. */
#include "master/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

void outbox_init(struct outbox *box)
{
	*box = (struct outbox){ .last = NULL };
	box->last = &box->first;
}

static void outbox_pop(struct outbox *box)
{
	struct outbox_entry *entry = box->first;

	box->first = entry->next;
	if (!box->first)
		box->last = &box->first;
	box->count--;
	fdpass_close_all(entry->fds, entry->fd_count);
	free(entry);
}

void outbox_fini(struct outbox *box)
{
	while (box->first)
		outbox_pop(box);
}

static int outbox_keep(struct outbox *box, const struct control *message, const int *fds, size_t count)
{
	struct outbox_entry *entry;

	if (box->count >= OUTBOX_MAX)
		return -ENOBUFS;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->message = *message;
	for (; entry->fd_count < count; entry->fd_count++) {
		int copy = fcntl(fds[entry->fd_count], F_DUPFD_CLOEXEC, 3);

		if (copy < 0) {
			int error = errno;

			fdpass_close_all(entry->fds, entry->fd_count);
			free(entry);
			return -error;
		}
		entry->fds[entry->fd_count] = copy;
	}
	*box->last = entry;
	box->last = &entry->next;
	box->count++;
	return 0;
}

int outbox_send(struct outbox *box, int socket, const struct control *message, const int *fds, size_t count)
{
	int r = -EAGAIN;

	if (count > CONTROL_FDS_MAX)
		return -EINVAL;
	if (outbox_empty(box))
		r = control_send(socket, message, fds, count);
	if (r == -EAGAIN || r == -ETOOMANYREFS)
		r = outbox_keep(box, message, fds, count);
	return r;
}

int outbox_flush(struct outbox *box, int socket)
{
	while (box->first) {
		int r = control_send(socket, &box->first->message, box->first->fds, box->first->fd_count);

		if (r == -EAGAIN || r == -ETOOMANYREFS)
			return 0;
		if (r < 0)
			return r;
		outbox_pop(box);
	}
	return 0;
}
