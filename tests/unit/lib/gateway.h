/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A gateway for the tests of libusher: a pool's socket in a directory of its own and the shards' ends of channels, all
 * in the test's process. Only the answer to HELLO comes from a thread, since usher_open() waits for it.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <usher/usher.h>

#include "core/handoff.h"

enum { GATEWAY_CHANNELS_MAX = 16 };

struct gateway {
	char dir[64];
	char path[96];
	int listen_fd;
	int worker; /* the registration */
	int shard[GATEWAY_CHANNELS_MAX]; /* the shards' ends */
	unsigned shards;
	uint32_t generation;
	struct handoff_hello hello; /* the last one */
	uint64_t next_id;
	/* what the thread answers */
	pthread_t thread;
	unsigned answer_channels;
	uint32_t answer_code; /* 0: WELCOME */
};

void gateway_open(struct gateway *g);
void gateway_close(struct gateway *g);
void gateway_listen(struct gateway *g);

/* Ends the registration and all channels, and stops listening. */
void gateway_die(struct gateway *g);

/* Answers the next HELLO with @channels, or with the error @code; gateway_answered() waits until it has. */
void gateway_answer(struct gateway *g, unsigned channels, uint32_t code);
void gateway_answered(struct gateway *g);

/* A handle with @channels on a new gateway. */
struct usher *gateway_worker(struct gateway *g, unsigned channels, struct usher_options options);

/* One more WELCOME with @channels. */
void gateway_welcome(struct gateway *g, unsigned channels);

/* An ERROR on the registration. */
void gateway_error(struct gateway *g, uint32_t code);

/* Sends @count new connections in one message, with @tlv in each. The clients' ends go to @ret_clients unless NULL. */
void gateway_send(struct gateway *g, unsigned shard, uint32_t count, const void *tlv, size_t tlv_size,
                  int *ret_clients);

/* Sends @size bytes and @count copies of @fd as they are. */
void gateway_send_raw(int socket, const void *bytes, size_t size, int fd, unsigned count);

/* Receives one message from the worker; 0 when there is none now, also at the end. */
size_t gateway_receive(int socket, void *ret_bytes, size_t size);

/* Receives DONE messages from @shard: how many connections they say. */
uint64_t gateway_done(struct gateway *g, unsigned shard);

/* True once usher_fd() is readable, for which it waits. */
bool gateway_wait(struct usher *u);

/* Calls usher_next() until there is something to return that is not 0, waiting for usher_fd() in between. */
int gateway_next(struct usher *u, const struct usher_conn **ret_conn);

/* How many fds this process has open. */
unsigned gateway_fds(void);
