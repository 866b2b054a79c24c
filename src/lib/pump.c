/* SPDX-License-Identifier: Apache-2.0 */
/* Events to connections: see pump.h. Refuses to hand out, and to wait inside a turn. */
#include "lib/pump.h"

#include <errno.h>

#include "lib/handle.h"

/* Usher has broken the protocol: ends the registration with all its channels. Returns -EPROTO. */
static int pump_break(struct usher *u)
{
	/* All of it, so that Usher sees a worker that has gone and gives what is unread to others. */
	channels_end_all(&u->channels);
	registration_lost(u, -EPROTO);
	return -EPROTO;
}

static void channel_ended(struct usher *u, struct channel *channel)
{
	channels_end(&u->channels, channel);
	registration_channel_ended(u);
}

static int say_emfile(struct usher *u)
{
	if (u->told_emfile)
		return 0;
	u->told_emfile = true;
	return -EMFILE;
}

/* True if what waits next in @channel fits, or if there is no reason to look. Otherwise it is left alone for a while. */
static bool has_room(struct usher *u, struct channel *channel)
{
	int count;

	if (!room_is_near(&u->room, HANDOFF_FDS_MAX))
		return true;
	count = room_look(channel->fd);
	if (count <= 0 || room_try(&u->room, channel->fd, (uint32_t)count))
		return true;
	channels_unwatch(&u->channels, channel);
	timers_set(&u->timers, TIMER_ROOM, LIB_RETRY_MS);
	return false;
}

static int take_inbox(struct usher *u, struct channel *channel, struct inbox *inbox, size_t size)
{
	int r = inbox_parse(inbox, size);

	if (r < 0)
		return pump_break(u);
	inbox->epoch = channel->epoch;
	if (inbox->missing > 0) {
		u->room.lost = u->fds_missing = true;
		report_lost(&u->report, channel, inbox->listener, inbox->missing);
		pump_flush(u);
	}
	return r;
}

/* True for what says nothing about the channel, or, as ECONNRESET, comes before the last messages. */
static bool is_passing(int error)
{
	return error == -EAGAIN || error == -EINTR || error == -ECONNRESET || error == -ECANCELED ||
	       error == -ENOMEM || error == -ENOBUFS;
}

int pump_feed(struct usher *u, struct channel *channel, int result)
{
	int r;

	if (result <= 0) {
		if (result == 0)
			inbox_end(channel->inbox);
		if (!is_passing(result) || channel->fd < 0)
			channel_ended(u, channel);
		return 0;
	}
	r = take_inbox(u, channel, channel->inbox, (size_t)result);
	if (r < 0)
		return r;
	if (inbox_any(channel->inbox))
		channels_push_ready(&u->channels, channel);
	else if (channel->fd < 0)
		channel_ended(u, channel);
	return 0;
}

static int channel_readable(struct usher *u, struct channel *channel)
{
	int r;

	if (!has_room(u, channel))
		return say_emfile(u);
	r = inbox_receive(u->inbox, channel->fd);
	if (is_passing(r))
		return r == -ENOMEM || r == -ENOBUFS ? -ENOMEM : 0;
	if (r <= 0) {
		if (r == 0)
			inbox_end(u->inbox);
		channel_ended(u, channel);
		return 0;
	}
	r = take_inbox(u, channel, u->inbox, (size_t)r);
	if (r == 1)
		u->current = u->inbox;
	return r;
}

/* Watches again what had to be left alone. */
static int watch_all(struct usher *u)
{
	for (uint32_t i = 0; i < u->channels.high; i++) {
		struct channel *channel = u->channels.slots[i];
		int r = channel && channel->fd >= 0 ? channels_watch(&u->channels, channel) : 0;

		if (r < 0 && r != -EEXIST) {
			timers_set(&u->timers, TIMER_ROOM, LIB_RETRY_MS);
			return r;
		}
	}
	return 0;
}

static void reconnect(struct usher *u)
{
	int r = registration_start(u);

	if (r < 0)
		registration_lost(u, r);
}

static int timers_readable(struct usher *u)
{
	uint32_t due = timers_due(&u->timers);

	if (due & 1U << TIMER_ANSWER && u->registration.state == REGISTRATION_GREETED)
		registration_lost(u, -ETIMEDOUT);
	if (due & 1U << TIMER_RECONNECT && u->registration.state == REGISTRATION_NONE)
		reconnect(u);
	if (due & 1U << TIMER_FLUSH)
		pump_flush(u);
	if (due & 1U << TIMER_ROOM) {
		u->told_emfile = false;
		return watch_all(u);
	}
	return 0;
}

void pump_flush(struct usher *u)
{
	if (!report_flush(&u->report, &u->channels, u->registration.epoch))
		timers_set(&u->timers, TIMER_FLUSH, LIB_RETRY_MS);
}

static int take_event(struct usher *u, const struct epoll_event *event)
{
	struct channel *channel;

	if (event->data.u64 == COOKIE_REGISTRATION)
		return registration_readable(u);
	if (event->data.u64 == COOKIE_TIMERS)
		return timers_readable(u);
	channel = channels_find(&u->channels, event->data.u64);
	return channel && channel->fd >= 0 ? channel_readable(u, channel) : 0;
}

/* True if the handle has something to hand out: skips what has nothing more. */
static bool has_current(struct usher *u)
{
	if (u->current && inbox_any(u->current))
		return true;
	u->current = NULL;
	while (u->channels.ready_first) {
		if (inbox_any(u->channels.ready_first->inbox)) {
			u->current = u->channels.ready_first->inbox;
			return true;
		}
		channels_pop_ready(&u->channels);
	}
	return false;
}

/* 1: something to hand out. -EMFILE: fds were missing, said after the ones that did arrive. 0: neither. */
static int outcome(struct usher *u)
{
	if (has_current(u))
		return 1;
	if (!u->fds_missing)
		return 0;
	u->fds_missing = false;
	return -EMFILE;
}

static bool poll_events(struct usher *u, int timeout)
{
	u->event_at = 0;
	u->event_count = epoll_wait(u->epoll_fd, u->events, LIB_EVENTS, timeout);
	return u->event_count > 0;
}

/* What there is to say when nothing is left: 0, or why nothing will come. */
static int end_reason(const struct usher *u)
{
	if (u->channels.live > 0)
		return 0;
	if (u->registration.draining)
		return -ENOTCONN; /* whether or not Usher has closed the registration */
	return u->registration.state == REGISTRATION_NONE ? u->error : 0;
}

int pump_run(struct usher *u)
{
	int r = outcome(u);

	for (int turn = 0; r == 0 && turn < LIB_TURNS_MAX; turn++) {
		while (r == 0 && u->event_at < u->event_count) {
			r = take_event(u, &u->events[u->event_at++]);
			if (r >= 0)
				r = outcome(u);
		}
		if (r != 0)
			return r;
		if (!poll_events(u, 0))
			break;
	}
	return r != 0 ? r : end_reason(u);
}

int pump_wait(struct usher *u)
{
	return !poll_events(u, -1) && errno == EINTR ? -EINTR : 0;
}
