/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys: see config_schema.h. */
#include "master/config_schema.h"

#include <string.h>

#include "master/config.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

#define FIELD(type, member) \
	.offset = offsetof(struct type, member), .size = sizeof(((struct type *)0)->member)
#define COUNTED(type, member, count) FIELD(type, member), .count_offset = offsetof(struct type, count)

static const char *const log_levels[] = { "error", "warning", "info", "debug", NULL };
static const char *const proxies[] = { "require", "mixed", "off", NULL };
static const char *const accepts[] = { "auto", "multishot", "window", NULL };
static const char *const locals[] = { "deliver", "close", NULL };
static const char *const vendors[] = { "none", "aws", "azure", "gcp", "alibaba", NULL };
static const char *const chooses[] = { "least-connections", "round-robin", NULL };

static const struct config_key top_keys[] = {
	{ .name = "admin-socket",
	  .scope = CONFIG_SCOPE_TOP,
	  .kind = CONFIG_KIND_PATH,
	  FIELD(config, admin_socket),
	  .max = SOCKET_PATH_BYTES_MAX - 1,
	  .fallback = "",
	  .fallback_words = "/run/usher/admin.sock",
	  .fixed = true,
	  .help = "socket on which usherctl asks" },
	{ .name = "state-directory",
	  .scope = CONFIG_SCOPE_TOP,
	  .kind = CONFIG_KIND_PATH,
	  FIELD(config, state_directory),
	  .max = STATE_DIRECTORY_BYTES_MAX - 1,
	  .fallback = "",
	  .fallback_words = "none",
	  .fixed = true,
	  .help = "where a successor finds this instance to take over from" },
	{ .name = "user",
	  .scope = CONFIG_SCOPE_TOP,
	  .kind = CONFIG_KIND_TEXT,
	  FIELD(config, user),
	  .max = NAME_BYTES_MAX - 1,
	  .fallback = "",
	  .fallback_words = "none",
	  .fixed = true,
	  .help = "user to become before anything is opened" },
	{ .name = "shards",
	  .scope = CONFIG_SCOPE_TOP,
	  .kind = CONFIG_KIND_SHARDS,
	  FIELD(config, shards),
	  .min = 1,
	  .max = SHARDS_MAX,
	  .fallback = "auto",
	  .fixed = true,
	  .help = "processes that accept; auto is one for each CPU that we may run on" },
	{ .name = "log-level",
	  .scope = CONFIG_SCOPE_TOP,
	  .kind = CONFIG_KIND_CHOICE,
	  FIELD(config, log_level),
	  .words = log_levels,
	  .fallback = "info",
	  .help = "least important message that is logged" },
	{ .name = "stop-deadline",
	  .scope = CONFIG_SCOPE_TOP,
	  .kind = CONFIG_KIND_DURATION,
	  FIELD(config, stop_deadline_ns),
	  .min = 0,
	  .max = 24 * HOUR,
	  .unit = 1,
	  .fallback = "30s",
	  .help = "how long a stop waits for what was accepted" },
	{ .name = "orphan-deadline",
	  .scope = CONFIG_SCOPE_TOP,
	  .kind = CONFIG_KIND_DURATION,
	  FIELD(config, orphan_deadline_ns),
	  .min = 0,
	  .max = 24 * HOUR,
	  .unit = 1,
	  .fallback = "30s",
	  .help = "how long shards finish what they hold when the master is gone" },
	{ .name = "shard-deadline",
	  .scope = CONFIG_SCOPE_TOP,
	  .kind = CONFIG_KIND_DURATION,
	  FIELD(config, shard_deadline_ns),
	  .min = 500 * MS,
	  .max = 10 * MINUTE,
	  .unit = 1,
	  .fallback = "5s",
	  .help = "a shard that shows no life for so long is replaced" },
};

