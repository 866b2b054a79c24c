/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The table of all keys of usher.conf(5), and how one value is read from text, printed and freed, by its kind. The
 * file parser, the command line, -T and the test of the manual page walk this table and know no key by themselves.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum config_scope { CONFIG_SCOPE_TOP, CONFIG_SCOPE_LISTENER, CONFIG_SCOPE_POOL, CONFIG_SCOPE_COUNT };

enum config_kind {
	CONFIG_KIND_TEXT, /* char *; "" is NULL */
	CONFIG_KIND_PATH, /* the same, of at most @max bytes */
	CONFIG_KIND_NAME, /* char[NAME_BYTES_MAX] */
	CONFIG_KIND_ADDRESS, /* struct addr */
	CONFIG_KIND_TRUST, /* list of texts, each one entry of a trust list */
	CONFIG_KIND_LIST, /* list of texts, at most @max */
	CONFIG_KIND_DURATION, /* nanoseconds, or seconds where @unit says so */
	CONFIG_KIND_NUMBER,
	CONFIG_KIND_SHARDS, /* number, or "auto" = 0 */
	CONFIG_KIND_BOOLEAN,
	CONFIG_KIND_CHOICE, /* an index into @words */
};

enum { CONFIG_KEYS_MAX = 20 }; /* in one scope */

struct config_key {
	const char *name;
	enum config_scope scope;
	enum config_kind kind;
	size_t offset; /* of the field in struct config, config_listener or config_pool */
	size_t size; /* of the field */
	size_t count_offset; /* lists: of the field that counts */
	const char *const *words; /* choices; NULL terminated */
	uint64_t min; /* durations: in ns; inclusive */
	uint64_t max;
	uint64_t unit; /* durations: how many ns make one in the field */
	const char *
		fallback; /* the default as the file would say it; NULL: must be given; lists: NULL is empty */
	const char *fallback_words; /* for people, where @fallback does not say it */
	bool fixed; /* a reload does not change it */
	const char *help;
};

/* "", "listener", "pool" */
const char *config_scope_name(enum config_scope scope);

/* The rows of one scope, in the order of the manual. */
const struct config_key *config_keys(enum config_scope scope, size_t *ret_count);

/* NULL when there is none. */
const struct config_key *config_key_find(enum config_scope scope, const char *name);

bool config_key_is_list(const struct config_key *key);

/* Where the key's value is in @object, which is the struct of its scope. */
void *config_key_field(const struct config_key *key, void *object);
const void *config_key_field_const(const struct config_key *key, const void *object);
size_t *config_key_count(const struct config_key *key, void *object);
