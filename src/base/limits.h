/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Every maximum in Usher, with its unit and its reason. A table, queue, buffer or loop that has no line here has no
 * business to exist. The wire's own limits (what a worker may rely on) are in core/handoff.h.
 */

enum {
	/* configuration */
	SHARDS_MAX = 253, /* one WELCOME message carries a channel to each */
	LISTENERS_MAX = 64, /* rows of the ledger per shard */
	POOLS_MAX = 32,
	WORKERS_MAX =
		1024, /* registered at once, over all pools; rows of the worker table in shared memory */
	TRUST_RANGES_MAX = 65536, /* CIDR entries over all listeners */
	OWN_ADDRESSES_MAX = 4096, /* addresses of this host, for local_source */
	NAME_BYTES_MAX = 64, /* listener, pool and worker names, with the NUL */
	CONFIG_FILE_BYTES_MAX = 4 * 1024 * 1024, /* TRUST_RANGES_MAX entries with room to spare */
	CONFIG_WARNINGS_MAX = 32, /* texts kept; the last one says that there were more */
	SOCKET_PATH_BYTES_MAX =
		104, /* with the NUL; sun_path holds 4 more: a socket is made at its path and ".new" */
	STATE_DIRECTORY_BYTES_MAX = 80, /* with the NUL; leaves room for the names of sockets in it */
	POOL_USERS_MAX = 32, /* users and groups that may register with one pool */

	/* PROXY header */
	HEADER_V1_BYTES_MAX = 107, /* specification 2.1: worst-case line with its CRLF */
	HEADER_V2_BYTES_MIN = 16, /* signature, version and command, family, length */
	HEADER_BYTES_MAX = 65551, /* 16 + the largest 16-bit length */
	HEADER_LIMIT_DEFAULT = 4096, /* the client-certificate TLV of 2026 is 1 to 2 KiB */
	HEADER_LIMIT_MIN =
		232, /* 16 + two Unix addresses: below it valid headers without TLVs would be refused */

	/* one shard */
	RING_SQ_ENTRIES = 256,
	RING_CQ_ENTRIES = 1024, /* bounds how much of a backlog one multishot accept can take */
	RING_ENTRIES_MIN = 64, /* smallest submission queue tried when RLIMIT_MEMLOCK is short */
	ACCEPT_WINDOW = 256, /* single-shot accepts in flight per listening socket */
	PEEK_BUFFERS = 1024, /* provided buffers; a power of two */
	PEEK_BUFFER_BYTES = 512, /* a longer header is collected in the stash */
	STASH_CHUNK_BYTES = 512,
	FDS_RESERVED = 512, /* kept free in a shard: channels, control, one largest taken-back message */
	LOG_RECORDS = 1024, /* per shard, in shared memory; a power of two */
	LOG_LINES_PER_SECOND = 100, /* per shard; what is over is counted in the next line */

	/* libusher */
	LIB_CHANNELS_MAX = 1024, /* SHARDS_MAX for each of GENERATIONS_MAX */
	LIB_EVENTS = 64, /* taken from epoll at once; the rest comes in the next turn */
	LIB_TURNS_MAX =
		64, /* turns of one usher_next() that lead to nothing before it lets the caller's loop run */
	LIB_BATCH_DEFAULT = 64,
	LIB_DONE_MAX = 32, /* connections one DONE waits for */
	LIB_DONE_DELAY_MS = 1, /* how long a DONE waits for more of them */
	LIB_RETRY_MS = 50, /* until a send or receive that had no room is tried again */
	LIB_ANSWER_MS = 5000, /* how long an answer to HELLO may take */
	LIB_RECONNECT_MS_MIN = 20, /* first pause before a new registration; it doubles */
	LIB_RECONNECT_MS_MAX = 2000,
	LIB_DROPPED_MS = 10000, /* after DROPPED: how long the old channels may take to end */
	LIB_FDS_SPARE = 32, /* descriptors left to the application when receiving near its limit */
	LIB_CONTROL_SPARE_BYTES = 512, /* credentials, time stamps and the like that socket options can add */

	/* master */
	GENERATIONS_MAX = 4,
	ADMIN_CLIENTS_MAX = 32,
	MASTER_FDS_RESERVED = 128, /* not for workers: admin clients, take-backs, a new shard's sockets */
	ADMIN_REQUEST_BYTES_MAX = 1024,
	ADMIN_ANSWER_BYTES_MAX = 16 << 20, /* rows of `check` for every listener, shard and generation */
	CHANNELS_ORPHANED_MAX = 4096, /* unread channels of dead shards that still wait for their workers */
};
