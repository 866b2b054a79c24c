/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A configuration in the making: takes sections and values in the order in which they were written, remembers where,
 * and keeps the first thing that is wrong. Whoever reads (the file parser, the command line) feeds it; config_check()
 * then completes it. Owns the configuration until config_draft_finish() gives it away.
 */
#include <stddef.h>

#include "base/limits.h"
#include "master/config.h"
#include "master/config_schema.h"

/* Where a section and its keys were written; line 0: nowhere. */
struct config_place {
	unsigned int line;
	unsigned int key_lines[CONFIG_KEYS_MAX];
};

struct config_draft {
	struct config *config;
	const char *file; /* borrowed; NULL: from the command line, and places are names of options */
	struct config_error *error; /* borrowed; holds the first failure */
	int failure; /* 0, or a negative errno */
	enum config_scope scope; /* where the next value belongs */
	size_t trust_count; /* over all listeners */
	size_t warnings_left_out;
	struct config_place top;
	struct config_place listeners[LISTENERS_MAX];
	struct config_place pools[POOLS_MAX];
};

/* Returns 0 or -ENOMEM. @file and @error are borrowed until config_draft_finish(). */
int config_draft_begin(struct config_draft *d, const char *file, struct config_error *error);

/*
 * A new listener or pool begins; later values are its own. The calls that can fail return 0 or the failure, which
 * stays: after it nothing more is taken.
 */
int config_draft_section(struct config_draft *d, enum config_scope scope, const char *name,
                         unsigned int line);

/* One value, or one entry of a list. @first: not a further entry of the same list. */
int config_draft_value(struct config_draft *d, const struct config_key *key, const char *text,
                       unsigned int line, bool first);

/* Ends a section: later values belong to the top again. */
void config_draft_top(struct config_draft *d);

/* Records what is wrong at @line, or in the option that stands for @key; only the first counts. */
__attribute__((format(printf, 4, 5))) int config_draft_fail(struct config_draft *d,
                                                            const struct config_key *key, unsigned int line,
                                                            const char *format, ...);

/* Something accepted that is probably not meant. */
__attribute__((format(printf, 4, 5))) void config_draft_warn(struct config_draft *d,
                                                             const struct config_key *key, unsigned int line,
                                                             const char *format, ...);

/* The line of a key in a section, or the section's own where the key was not written. */
unsigned int config_place_line(const struct config_place *place, const struct config_key *key);
bool config_place_has(const struct config_place *place, const struct config_key *key);

/* Gives the configuration to @ret_config if nothing failed, otherwise frees it. Returns 0 or the failure. */
int config_draft_finish(struct config_draft *d, struct config **ret_config);

/* config_check.c: defaults, what must be there, and what must fit together. Returns 0 or the failure. */
int config_check(struct config_draft *d);
