/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public functions: options, the life of a handle, handing connections out. Owns the handle. Refuses threads,
 * globals, signals and output.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "lib/conn.h"
#include "lib/handle.h"
#include "lib/pump.h"

enum {
	OPTIONS_BYTES_MIN =
		sizeof(struct usher_options), /* of the first release: stays when the struct grows */
	FLAGS_KNOWN = USHER_NONBLOCK | USHER_SENDS_DONE | USHER_ONE_CPU | USHER_OWN_RING | USHER_RETRY |
	              USHER_KEEP_NOFILE,
};

unsigned int usher_version(void)
{
	return USHER_VERSION_MAJOR << 16 | USHER_VERSION_MINOR << 8 | USHER_VERSION_PATCH;
}

/* Takes the options of any library version: what this one does not know must be zero. */
static int options_read(const struct usher_options *options, struct usher_options *ret_options)
{
	const char *bytes = (const char *)options;

	*ret_options = (struct usher_options){ 0 };
	if (!options || options->size < OPTIONS_BYTES_MIN)
		return -EINVAL;
	for (size_t i = sizeof(*ret_options); i < options->size; i++)
		if (bytes[i] != 0)
			return -E2BIG;
	memcpy(ret_options, options,
	       options->size < sizeof(*ret_options) ? options->size : sizeof(*ret_options));
	if (ret_options->flags & ~(uint32_t)FLAGS_KNOWN || ret_options->reserved != 0 ||
	    ret_options->batch > HANDOFF_FDS_MAX)
		return -EINVAL;
	if (ret_options->capacity > 0 && !(ret_options->flags & USHER_SENDS_DONE))
		return -EINVAL;
	return 0;
}

static int set_path(struct usher *u, const char *path)
{
	size_t size;

	if (!path)
		path = secure_getenv("USHER_SOCKET");
	if (!path || path[0] == '\0')
		return -EADDRNOTAVAIL;
	size = strlen(path);
	if (size >= sizeof(u->address.sun_path))
		return -ENAMETOOLONG;
	u->address.sun_family = AF_UNIX;
	memcpy(u->address.sun_path, path, size);
	return 0;
}

static void set_name(struct usher *u, const char *name)
{
	if (!name)
		name = program_invocation_short_name;
	memcpy(u->name, name, strnlen(name, sizeof(u->name) - 1));
}

static int set_options(struct usher *u, const struct usher_options *options)
{
	u->flags = options->flags;
	if (u->flags & USHER_OWN_RING)
		u->flags |= USHER_NONBLOCK;
	u->capacity = options->capacity;
	u->cpu = options->cpu;
	u->batch = options->batch;
	if (u->batch == 0)
		u->batch = u->flags & USHER_NONBLOCK ? LIB_BATCH_DEFAULT : 1;
	set_name(u, options->name);
	return set_path(u, options->path);
}

static int open_kernel_side(struct usher *u)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = COOKIE_TIMERS };
	int r;

	room_open(&u->room, !(u->flags & USHER_KEEP_NOFILE));
	u->batch = room_batch(&u->room, u->batch);
	report_open(&u->report, u->batch, u->capacity);
	u->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (u->epoll_fd < 0)
		return -errno;
	r = timers_open(&u->timers);
	if (r < 0)
		return r;
	if (epoll_ctl(u->epoll_fd, EPOLL_CTL_ADD, u->timers.fd, &event) != 0)
		return -errno;
	if (u->flags & USHER_OWN_RING)
		return 0;
	u->channels.epoll_fd = u->epoll_fd;
	u->inbox = inbox_new();
	return u->inbox ? 0 : -ENOMEM;
}

static struct usher *handle_new(void)
{
	struct usher *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->epoll_fd = u->timers.fd = u->channels.epoll_fd = -1;
	registration_open(&u->registration);
	return u;
}

static void handle_free(struct usher *u)
{
	while (u->channels.ready_first)
		channels_pop_ready(&u->channels);
	channels_end_all(&u->channels);
	registration_close(&u->registration);
	timers_close(&u->timers);
	close_fd(&u->epoll_fd);
	inbox_free(u->inbox);
	free(u);
}

