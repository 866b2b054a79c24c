/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The wire between Usher and workers: the messages on a pool's socket (registration) and on a channel (hand-off).
 * docs/protocol.md is the prose; this file and handoff.c are the one definition that the gateway and libusher share.
 *
 * All fields are fixed width, host byte order, 8-byte aligned; every message begins with struct handoff_head. Both
 * sides are on one host, so there is nothing to swap. A receiver checks @version and @length before anything else,
 * ignores flags it does not know, and treats a message it does not know as a protocol error.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"

enum {
	HANDOFF_VERSION = 1,
	HANDOFF_FDS_MAX = 253, /* the kernel's limit for one SCM_RIGHTS message */
	HANDOFF_BYTES_MAX = 128 * 1024, /* one CONNS message */
	HANDOFF_CONTROL_BYTES_MAX = 512, /* any other message */
	HANDOFF_NAME_BYTES = 64, /* a worker's name with its NUL */
	HANDOFF_TEXT_BYTES = 256, /* an error's text with its NUL */
	HANDOFF_UNIX_BYTES = 216, /* two Unix addresses of 108 bytes as in a v2 header */
};

enum handoff_type {
	/* pool socket, worker to Usher */
	HANDOFF_HELLO = 1,
	HANDOFF_PAUSE = 2,
	HANDOFF_RESUME = 3,
	HANDOFF_DRAIN = 4,
	/* pool socket, Usher to worker */
	HANDOFF_WELCOME = 16, /* with channel ends as fds */
	HANDOFF_ERROR = 17,
	/* channel, Usher to worker */
	HANDOFF_CONNS = 32, /* with connections as fds */
	HANDOFF_GOAWAY = 33,
	/* channel, worker to Usher */
	HANDOFF_DONE = 48,
	HANDOFF_LOST = 49,
};

struct handoff_head {
	uint16_t type; /* enum handoff_type */
	uint16_t version; /* HANDOFF_VERSION */
	uint32_t length; /* of the whole message with this head */
};

enum {
	HANDOFF_HELLO_SENDS_DONE = 1U << 0, /* this worker reports each connection that it has finished */
	HANDOFF_HELLO_ONE_CPU = 1U << 1, /* @cpu is set: only the shard on that CPU is wanted */
};

struct handoff_hello {
	struct handoff_head head;
	uint32_t flags;
	/* connections that it keeps open at once; 0 = no limit; other than 0 needs SENDS_DONE */
	uint32_t capacity;
	uint32_t batch; /* most connections it wants in one message, 1 to HANDOFF_FDS_MAX */
	uint32_t cpu;
	/*
	 * SENDS_DONE: how many connections it still has open from an earlier registration. They count against
	 * @capacity, and it will report them as done on its new channels.
	 */
	uint32_t open;
	char name[HANDOFF_NAME_BYTES]; /* NUL terminated; for people */
	uint32_t zero;
};

struct handoff_welcome {
	struct handoff_head head;
	uint64_t worker; /* this worker's number in Usher's tables and logs */
	uint32_t generation; /* whose channels these are; those of older ones end by themselves */
	uint32_t channels; /* fds with this message */
	uint32_t pid; /* Usher's master */
	uint32_t zero;
};

enum handoff_error_code {
	HANDOFF_ERROR_VERSION = 1, /* another protocol version: text names Usher's */
	HANDOFF_ERROR_PROTOCOL = 2, /* a message that makes no sense */
	HANDOFF_ERROR_DENIED = 3, /* this user or group may not register with this pool */
	HANDOFF_ERROR_FULL = 4, /* no room for another worker: try again later */
	HANDOFF_ERROR_CPU = 5, /* no shard on that CPU */
	HANDOFF_ERROR_STOPPING = 6, /* Usher is going down: try again later */
	HANDOFF_ERROR_DROPPED = 7, /* it was registered, and is no more: text says why */
};

struct handoff_error {
	struct handoff_head head;
	uint32_t code;
	uint32_t zero;
	char text[HANDOFF_TEXT_BYTES]; /* NUL terminated */
};

/* PAUSE, RESUME, DRAIN: the head alone. */

