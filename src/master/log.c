/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one JSON object a line on standard error. Never waits: a reader that has stopped, or a disk that is full,
 * costs lines, which are counted and mentioned in the next one that gets out; it never costs a connection.
 */
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "master/log_text.h"
#include "master/master.h"

enum {
	LINE_BYTES_MAX =
		4000, /* with a newline before it less than PIPE_BUF: what poll() says is writable takes it whole */
	RECORDS_PER_DRAIN = LOG_RECORDS
};

static const char *level_name(enum config_log_level level)
{
	switch (level) {
	case CONFIG_LOG_ERROR:
		return "error";
	case CONFIG_LOG_WARNING:
		return "warning";
	case CONFIG_LOG_INFO:
		return "info";
	case CONFIG_LOG_DEBUG:
		break;
	}
	return "debug";
}

static void time_text(char text[40])
{
	struct timespec now;
	struct tm tm;
	char seconds[24];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	(void)strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(text, 40, "%s.%03ldZ", seconds, now.tv_nsec / 1000000);
}

/*
 * A terminal takes part of a line and waits with the rest, whatever poll() said. O_NONBLOCK on standard error itself
 * would be seen by everybody who shares it, so a terminal or pipe is opened again where that is allowed.
 */
void log_open(struct log *log)
{
	struct stat st;

	log->fd = STDERR_FILENO;
	if (fstat(STDERR_FILENO, &st) < 0 || !(S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode)))
		return;
	log->fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (log->fd < 0)
		log->fd = STDERR_FILENO;
}

void log_close(struct log *log)
{
	if (log->fd > STDERR_FILENO)
		close_fd(&log->fd);
	log->fd = STDERR_FILENO;
}

/* A line behind one that was cut begins anew. */
static ssize_t write_out(const struct log *log, char *line, size_t size)
{
	static char newline = '\n';
	const struct iovec parts[] = { { .iov_base = &newline, .iov_len = log->torn },
		                       { .iov_base = line, .iov_len = size } };
	ssize_t n = writev(log->fd, parts, 2);

	return n > 0 ? n - log->torn : n;
}

static void write_line(struct log *log, char *line, size_t size)
{
	struct pollfd out = { .fd = log->fd, .events = POLLOUT };
	ssize_t n;

	if (size >= LINE_BYTES_MAX || poll(&out, 1, 0) != 1 || !(out.revents & POLLOUT)) {
		log->dropped++;
		return;
	}
	line[size] = '\n'; /* in place of the terminator */
	n = write_out(log, line, size + 1);
	if (n >= 0)
		log->torn = n != (ssize_t)size + 1;
	if (n != (ssize_t)size + 1)
		log->dropped++;
	else
		log->dropped = 0;
}

/* Takes the reference to @fields. */
static void log_object(struct master *m, enum config_log_level level, const char *event, json_t *fields)
{
	json_t *object = json_object();
	_cleanup_free_ char *line = NULL;
	char time[40];

	time_text(time);
	(void)json_object_set_new(object, "time", json_string(time));
	(void)json_object_set_new(object, "level", json_string(level_name(level)));
	(void)json_object_set_new(object, "event", json_string(event));
	if (fields)
		(void)json_object_update(object, fields);
	if (m->log.dropped > 0)
		(void)json_object_set_new(object, "dropped_lines", json_integer((json_int_t)m->log.dropped));
	line = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(object);
	json_decref(fields);
	if (line)
		write_line(&m->log, line, strlen(line));
	else
		m->log.dropped++;
}

void log_event(struct master *m, enum config_log_level level, const char *event, const char *fields, ...)
{
	json_t *object = NULL;

	if (level > m->log.level)
		return;
	if (fields) {
		char format[128];
		va_list arguments;

		(void)snprintf(format, sizeof(format), "{%s}", fields);
		va_start(arguments, fields);
		object = json_vpack_ex(NULL, 0, format, arguments);
		va_end(arguments);
	}
	log_object(m, level, event, object);
}

void log_drain(struct master *m)
{
	for (uint32_t i = 0; i < m->shard_count; i++) {
		struct board_log *log = board_log(m->board, m->slot, i);
		struct board_log_record record;

		for (int n = 0; n < RECORDS_PER_DRAIN && board_log_read(log, &record); n++) {
			enum config_log_level level = log_text_level(&record);

			if (level <= m->log.level)
				log_object(m, level, log_text_event(&record),
				           log_text_fields(&record, m->plan, i));
		}
	}
}
