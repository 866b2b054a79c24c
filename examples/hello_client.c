/* SPDX-License-Identifier: Apache-2.0 */
/* One client: see hello_client.h. Refuses to wait, and to keep more than one request. */
#include "hello_client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

enum {
	ANSWER_EXTRA_BYTES = 512, /* of an answer beside the connection's JSON */
	LINGER_BYTES_MAX = 1024 * 1024,
	STEPS_MAX = 64, /* reads and answers for one client before others have their turn */
};

struct client *client_new_consume(int fd, char *json, size_t json_size)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c)
		c->out = malloc(json_size + ANSWER_EXTRA_BYTES);
	if (!c || !c->out) {
		close(fd);
		free(json);
		free(c);
		return NULL;
	}
	c->fd = fd;
	c->json = json;
	c->json_size = json_size;
	c->out_max = json_size + ANSWER_EXTRA_BYTES;
	return c;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	close(c->fd);
	free(c->json);
	free(c->out);
	free(c);
}

static void drop_input(struct client *c, size_t size)
{
	c->in_size -= size;
	memmove(c->in, c->in + size, c->in_size);
}

static void compose(struct client *c, int status, const char *json, size_t json_size)
{
	char tail[96];
	int tail_size = snprintf(tail, sizeof(tail),
	                         "%s\"body_bytes\":%" PRIu64 ",\"body_fnv1a\":\"%016" PRIx64 "\"}\n",
	                         json_size > 0 ? "," : "", c->request.body_bytes, c->body_hash);
	int size = snprintf(
		c->out, c->out_max,
		"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: %s"
		"\r\n\r\n",
		http_status(status), json_size + 1 + (size_t)tail_size,
		c->request.keep_alive ? "keep-alive" : "close");

	if (!c->request.head_only) {
		c->out[size++] = '{';
		memcpy(c->out + size, json, json_size);
		memcpy(c->out + size + json_size, tail, (size_t)tail_size);
		size += (int)json_size + tail_size;
	}
	c->out_size = (size_t)size;
	c->out_sent = 0;
	c->state = CLIENT_ANSWER;
}

static void refuse(struct client *c, int status)
{
	c->request = (struct http_request){ 0 };
	c->body_hash = FNV_START;
	c->refused = true;
	compose(c, status, "\"error\":\"see the status\"", 24);
}

static void begin_body(struct client *c)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	drop_input(c, c->request.head_bytes);
	c->body_left = c->request.body_bytes;
	c->body_hash = FNV_START;
	c->state = CLIENT_BODY;
	if (c->request.expects_continue && c->body_left > 0 && c->in_size == 0)
		(void)send(c->fd, go_on, sizeof(go_on) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void take_body(struct client *c)
{
	size_t size = c->in_size < c->body_left ? c->in_size : (size_t)c->body_left;

	for (size_t i = 0; i < size; i++)
		c->body_hash = (c->body_hash ^ (unsigned char)c->in[i]) * FNV_PRIME;
	c->body_left -= size;
	drop_input(c, size);
}

/* Moves on with what was read. Returns false when more has to be read. */
static bool advance(struct client *c, bool last)
{
	int r;

	if (c->state == CLIENT_HEAD) {
		r = http_parse(c->in, c->in_size, &c->request);
		if (r < 0)
			return false;
		if (r > 0)
			refuse(c, r);
		else
			begin_body(c);
	}
	if (c->state == CLIENT_BODY) {
		take_body(c);
		if (c->body_left > 0)
			return false;
		if (last)
			c->request.keep_alive = false;
		compose(c, 200, c->json, c->json_size);
	}
	return true;
}

/* 1: something was read; 0: nothing now; -1: the end. */
static int read_more(struct client *c)
{
	ssize_t got = recv(c->fd, c->in + c->in_size, sizeof(c->in) - c->in_size, MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	c->in_size += (size_t)got;
	return got > 0 ? 1 : -1;
}

/* 1: the answer is sent; 0: not yet; -1: the end. */
static int send_answer(struct client *c)
{
	ssize_t sent =
		send(c->fd, c->out + c->out_sent, c->out_size - c->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	c->out_sent += (size_t)sent;
	if (c->out_sent < c->out_size)
		return 0;
	c->served = true;
	if (c->refused) {
		c->state = CLIENT_LINGER;
		return shutdown(c->fd, SHUT_WR) == 0 ? 1 : -1;
	}
	if (!c->request.keep_alive)
		return -1;
	c->state = CLIENT_HEAD;
	return 1;
}

/* 1: read and dropped; 0: nothing now; -1: the end. */
static int drop(struct client *c)
{
	c->lingered += c->in_size;
	c->in_size = 0;
	return read_more(c);
}

static int step(struct client *c, bool last)
{
	if (c->state == CLIENT_LINGER)
		return c->lingered < LINGER_BYTES_MAX ? drop(c) : -1;
	if (c->state == CLIENT_ANSWER || advance(c, last))
		return send_answer(c);
	return read_more(c);
}

bool client_run(struct client *c, bool last)
{
	if (!c->json)
		return drop(c) >= 0;
	c->again = false;
	for (int i = 0; i < STEPS_MAX; i++) {
		int r = step(c, last);

		if (r <= 0)
			return r == 0;
	}
	c->again = true;
	return true;
}
