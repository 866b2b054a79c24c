/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One client of usher-hello: its socket, its buffers and where it is in its request. Owns all of these. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "hello_http.h"

enum client_state {
	CLIENT_HEAD,
	CLIENT_BODY,
	CLIENT_ANSWER,
	CLIENT_LINGER, /* refused: what it still sends is read and dropped, or a reset would overtake the answer */
};

struct client {
	int fd;
	enum client_state state;
	time_t active; /* seconds of CLOCK_MONOTONIC when something last moved */
	bool served; /* an answer was sent */
	bool refused; /* the answer is an error: the last one */
	bool again; /* stopped in the middle, so that others have their turn */
	bool watches_write; /* what epoll waits for */
	struct http_request request;
	uint64_t body_left;
	size_t lingered;
	uint64_t body_hash;
	char *json; /* NULL: holds the connection, and never answers */
	size_t json_size;
	char *out; /* the answer; room for @out_max bytes */
	size_t out_max;
	size_t out_size;
	size_t out_sent;
	size_t in_size;
	char in[HTTP_HEAD_BYTES_MAX];
};

/* Takes @fd and @json over in every case. NULL: no memory. */
struct client *client_new_consume(int fd, char *json, size_t json_size);
void client_free(struct client *client);

/*
 * Reads, answers and goes on with the next request as far as it goes. @last: no request after this one. Returns false
 * when the connection has to end; client_wants_write() then says nothing.
 */
bool client_run(struct client *client, bool last);

static inline bool client_wants_write(const struct client *client)
{
	return client->state == CLIENT_ANSWER || client->again;
}

/* True between requests: nothing is lost if it ends now. */
static inline bool client_is_idle(const struct client *client)
{
	return client->state == CLIENT_HEAD && client->in_size == 0 && client->served;
}
