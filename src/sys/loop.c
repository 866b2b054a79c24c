/* SPDX-License-Identifier: Apache-2.0 */
/* epoll in a few lines: see loop.h. Refuses to own fds or to know what they are. */
#include "sys/loop.h"

#include <errno.h>
#include <sys/epoll.h>

#include "base/cleanup.h"

int loop_init(struct loop *loop)
{
	*loop = (struct loop){ .epoll = epoll_create1(EPOLL_CLOEXEC) };
	return loop->epoll < 0 ? -errno : 0;
}

void loop_fini(struct loop *loop)
{
	close_fd(&loop->epoll);
}

int loop_add(struct loop *loop, struct loop_source *source, int fd, uint32_t events,
             void (*ready)(struct loop_source *source, uint32_t events))
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	source->fd = fd;
	source->ready = ready;
	return 0;
}

int loop_change(struct loop *loop, struct loop_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(loop->epoll, EPOLL_CTL_MOD, source->fd, &event) < 0 ? -errno : 0;
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
	if (source->fd < 0)
		return;
	(void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	source->fd = -1;
	for (int i = 0; i < loop->pending_count; i++)
		if (loop->pending[i] == source)
			loop->pending[i] = NULL;
}

int loop_turn(struct loop *loop, int timeout_ms)
{
	struct epoll_event events[sizeof(loop->pending) / sizeof(loop->pending[0])];
	int count = epoll_wait(loop->epoll, events, (int)(sizeof(events) / sizeof(events[0])), timeout_ms);

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count; i++)
		loop->pending[i] = events[i].data.ptr;
	loop->pending_count = count;
	for (int i = 0; i < count; i++)
		if (loop->pending[i])
			loop->pending[i]->ready(loop->pending[i], events[i].events);
	loop->pending_count = 0;
	return 0;
}