/* One attempt with its answer. Returns 0 or the reason for which there is no registration. */
static int register_now(struct usher *u)
{
	int r = registration_start(u);

	if (r < 0) {
		registration_lost(u, r);
		return r;
	}
	while (u->registration.state == REGISTRATION_GREETED) {
		struct pollfd wait[] = {
			{ .fd = u->registration.fd, .events = POLLIN },
			{ .fd = u->timers.fd, .events = POLLIN },
		};

		if (poll(wait, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (wait[0].revents)
			(void)registration_readable(u);
		else if (wait[1].revents)
			registration_lost(u, -ETIMEDOUT);
	}
	return u->registration.state == REGISTRATION_MEMBER ? 0 : u->registration.reason;
}

static int handle_start(struct usher *u, const struct usher_options *options)
{
	int r = set_options(u, options);

	if (r < 0)
		return r;
	r = open_kernel_side(u);
	if (r < 0)
		return r;
	r = register_now(u);
	return u->flags & USHER_RETRY && registration_is_transient(r) ? 0 : r;
}

int usher_open(struct usher **ret_usher, const struct usher_options *options)
{
	struct usher_options known;
	struct usher *u;
	int r = options_read(options, &known);

	if (r < 0)
		return r;
	u = handle_new();
	if (!u)
		return -ENOMEM;
	r = handle_start(u, &known);
	if (r < 0) {
		handle_free(u);
		return r;
	}
	*ret_usher = u;
	return 0;
}

int usher_close(struct usher *u)
{
	if (!u)
		return 0;
	if (u->channels.outstanding > 0)
		return -EBUSY;
	pump_flush(u);
	handle_free(u);
	return 0;
}

int usher_fd(const struct usher *u)
{
	return u->epoll_fd;
}

static int next(struct usher *u)
{
	for (;;) {
		int r = pump_run(u);

		if (r == 1)
			return 1;
		pump_flush(u);
		if (r < 0 || u->flags & USHER_NONBLOCK)
			return r;
		r = pump_wait(u);
		if (r < 0)
			return r;
	}
}

int usher_next(struct usher *u, const struct usher_conn **ret_conn)
{
	const struct handoff_conn *record;
	int fd, r = next(u);

	if (r <= 0)
		return r;
	record = inbox_take(u->current, &fd);
	room_saw(&u->room, fd);
	report_given(&u->report, u->current->epoch, u->registration.epoch);
	u->told_emfile = false;
	conn_fill(u->current->bytes, record, fd, &u->conn);
	*ret_conn = &u->conn;
	return 1;
}

static void copy_address(const struct usher_address *from, struct sockaddr *addr, socklen_t *addrlen)
{
	if (!addr)
		return;
	memcpy(addr, &from->storage, from->size < *addrlen ? from->size : *addrlen);
	*addrlen = from->size;
}

/* Our sockets have no other status flag than O_NONBLOCK, and no other descriptor flag than FD_CLOEXEC. */
static int set_flags_consume(int fd, int flags)
{
	int r;

	if ((flags & SOCK_NONBLOCK || fcntl(fd, F_SETFL, 0) == 0) &&
	    (flags & SOCK_CLOEXEC || fcntl(fd, F_SETFD, 0) == 0))
		return fd;
	r = -errno;
	close_fd(&fd);
	return r;
}

int usher_accept4(struct usher *u, struct sockaddr *addr, socklen_t *addrlen, int flags)
{
	const struct usher_conn *conn;
	int r;

	if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC) || (addr && !addrlen))
		return -EINVAL;
	r = usher_next(u, &conn);
	if (r <= 0)
		return r < 0 ? r : -EAGAIN;
	copy_address(conn->client, addr, addrlen);
	return set_flags_consume(conn->fd, flags);
}

int usher_done(struct usher *u, uint32_t count)
{
	int r = u->flags & USHER_SENDS_DONE ? report_done(&u->report, count) : -EINVAL;

	if (r < 0)
		return r;
	if (r == 1)
		pump_flush(u);
	else if (u->report.done > 0 && !timers_is_set(&u->timers, TIMER_FLUSH))
		timers_set(&u->timers, TIMER_FLUSH, LIB_DONE_DELAY_MS);
	return 0;
}

static int set_paused(struct usher *u, bool paused)
{
	int r = registration_say(&u->registration, paused ? HANDOFF_PAUSE : HANDOFF_RESUME);

	if (r == 0)
		u->registration.paused = paused;
	return r;
}

int usher_pause(struct usher *u)
{
	return set_paused(u, true);
}

int usher_resume(struct usher *u)
{
	return set_paused(u, false);
}

int usher_drain(struct usher *u)
{
	int r;

	if (u->registration.draining)
		return 0;
	pump_flush(u);
	r = registration_say(&u->registration, HANDOFF_DRAIN);
	if (r < 0)
		return r;
	u->registration.draining = true;
	timers_clear(&u->timers, TIMER_RECONNECT);
	return 0;
}
