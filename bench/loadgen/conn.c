/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of the load: see conn.h. */
#include "loadgen/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/cleanup.h"
#include "common/meter.h"

enum { READ_BYTES = 4096 };

static void end(struct conn *c, enum outcome outcome)
{
	c->wants = CONN_ENDED;
	c->outcome = outcome;
}

static void fail(struct conn *c, int error)
{
	c->error = error;
	end(c, OUTCOME_FAILED);
}

static bool prepare(int fd, const struct options *o, const struct planned *p, bool stamps)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	const int one = 1;

	if (o->close_rst && setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
		return false;
	if (o->payload_separate && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		return false;
	if (stamps && setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) < 0)
		return false;
	/* the port is chosen in connect(), where only the whole four-tuple must be free */
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) < 0)
		return false;
	return bind(fd, (const struct sockaddr *)&p->bind, p->bind_size) == 0;
}

void conn_open(struct conn *c, const struct options *o, uint64_t number, bool stamps)
{
	struct planned p = plan_at(&o->plan, number);

	*c = (struct conn){ .fd = -1, .number = number, .start_ns = meter_now_ns() };
	c->fd = socket(o->target.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || !prepare(c->fd, o, &p, stamps)) {
		fail(c, errno);
		return;
	}
	if (connect(c->fd, (const struct sockaddr *)&o->target.address, o->target.size) < 0 &&
	    errno != EINPROGRESS) {
		fail(c, errno);
		return;
	}
	/* over loopback the handshake is over by now: try at once */
	conn_write(c, o);
}

/* Returns the size of header and payload; @ret_header is the header's alone. */
static size_t message_of(const struct conn *c, const struct options *o, uint8_t *message, size_t *ret_header)
{
	struct planned p = plan_at(&o->plan, c->number);

	*ret_header = header_write(o->header, &p, c->number, message);
	memset(message + *ret_header, 'x', o->payload_bytes);
	return *ret_header + o->payload_bytes;
}

static void send_failed(struct conn *c, int error)
{
	if (error == EAGAIN)
		c->wants = CONN_WANTS_WRITE;
	else if (error == ECONNRESET || error == EPIPE)
		end(c, OUTCOME_REFUSED_RST);
	else
		fail(c, error);
}

void conn_write(struct conn *c, const struct options *o)
{
	uint8_t message[MESSAGE_BYTES_MAX];
	size_t header, size = message_of(c, o, message, &header);

	while (c->sent < size) {
		size_t until = o->payload_separate && c->sent < header ? header : size;
		ssize_t n = send(c->fd, message + c->sent, until - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0) {
			send_failed(c, errno);
			return;
		}
		c->sent += (uint32_t)n;
	}
	c->sent_ns = meter_now_ns();
	c->wants = CONN_WANTS_READ;
}

static uint64_t stamp_of(struct msghdr *m)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		struct timespec t;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&t, CMSG_DATA(h), sizeof(t));
		return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
	}
	return 0;
}

static void judge_source(struct conn *c, const struct options *o, const char *bytes, size_t size)
{
	struct planned p = plan_at(&o->plan, c->number);
	char expected[ADDR_TEXT_BYTES];
	size_t length;

	if (size > sizeof(c->answer) - c->answer_bytes) {
		end(c, OUTCOME_WRONG_ANSWER);
		return;
	}
	memcpy(c->answer + c->answer_bytes, bytes, size);
	c->answer_bytes += (uint32_t)size;
	if (c->answer[c->answer_bytes - 1] != '\n')
		return;
	length = strlen(addr_port_text(&p.source, expected));
	if (c->answer_bytes == length + 1 && memcmp(c->answer, expected, length) == 0)
		end(c, OUTCOME_SERVED);
	else
		end(c, OUTCOME_WRONG_ANSWER);
}

void conn_read(struct conn *c, const struct options *o)
{
	char bytes[READ_BYTES];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct timespec))];
	} control;
	struct iovec io = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr m = {
		.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(c->fd, &m, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n == 0 || (n < 0 && errno == ECONNRESET)) {
		end(c, c->answer_bytes > 0 ? OUTCOME_WRONG_ANSWER
		       : n == 0            ? OUTCOME_REFUSED_FIN
		                           : OUTCOME_REFUSED_RST);
		return;
	}
	if (n < 0) {
		fail(c, errno);
		return;
	}
	if (c->answered_ns == 0) {
		c->answered_ns = meter_now_ns();
		c->stamp_ns = stamp_of(&m);
	}
	if (o->check_source)
		judge_source(c, o, bytes, (size_t)n);
	else
		end(c, OUTCOME_SERVED);
}

void conn_close(struct conn *c)
{
	close_fd(&c->fd);
}