static const struct config_key listener_keys[] = {
	{ .name = "address",
	  .scope = CONFIG_SCOPE_LISTENER,
	  .kind = CONFIG_KIND_ADDRESS,
	  FIELD(config_listener, address),
	  .help = "address and port to listen on" },
	{ .name = "pool",
	  .scope = CONFIG_SCOPE_LISTENER,
	  .kind = CONFIG_KIND_NAME,
	  FIELD(config_listener, pool),
	  .help = "pool whose workers get the connections" },
	{ .name = "trust",
	  .scope = CONFIG_SCOPE_LISTENER,
	  .kind = CONFIG_KIND_TRUST,
	  COUNTED(config_listener, trust, trust_count),
	  .help = "peers that may speak for clients" },
	{ .name = "proxy",
	  .scope = CONFIG_SCOPE_LISTENER,
	  .kind = CONFIG_KIND_CHOICE,
	  FIELD(config_listener, proxy),
	  .words = proxies,
	  .fallback = "require",
	  .help = "whether connections begin with a PROXY header" },
	{ .name = "v6-only",
	  .scope = CONFIG_SCOPE_LISTENER,
	  .kind = CONFIG_KIND_BOOLEAN,
	  FIELD(config_listener, v6_only),
	  .fallback = "no",
	  .fixed = true,
	  .help = "an IPv6 address takes no IPv4 connections" },
	{ .name = "accept",
	  .scope = CONFIG_SCOPE_LISTENER,
	  .kind = CONFIG_KIND_CHOICE,
	  FIELD(config_listener, accept),
	  .words = accepts,
	  .fallback = "auto",
	  .help = "how connections are accepted" },
	{ .name = "accept-local-sources",
	  .scope = CONFIG_SCOPE_LISTENER,
	  .kind = CONFIG_KIND_BOOLEAN,
	  FIELD(config_listener, accept_local_sources),
	  .fallback = "no",
	  .help = "believe headers that state this host itself as the client" },
	{ .name = "local",
	  .scope = CONFIG_SCOPE_LISTENER,
	  .kind = CONFIG_KIND_CHOICE,
	  FIELD(config_listener, local),
	  .words = locals,
	  .fallback = "deliver",
	  .help = "what becomes of connections with the LOCAL command" },
	{ .name = "dotted-tail",
	  .scope = CONFIG_SCOPE_LISTENER,
	  .kind = CONFIG_KIND_BOOLEAN,
	  FIELD(config_listener, dotted_tail),
	  .fallback = "yes",
	  .help = "version 1: accept IPv6 addresses with a dotted IPv4 tail" },
	{ .name = "vendor",
	  .scope = CONFIG_SCOPE_LISTENER,
	  .kind = CONFIG_KIND_CHOICE,
	  FIELD(config_listener, vendor),
	  .words = vendors,
	  .fallback = "none",
	  .help = "whose meaning the TLV types 0xE0 to 0xEF have" },
	{ .name = "header-deadline",
	  .scope = CONFIG_SCOPE_LISTENER,
	  .kind = CONFIG_KIND_DURATION,
	  FIELD(config_listener, header_deadline_ns),
	  .min = 100 * MS,
	  .max = 1 * HOUR,
	  .unit = 1,
	  .fallback = "10s",
	  .help = "how long after accept the header may take" },
	{ .name = "header-limit",
	  .scope = CONFIG_SCOPE_LISTENER,
	  .kind = CONFIG_KIND_NUMBER,
	  FIELD(config_listener, header_limit),
	  .min = HEADER_LIMIT_MIN,
	  .max = HEADER_BYTES_MAX,
	  .fallback = "4096",
	  .help = "most bytes that a header may take" },
	{ .name = "backlog",
	  .scope = CONFIG_SCOPE_LISTENER,
	  .kind = CONFIG_KIND_NUMBER,
	  FIELD(config_listener, backlog),
	  .min = 1,
	  .max = 1000000,
	  .fallback = "65535",
	  .help = "connections that wait in the kernel for each shard" },
	{ .name = "defer-accept",
	  .scope = CONFIG_SCOPE_LISTENER,
	  .kind = CONFIG_KIND_DURATION,
	  FIELD(config_listener, defer_accept_s),
	  .min = 0,
	  .max = 5 * MINUTE,
	  .unit = SECOND,
	  .fallback = "0s",
	  .help = "TCP_DEFER_ACCEPT: how long a connection waits for its first byte before it is accepted" },
};

