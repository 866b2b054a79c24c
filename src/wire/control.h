/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the master, its shards and the reclaimer say to each other, over one SOCK_SEQPACKET pair each. A message is one
 * struct control and up to CONTROL_FDS_MAX fds. Both ends are the same binary, so there is no version; a message of
 * another size is a bug and ends the conversation.
 *
 *   master → shard      START (plan, board, taken-back socket) · LISTENER (socket) ×n · WORKER (shard's end, worker's
 *                       end) · ARM · DROP · RECLAIMED · LOST · STOP
 *   shard → master      READY · FAILED · STUCK · FAULT
 *   master → reclaimer  START (board) · SHARD (its taken-back socket) · SHARD_GONE · TAKE (worker's end)
 *   reclaimer → master  TAKEN · LOST
 */
#include <stddef.h>
#include <stdint.h>

#include "sys/fdpass.h"

enum control_type {
	CONTROL_START = 1,
	CONTROL_LISTENER,
	CONTROL_WORKER,
	CONTROL_ARM,
	CONTROL_DROP, /* close this worker's channel */
	CONTROL_RECLAIMED, /* what this stuck worker had not read has been read back */
	/* can't be had back: this worker's unread connections, or (CONTROL_NO_WORKER) @count of @listener */
	CONTROL_LOST,
	CONTROL_STOP, /* accept no more, finish within @deadline_ns, exit 0 */
	CONTROL_READY,
	CONTROL_FAILED, /* @text; the shard exits */
	CONTROL_STUCK, /* take back what this worker has not read */
	CONTROL_FAULT, /* this worker did @code to its channel: drop it */
	CONTROL_SHARD,
	CONTROL_SHARD_GONE,
	CONTROL_TAKE, /* to the end (@code 1) or until nothing is there (@code 0) */
	CONTROL_TAKEN,
};

enum control_fault {
	CONTROL_FAULT_NONE,
	CONTROL_FAULT_SHUT, /* it shut its end down, or closed it */
	CONTROL_FAULT_RIGHTS, /* it refuses fds (SO_PASSRIGHTS) */
	CONTROL_FAULT_MESSAGE, /* a message that makes no sense */
	CONTROL_FAULT_DONE, /* it reports more connections finished than it has */
	CONTROL_FAULT_BLOCKED, /* it holds the channel so that nobody else can read it */
	CONTROL_FAULT_COUNT
};

enum { CONTROL_FDS_MAX = 4, CONTROL_TEXT_BYTES = 256 };

#define CONTROL_NO_WORKER UINT32_MAX

struct control {
	uint32_t type; /* enum control_type */
	uint32_t slot; /* START, SHARD: the generation's place on the board */
	uint32_t shard;
	uint32_t worker; /* row of the worker table */
	uint64_t number; /* of the worker; START: of this instance of a shard, part of connection ids */
	uint64_t ticket; /* TAKE, TAKEN: which request */
	uint32_t code;
	int32_t error;
	uint32_t pool;
	uint32_t batch;
	uint32_t listener;
	uint32_t cpu;
	uint32_t features; /* START: the mask of those to do without; READY: those in use */
	uint32_t count; /* TAKEN: connections given to shards; LOST */
	uint64_t deadline_ns;
	char text[CONTROL_TEXT_BYTES];
};

/* Borrows the fds. 0 or -errno. */
int control_send(int socket, const struct control *message, const int *fds, size_t count);

/*
 * enum fdpass_result or -errno (-EBADMSG: not a control message; its fds are closed). The fds are the caller's;
 * ret_fds has CONTROL_FDS_MAX places, -1 where none came.
 */
int control_receive(int socket, struct control *ret, int ret_fds[CONTROL_FDS_MAX]);

/* What a worker did, for people. */
const char *control_fault_text(enum control_fault fault);
