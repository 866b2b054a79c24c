/* SPDX-License-Identifier: Apache-2.0 */
/* Registering with a pool: see registration.h. Refuses to read channels. */
#include "lib/registration.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "lib/fds.h"
#include "lib/handle.h"

void registration_open(struct registration *registration)
{
	*registration = (struct registration){ .fd = -1, .pause_ms = LIB_RECONNECT_MS_MIN };
}

void registration_close(struct registration *registration)
{
	close_fd(&registration->fd);
}

static int say_hello(struct usher *u, int fd)
{
	struct handoff_hello hello = {
		.head = handoff_head_of(HANDOFF_HELLO, sizeof(hello)),
		.capacity = u->capacity,
		.batch = u->batch,
		.cpu = u->cpu,
	};

	if (u->flags & USHER_SENDS_DONE) {
		hello.flags |= HANDOFF_HELLO_SENDS_DONE;
		hello.open = report_hello(&u->report);
	}
	if (u->flags & USHER_ONE_CPU)
		hello.flags |= HANDOFF_HELLO_ONE_CPU;
	memcpy(hello.name, u->name, sizeof(hello.name));
	u->registration.epoch++;
	if (send(fd, &hello, sizeof(hello), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == EPIPE || errno == ECONNRESET ? -ESHUTDOWN : -errno;
}

int registration_start(struct usher *u)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = COOKIE_REGISTRATION };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&u->address, sizeof(u->address)) != 0)
		return errno == EAGAIN ? -EUSERS : -errno; /* EAGAIN: the socket's backlog is full */
	r = say_hello(u, fd);
	if (r < 0)
		return r;
	if (epoll_ctl(u->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		return -errno;
	u->registration.fd = take_fd(&fd);
	u->registration.state = REGISTRATION_GREETED;
	timers_set(&u->timers, TIMER_ANSWER, LIB_ANSWER_MS);
	return 0;
}

bool registration_is_transient(int reason)
{
	switch (-reason) {
	case ENOENT:
	case ECONNREFUSED:
	case EUSERS:
	case ESHUTDOWN:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

/* A quarter of it is left to the clock, so that many workers do not come back in one moment. */
static uint32_t next_pause(struct usher *u)
{
	struct registration *reg = &u->registration;
	uint32_t pause = reg->pause_ms;
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	reg->pause_ms = pause * 2 < LIB_RECONNECT_MS_MAX ? pause * 2 : LIB_RECONNECT_MS_MAX;
	return pause - (uint32_t)(now.tv_nsec / 1000) % (pause / 4 + 1);
}

void registration_lost(struct usher *u, int reason)
{
	struct registration *reg = &u->registration;

	if (reg->fd >= 0)
		(void)epoll_ctl(u->epoll_fd, EPOLL_CTL_DEL, reg->fd, NULL);
	close_fd(&reg->fd);
	timers_clear(&u->timers, TIMER_ANSWER);
	reg->state = REGISTRATION_NONE;
	reg->reason = reason;
	if (reg->draining || u->error)
		return;
	if (reg->dropped && u->channels.live > 0)
		timers_set(&u->timers, TIMER_RECONNECT, LIB_DROPPED_MS);
	else
		timers_set(&u->timers, TIMER_RECONNECT, next_pause(u));
}

void registration_channel_ended(struct usher *u)
{
	if (u->channels.live > 0 || !u->registration.dropped || u->registration.state != REGISTRATION_NONE)
		return;
	u->registration.dropped = false;
	if (timers_is_set(&u->timers, TIMER_RECONNECT))
		timers_set(&u->timers, TIMER_RECONNECT, next_pause(u));
}

static int reason_of_code(uint32_t code)
{
	switch (code) {
	case HANDOFF_ERROR_VERSION:
		return -EPROTONOSUPPORT;
	case HANDOFF_ERROR_PROTOCOL:
		return -EBADMSG;
	case HANDOFF_ERROR_DENIED:
		return -EACCES;
	case HANDOFF_ERROR_FULL:
		return -EUSERS;
	case HANDOFF_ERROR_CPU:
		return -ENODEV;
	case HANDOFF_ERROR_STOPPING:
	case HANDOFF_ERROR_DROPPED:
		return -ESHUTDOWN;
	default:
		return -EPROTO;
	}
}

static int take_error(struct usher *u, const struct handoff_error *error)
{
	int reason = reason_of_code(error->code);

	u->registration.dropped = error->code == HANDOFF_ERROR_DROPPED;
	if (u->registration.state == REGISTRATION_GREETED && reason != -EPROTO &&
	    !registration_is_transient(reason))
		u->error = reason;
	registration_lost(u, reason);
	return 0;
}

/* Takes @fds over in every case. */
static int take_welcome_consume(struct usher *u, const struct handoff_welcome *welcome, int *fds,
                                uint32_t count)
{
	struct registration *reg = &u->registration;
	int r = 0;

	if (welcome->channels > count) { /* no room for them: this process is at its limit */
		fds_close(fds, count);
		registration_lost(u, -EMFILE);
		return -EMFILE;
	}
	for (uint32_t i = 0; i < count; i++) {
		int added = channels_add_consume(&u->channels, take_fd(&fds[i]), reg->epoch);

		if (added < 0)
			r = added;
	}
	if (r < 0) {
		registration_lost(u, r);
		return r;
	}
	if (reg->state == REGISTRATION_GREETED && reg->paused)
		(void)registration_say(reg, HANDOFF_PAUSE); /* its first message: there is room */
	reg->state = REGISTRATION_MEMBER;
	reg->dropped = false;
	reg->pause_ms = LIB_RECONNECT_MS_MIN;
	timers_clear(&u->timers, TIMER_ANSWER);
	return 0;
}

/* Takes @fds over in every case. */
static int take_message_consume(struct usher *u, const void *bytes, size_t size, int *fds, uint32_t count)
{
	const struct handoff_head *head = bytes;

	if (handoff_head_check(bytes, size)) {
		const struct handoff_welcome *welcome = bytes;

		if (head->type == HANDOFF_WELCOME && count <= welcome->channels)
			return take_welcome_consume(u, welcome, fds, count);
		if (head->type == HANDOFF_ERROR && count == 0)
			return take_error(u, bytes);
	}
	fds_close(fds, count);
	registration_lost(u, -EPROTO);
	return -EPROTO;
}

int registration_readable(struct usher *u)
{
	_Alignas(uint64_t) char bytes[HANDOFF_CONTROL_BYTES_MAX];
	_Alignas(struct cmsghdr) char
		control[CMSG_SPACE(HANDOFF_FDS_MAX * sizeof(int)) + LIB_CONTROL_SPARE_BYTES];
	struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fds[HANDOFF_FDS_MAX];
	uint32_t count;
	ssize_t size;

	if (u->registration.fd < 0)
		return 0;
	size = recvmsg(u->registration.fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (size < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNRESET))
		return 0; /* ECONNRESET: what was sent before comes after it */
	count = size < 0 ? 0 : fds_take(&message, fds, HANDOFF_FDS_MAX);
	if (size <= 0) { /* 0: an empty message, which may bring fds, looks like the end */
		fds_close(fds, count);
		registration_lost(u, -ESHUTDOWN);
		return 0;
	}
	return take_message_consume(u, bytes, (size_t)size, fds, count);
}

int registration_say(struct registration *reg, enum handoff_type type)
{
	struct handoff_head head = handoff_head_of(type, sizeof(head));

	if (reg->fd < 0 || send(reg->fd, &head, sizeof(head), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == EAGAIN || errno == ENOBUFS ? -EAGAIN
	                                           : 0; /* otherwise it has ended, which is seen by reading */
}