/* CONNS: this, then @count records, then their data; and @count fds in the order of the records. */
struct handoff_conns {
	struct handoff_head head;
	uint32_t count; /* 0 to HANDOFF_FDS_MAX; 0 asks only whether anybody reads: ignore it */
	uint32_t listener; /* which listener accepted them, for LOST */
	uint64_t sequence; /* of this message on this channel, from 1 */
};

enum {
	HANDOFF_CONN_PROXIED = 1U << 0, /* a PROXY header was read and removed */
	HANDOFF_CONN_LOCAL = 1U << 1, /* its command was LOCAL: the balancer itself speaks */
	HANDOFF_CONN_CHECKED = 1U << 2, /* it carried a CRC32C TLV, which was right */
	HANDOFF_CONN_DGRAM = 1U << 3, /* the stated transport is datagram */
	HANDOFF_CONN_RETAKEN = 1U << 4, /* another worker had it in its queue and did not read it */
};

enum handoff_vendor {
	HANDOFF_VENDOR_NONE,
	HANDOFF_VENDOR_AWS,
	HANDOFF_VENDOR_AZURE,
	HANDOFF_VENDOR_GCP,
	HANDOFF_VENDOR_ALIBABA
};

struct handoff_conn {
	uint64_t id; /* unique while Usher runs: the same as in its logs */
	uint64_t deadline; /* CLOCK_MONOTONIC, ns: Usher's own, for a take-back; of no meaning to a worker */
	uint32_t flags;
	uint8_t proxy_version; /* 0 (no header), 1 or 2 */
	uint8_t vendor; /* enum handoff_vendor: how the listener says to read TLVs 0xE0 to 0xEF */
	uint16_t unix_bytes; /* at @data_offset: 0, or HANDOFF_UNIX_BYTES (source, destination) */
	uint32_t data_offset; /* from the start of the message; TLVs follow the Unix addresses */
	uint32_t tlv_bytes;
	struct addr peer; /* who opened the TCP connection */
	struct addr source; /* what the header states; family ADDR_NONE where it states nothing */
	struct addr destination; /* the same */
	uint32_t zero;
};

struct handoff_goaway {
	struct handoff_head head;
	uint32_t code; /* enum handoff_error_code; 0: the worker asked for it */
	uint32_t zero;
};

struct handoff_done {
	struct handoff_head head;
	uint64_t count; /* connections finished since the last DONE */
};

struct handoff_lost {
	struct handoff_head head;
	uint32_t listener; /* from the CONNS message */
	uint32_t count; /* fds that did not arrive with it */
};

_Static_assert(sizeof(struct addr) == 20, "wire");
_Static_assert(sizeof(struct handoff_head) == 8, "wire");
_Static_assert(sizeof(struct handoff_hello) == 96, "wire");
_Static_assert(sizeof(struct handoff_welcome) == 32, "wire");
_Static_assert(sizeof(struct handoff_error) == 272, "wire");
_Static_assert(sizeof(struct handoff_conns) == 24, "wire");
_Static_assert(sizeof(struct handoff_conn) == 96, "wire");
_Static_assert(sizeof(struct handoff_goaway) == 16, "wire");
_Static_assert(sizeof(struct handoff_done) == 16, "wire");
_Static_assert(sizeof(struct handoff_lost) == 16, "wire");

/* A head for a message of @length bytes. */
struct handoff_head handoff_head_of(enum handoff_type type, size_t length);

/*
 * True if @size bytes are one whole message of a version and type that we know, with the length that its type must
 * have (CONNS: see handoff_conns_check()). @bytes must be 8-byte aligned.
 */
bool handoff_head_check(const void *bytes, size_t size);

/* True if @bytes is a CONNS message whose records and data all lie inside it. */
bool handoff_conns_check(const void *bytes, size_t size);

/* Record @i of a checked CONNS message. Borrowed from it. */
const struct handoff_conn *handoff_conns_record(const void *bytes, uint32_t i);

/* True if @hello makes sense; otherwise @ret_why is what to tell the worker. */
bool handoff_hello_check(const struct handoff_hello *hello, const char **ret_why);
