/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving by the caller's own ring: usher_msghdr() and usher_feed(). Each channel has an inbox of its own here, since
 * the kernel may write to all of them at once. Refuses to know of any ring.
 */
#include <errno.h>

#include "lib/handle.h"
#include "lib/pump.h"

static bool wants_receive(const struct channel *channel)
{
	return channel && channel->fd >= 0 && !channel->outstanding && !channel->ready;
}

static struct channel *find_idle(const struct channels *channels)
{
	for (uint32_t i = 0; i < channels->high; i++)
		if (wants_receive(channels->slots[i]))
			return channels->slots[i];
	return NULL;
}

int usher_msghdr(struct usher *u, int *ret_fd, struct msghdr **ret_message, uint64_t *ret_cookie)
{
	struct channel *channel;

	if (!(u->flags & USHER_OWN_RING))
		return -EINVAL;
	channel = find_idle(&u->channels);
	if (!channel)
		return 0;
	if (room_is_near(&u->room, HANDOFF_FDS_MAX) && !room_try(&u->room, channel->fd, u->batch)) {
		timers_set(&u->timers, TIMER_ROOM, LIB_RETRY_MS); /* makes usher_fd() readable: asked again */
		return 0;
	}
	if (!channel->inbox)
		channel->inbox = inbox_new();
	if (!channel->inbox)
		return -ENOMEM;
	inbox_prepare(channel->inbox);
	channels_set_outstanding(&u->channels, channel, true);
	*ret_fd = channel->fd;
	*ret_message = &channel->inbox->message;
	*ret_cookie = channels_cookie(channel);
	return 1;
}

int usher_feed(struct usher *u, uint64_t cookie, int result)
{
	struct channel *channel = channels_find(&u->channels, cookie);

	if (!channel || !channel->outstanding)
		return -EINVAL;
	channels_set_outstanding(&u->channels, channel, false);
	return pump_feed(u, channel, result);
}
