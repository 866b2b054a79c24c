/* SPDX-License-Identifier: Apache-2.0 */
/* The table of channels: see channels.h. Refuses to receive or send. */
#include "lib/channels.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/cleanup.h"

struct channel *channels_find(const struct channels *channels, uint64_t cookie)
{
	uint32_t index = (uint32_t)cookie & ((1U << CHANNELS_INDEX_BITS) - 1);
	struct channel *channel = index < LIB_CHANNELS_MAX ? channels->slots[index] : NULL;

	return channel && channels_cookie(channel) == cookie ? channel : NULL;
}

int channels_watch(struct channels *channels, struct channel *channel)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = channels_cookie(channel) };

	if (channels->epoll_fd < 0 || epoll_ctl(channels->epoll_fd, EPOLL_CTL_ADD, channel->fd, &event) == 0)
		return 0;
	return -errno;
}

void channels_unwatch(struct channels *channels, struct channel *channel)
{
	/* Never left to close(): Usher's duplicate keeps the file, and with it epoll's interest, alive. */
	if (channels->epoll_fd >= 0)
		(void)epoll_ctl(channels->epoll_fd, EPOLL_CTL_DEL, channel->fd, NULL);
}

static int insert(struct channels *channels, struct channel *channel)
{
	uint32_t i = 0;
	int r;

	while (i < LIB_CHANNELS_MAX && channels->slots[i])
		i++;
	if (i == LIB_CHANNELS_MAX)
		return -EPROTO;
	channel->index = i;
	channel->serial = ++channels->serial;
	r = channels_watch(channels, channel);
	if (r < 0)
		return r;
	channels->slots[i] = channel;
	channels->live++;
	if (channels->high <= i)
		channels->high = i + 1;
	return 0;
}

int channels_add_consume(struct channels *channels, int fd, uint32_t epoch)
{
	struct channel *channel = calloc(1, sizeof(*channel));
	int r;

	if (!channel) {
		close_fd(&fd);
		return -ENOMEM;
	}
	channel->fd = fd;
	channel->epoch = epoch;
	r = insert(channels, channel);
	if (r < 0) {
		close_fd(&channel->fd);
		free(channel);
	}
	return r;
}

/* Frees a channel that has ended once neither the kernel nor the line of ready ones needs it. */
static void release(struct channels *channels, struct channel *channel)
{
	if (channel->fd >= 0 || channel->outstanding || channel->ready)
		return;
	channels->slots[channel->index] = NULL;
	inbox_free(channel->inbox);
	free(channel);
}

void channels_end(struct channels *channels, struct channel *channel)
{
	if (channel->fd >= 0) {
		channels_unwatch(channels, channel);
		close_fd(&channel->fd);
		channels->live--;
	}
	release(channels, channel);
}

void channels_end_all(struct channels *channels)
{
	for (uint32_t i = 0; i < channels->high; i++)
		if (channels->slots[i])
			channels_end(channels, channels->slots[i]);
}

void channels_set_outstanding(struct channels *channels, struct channel *channel, bool outstanding)
{
	if (channel->outstanding == outstanding)
		return;
	channel->outstanding = outstanding;
	if (outstanding)
		channels->outstanding++;
	else
		channels->outstanding--;
}

void channels_push_ready(struct channels *channels, struct channel *channel)
{
	channel->ready = true;
	channel->ready_next = NULL;
	if (channels->ready_last)
		channels->ready_last->ready_next = channel;
	else
		channels->ready_first = channel;
	channels->ready_last = channel;
}

void channels_pop_ready(struct channels *channels)
{
	struct channel *channel = channels->ready_first;

	channels->ready_first = channel->ready_next;
	if (!channels->ready_first)
		channels->ready_last = NULL;
	channel->ready = false;
	release(channels, channel);
}
