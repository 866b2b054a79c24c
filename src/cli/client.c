/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the master: see client.h. */
#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "sys/error_text.h"

enum { READ_BYTES_MIN = 16 * 1024 };

struct exchange {
	const char *path;
	uint64_t deadline_ms;
	struct client_error *error;
};

struct answer {
	char *bytes;
	size_t size;
	size_t room; /* at most twice ADMIN_ANSWER_BYTES_MAX */
};

__attribute__((format(printf, 3, 4))) static int fail(const struct exchange *x, int error, const char *format,
                                                      ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(x->error->text, sizeof(x->error->text), format, arguments);
	va_end(arguments);
	return error;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Milliseconds until the deadline; 0 when it has passed. */
static int left_ms(const struct exchange *x)
{
	uint64_t now = now_ms();

	return now < x->deadline_ms ? (int)(x->deadline_ms - now) : 0;
}

static int fail_late(const struct exchange *x)
{
	return fail(
		x, -ETIMEDOUT,
		"%s: no answer in time: usherd is stopped, stuck or very busy: look at its log and at `ps`",
		x->path);
}

static int fail_connect(const struct exchange *x, int error)
{
	switch (error) {
	case ENOENT:
		return fail(x, -error,
		            "%s: there is no such socket: usherd is not running, or its admin-socket is "
		            "elsewhere: usherctl -s PATH",
		            x->path);
	case ECONNREFUSED:
		return fail(x, -error, "%s: nobody listens there: usherd is not running", x->path);
	case EACCES:
	case EPERM:
		return fail(x, -error, "%s: permission denied: ask as root or as the user of usherd",
		            x->path);
	case EPROTOTYPE:
		return fail(x, -error,
		            "%s: not an admin socket; a pool's perhaps: usherctl -s takes the admin-socket",
		            x->path);
	case EAGAIN:
		return fail_late(x);
	default:
		return fail(x, -error, "%s: cannot connect: %s", x->path, error_text(error));
	}
}

static int open_connection(const struct exchange *x, int *ret)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int wait_ms = left_ms(x);
	struct timeval wait = { .tv_sec = wait_ms / 1000, .tv_usec = (suseconds_t)(wait_ms % 1000) * 1000 };

	if (strlen(x->path) >= sizeof(name.sun_path))
		return fail(x, -ENAMETOOLONG, "%s: a socket's path has at most %zu bytes", x->path,
		            sizeof(name.sun_path) - 1);
	memcpy(name.sun_path, x->path, strlen(x->path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(x, -errno, "cannot open a Unix socket: %s", error_text(errno));
	/* connect() to a full backlog waits as a send does, and nothing else bounds it */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		return fail_connect(x, errno);
	*ret = take_fd(&fd);
	return 0;
}

static int send_request(const struct exchange *x, int fd, const char *request)
{
	char line[ADMIN_REQUEST_BYTES_MAX];
	size_t size = strlen(request) + 1;
	ssize_t sent;

	if (size > sizeof(line) || strchr(request, '\n'))
		return fail(x, -EINVAL, "a request is one line of at most %d bytes",
		            ADMIN_REQUEST_BYTES_MAX - 1);
	memcpy(line, request, size - 1);
	line[size - 1] = '\n';
	sent = send(fd, line, size, MSG_NOSIGNAL);
	if (sent < 0 && errno == EAGAIN)
		return fail_late(x);
	/* a line fits the emptiest socket buffer: less than all of it is as wrong as none */
	if (sent != (ssize_t)size)
		return fail(x, sent < 0 ? -errno : -EIO, "%s: cannot send the request: %s", x->path,
		            sent < 0 ? error_text(errno) : "it was cut short");
	return 0;
}

static int make_room(const struct exchange *x, struct answer *answer)
{
	size_t room = answer->room ? 2 * answer->room : READ_BYTES_MIN;
	char *larger;

	if (answer->size < answer->room)
		return 0;
	larger = realloc(answer->bytes, room);
	if (!larger)
		return fail(x, -ENOMEM, "no memory for an answer of more than %zu bytes", answer->size);
	answer->bytes = larger;
	answer->room = room;
	return 0;
}

/* Waits and reads once. Sets @ret_end at end of file. */
static int read_some(const struct exchange *x, int fd, struct answer *answer, bool *ret_end)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	ssize_t got;

	if (left_ms(x) == 0 || poll(&ready, 1, left_ms(x)) == 0)
		return fail_late(x);
	got = recv(fd, answer->bytes + answer->size, answer->room - answer->size, MSG_DONTWAIT);
	if (got < 0 && errno != EINTR && errno != EAGAIN)
		return fail(x, -errno, "%s: the connection broke before the answer was complete: %s", x->path,
		            error_text(errno));
	*ret_end = got == 0;
	answer->size += got > 0 ? (size_t)got : 0;
	return 0;
}

static int read_answer(const struct exchange *x, int fd, struct answer *answer)
{
	bool end = false;
	int r = 0;

	while (!end && r == 0) {
		if (answer->size > ADMIN_ANSWER_BYTES_MAX)
			return fail(x, -EMSGSIZE,
			            "%s: the answer is larger than %d bytes: that is not usherd", x->path,
			            ADMIN_ANSWER_BYTES_MAX);
		r = make_room(x, answer);
		if (r == 0)
			r = read_some(x, fd, answer, &end);
	}
	return r;
}

static int parse_answer(const struct exchange *x, const char *text, size_t size, json_t **ret)
{
	json_error_t where;
	json_t *answer;
	const char *error;

	if (size == 0)
		return fail(
			x, -EPROTO,
			"%s: closed without an answer: usherd is stopping, or has too many admin clients: "
			"try again",
			x->path);
	answer = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
	if (!json_is_object(answer)) {
		json_decref(answer);
		return fail(x, -EPROTO,
		            "%s: the answer is not a JSON object: usherctl %s does not fit what runs there",
		            x->path, USHER_VERSION);
	}
	error = json_string_value(json_object_get(answer, "error"));
	if (error) {
		int r = fail(x, -EREMOTEIO, "%s", error);

		json_decref(answer);
		return r;
	}
	*ret = answer;
	return 0;
}

int client_ask(const char *path, const char *request, uint32_t wait_ms, json_t **ret,
               struct client_error *reterr)
{
	const struct exchange x = { .path = path, .deadline_ms = now_ms() + wait_ms, .error = reterr };
	_cleanup_close_ int fd = -1;
	struct answer answer = { 0 };
	int r = open_connection(&x, &fd);

	if (r == 0)
		r = send_request(&x, fd, request);
	if (r == 0)
		r = read_answer(&x, fd, &answer);
	if (r == 0)
		r = parse_answer(&x, answer.bytes, answer.size, ret);
	free(answer.bytes);
	return r;
}