static const struct config_key pool_keys[] = {
	{ .name = "socket",
	  .scope = CONFIG_SCOPE_POOL,
	  .kind = CONFIG_KIND_PATH,
	  FIELD(config_pool, socket),
	  .max = SOCKET_PATH_BYTES_MAX - 1,
	  .help = "where workers register" },
	{ .name = "users",
	  .scope = CONFIG_SCOPE_POOL,
	  .kind = CONFIG_KIND_LIST,
	  COUNTED(config_pool, users, user_count),
	  .max = POOL_USERS_MAX,
	  .help = "users whose processes may register" },
	{ .name = "groups",
	  .scope = CONFIG_SCOPE_POOL,
	  .kind = CONFIG_KIND_LIST,
	  COUNTED(config_pool, groups, group_count),
	  .max = POOL_USERS_MAX,
	  .help = "groups whose processes may register" },
	{ .name = "choose",
	  .scope = CONFIG_SCOPE_POOL,
	  .kind = CONFIG_KIND_CHOICE,
	  FIELD(config_pool, choose),
	  .words = chooses,
	  .fallback = "least-connections",
	  .help = "which worker gets the next connection" },
	{ .name = "window",
	  .scope = CONFIG_SCOPE_POOL,
	  .kind = CONFIG_KIND_NUMBER,
	  FIELD(config_pool, window),
	  .min = 1,
	  .max = 65536,
	  .fallback = "256",
	  .help = "unread connections per worker and shard" },
	{ .name = "queue-size",
	  .scope = CONFIG_SCOPE_POOL,
	  .kind = CONFIG_KIND_NUMBER,
	  FIELD(config_pool, queue_size),
	  .min = 1,
	  .max = 1000000,
	  .fallback = "4096",
	  .help = "connections per shard that wait for a worker" },
	{ .name = "queue-deadline",
	  .scope = CONFIG_SCOPE_POOL,
	  .kind = CONFIG_KIND_DURATION,
	  FIELD(config_pool, queue_deadline_ns),
	  .min = 1 * MS,
	  .max = 1 * HOUR,
	  .unit = 1,
	  .fallback = "5s",
	  .help = "how long a connection waits for a worker" },
	{ .name = "take-back-deadline",
	  .scope = CONFIG_SCOPE_POOL,
	  .kind = CONFIG_KIND_DURATION,
	  FIELD(config_pool, take_back_deadline_ns),
	  .min = 10 * MS,
	  .max = 1 * HOUR,
	  .unit = 1,
	  .fallback = "500ms",
	  .help = "a worker that leaves a connection unread for so long is stuck" },
};

static const struct {
	const char *name;
	const struct config_key *keys;
	size_t count;
} scopes[CONFIG_SCOPE_COUNT] = {
	[CONFIG_SCOPE_TOP] = { "", top_keys, sizeof(top_keys) / sizeof(top_keys[0]) },
	[CONFIG_SCOPE_LISTENER] = { "listener", listener_keys,
	                            sizeof(listener_keys) / sizeof(listener_keys[0]) },
	[CONFIG_SCOPE_POOL] = { "pool", pool_keys, sizeof(pool_keys) / sizeof(pool_keys[0]) },
};

_Static_assert(sizeof(top_keys) / sizeof(top_keys[0]) <= CONFIG_KEYS_MAX, "table");
_Static_assert(sizeof(listener_keys) / sizeof(listener_keys[0]) <= CONFIG_KEYS_MAX, "table");
_Static_assert(sizeof(pool_keys) / sizeof(pool_keys[0]) <= CONFIG_KEYS_MAX, "table");
_Static_assert(HEADER_LIMIT_DEFAULT == 4096, "the default of header-limit is written as text");

const char *config_scope_name(enum config_scope scope)
{
	return scopes[scope].name;
}

const struct config_key *config_keys(enum config_scope scope, size_t *ret_count)
{
	*ret_count = scopes[scope].count;
	return scopes[scope].keys;
}

const struct config_key *config_key_find(enum config_scope scope, const char *name)
{
	for (size_t i = 0; i < scopes[scope].count; i++) {
		if (strcmp(scopes[scope].keys[i].name, name) == 0)
			return &scopes[scope].keys[i];
	}
	return NULL;
}

bool config_key_is_list(const struct config_key *key)
{
	return key->kind == CONFIG_KIND_TRUST || key->kind == CONFIG_KIND_LIST;
}

void *config_key_field(const struct config_key *key, void *object)
{
	return (char *)object + key->offset;
}

const void *config_key_field_const(const struct config_key *key, const void *object)
{
	return (const char *)object + key->offset;
}

size_t *config_key_count(const struct config_key *key, void *object)
{
	return (size_t *)(void *)((char *)object + key->count_offset);
}
