/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * usherd's command line as values. Borrows every text from argv. Refuses to act: what to do, print and return is the
 * caller's business.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "master/config.h"

enum { OPTIONS_WITHOUT_MAX = 64, OPTIONS_TRUST_MAX = 64, OPTIONS_EXIT_USAGE = 2 };

enum options_what {
	OPTIONS_RUN,
	OPTIONS_CHECK, /* -t */
	OPTIONS_PRINT, /* -T */
	OPTIONS_HELP,
	OPTIONS_VERSION,
};

enum options_role { OPTIONS_ROLE_MASTER, OPTIONS_ROLE_SHARD, OPTIONS_ROLE_RECLAIMER };

struct options {
	enum options_what what;
	enum options_role role; /* --role, which the master alone gives to what it starts */
	const char *file; /* NULL: there is none, @arguments stand for it */
	const char *listen[LISTENERS_MAX + 1]; /* NULL terminated, as all lists here */
	const char *trust[OPTIONS_TRUST_MAX + 1];
	const char *pool;
	const char *admin;
	bool accept_local_sources;
	const char *without[OPTIONS_WITHOUT_MAX + 1]; /* features, by the names that usherctl doctor shows */
	bool take_over;
	bool log_level_given;
	enum config_log_level log_level;
};

/* One line to print, which begins with "usherd: ". */
struct options_error {
	char text[256];
};

/* Returns 0, or -EINVAL with @reterr filled: print it and exit with OPTIONS_EXIT_USAGE. */
int options_parse(int argc, char *const *argv, struct options *ret, struct options_error *reterr);

/* What config_from_arguments() wants; borrows from @o. For use when @o->file is NULL. */
struct config_arguments options_arguments(const struct options *o);

void options_print_help(FILE *file);
