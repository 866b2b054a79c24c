/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The configuration as the user wrote it, checked: from a file (libconfuse) or from the command line. Owns its memory.
 * Nothing else in Usher sees the file parser. Refuses to open sockets, resolve users or look at the host, so that
 * `usherd -t` can never disturb a running instance.
 *
 * Every key is one row of the table in config_schema.c: name, type, range, default, one line of help. The parser, -T
 * and the test that compares usher.conf(5) with it all walk that table.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/limits.h"
#include "core/addr.h"
#include "core/trust.h"

enum config_proxy { CONFIG_PROXY_REQUIRE, CONFIG_PROXY_MIXED, CONFIG_PROXY_OFF };
enum config_accept { CONFIG_ACCEPT_AUTO, CONFIG_ACCEPT_MULTISHOT, CONFIG_ACCEPT_WINDOW };
enum config_local { CONFIG_LOCAL_DELIVER, CONFIG_LOCAL_CLOSE };
enum config_choose { CONFIG_CHOOSE_LEAST_CONNECTIONS, CONFIG_CHOOSE_ROUND_ROBIN };
enum config_log_level { CONFIG_LOG_ERROR, CONFIG_LOG_WARNING, CONFIG_LOG_INFO, CONFIG_LOG_DEBUG };

struct config_listener {
	char name[NAME_BYTES_MAX];
	struct addr address; /* port 0 is allowed: the kernel chooses, `usherctl listeners` tells */
	bool v6_only; /* "[::]:443" is dual stack unless this is set */
	char **trust; /* the texts, in order; NULL terminated */
	size_t trust_count;
	struct trust_range *ranges; /* built; @range_count of them */
	size_t range_count;
	enum config_proxy proxy;
	enum config_accept accept;
	enum config_local local;
	uint8_t vendor; /* enum handoff_vendor */
	bool accept_local_sources;
	bool dotted_tail;
	uint64_t header_deadline_ns;
	uint32_t header_limit;
	uint32_t backlog;
	uint32_t defer_accept_s; /* TCP_DEFER_ACCEPT, seconds; 0 = off (the default) */
	char pool[NAME_BYTES_MAX];
	uint32_t pool_index; /* into pools */
};

struct config_pool {
	char name[NAME_BYTES_MAX];
	char *socket; /* path */
	char **users; /* names or numbers that may register; empty: only our own user and root */
	size_t user_count;
	char **groups;
	size_t group_count;
	enum config_choose choose;
	uint32_t window;
	uint32_t queue_size;
	uint64_t queue_deadline_ns;
	uint64_t take_back_deadline_ns;
};

/* Owned by whoever got it from config_load() or config_from_arguments(). */
struct config {
	char *file; /* path, or NULL when it came from the command line */
	char *admin_socket;
	char *state_directory; /* NULL: none */
	char *user; /* NULL: stay who we are */
	uint32_t shards; /* 0 = auto: one per CPU that affinity allows */
	enum config_log_level log_level;
	uint64_t stop_deadline_ns;
	uint64_t orphan_deadline_ns;
	uint64_t shard_deadline_ns; /* a shard that has not ticked for so long is replaced; default 5s */
	struct config_listener *listeners;
	size_t listener_count;
	struct config_pool *pools;
	size_t pool_count;
	char **warnings; /* accepted, but probably not meant: "FILE:LINE: message"; up to CONFIG_WARNINGS_MAX */
	size_t warning_count;
};

/* What is wrong, for one line: "FILE:LINE: message" or "--listen: message". */
struct config_error {
	char text[512];
};

/* What the command line may say instead of a file; NULL where it was not given. */
struct config_arguments {
	const char *const *listen; /* "ADDR:PORT", NULL terminated */
	const char *const *trust; /* "CIDR[,CIDR…]", NULL terminated */
	const char *pool; /* the pool's socket path */
	const char *admin;
	bool accept_local_sources;
};

/*
 * Return 0, or -EINVAL with @reterr filled, or -ENOMEM. @ret is for config_free(); untouched on failure.
 * Not reentrant: libconfuse has one scanner per process.
 */
int config_load(const char *path, struct config **ret, struct config_error *reterr);
int config_load_text(const char *text, size_t size, const char *name, struct config **ret,
                     struct config_error *reterr); /* from memory; @name stands for the path in messages */
int config_from_arguments(const struct config_arguments *arguments, struct config **ret,
                          struct config_error *reterr);

/* NULL is fine; returns NULL. */
struct config *config_free(struct config *config);

/*
 * The effective configuration, every key, in the file's own syntax, which config_load() reads back to the same.
 * Returns 0 or a negative errno of the write.
 */
int config_print(const struct config *config, FILE *file);

/* /run/usher/admin.sock, or usher/admin.sock in XDG_RUNTIME_DIR for an ordinary user. To be freed. */
char *config_default_admin_socket(void);
