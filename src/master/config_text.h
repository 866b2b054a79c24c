/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The text of a configuration file, made safe for libconfuse, whose scanner miscounts lines behind comments, passes
 * over characters that it does not know, and takes an unfinished comment or section for a finished one.
 */
#include <stddef.h>

#include "master/config.h"

struct config_text {
	char *bytes; /* comments are blank, lines are where they were; no NUL within, one behind */
	size_t size;
	unsigned int open_line; /* of the innermost brace that is never closed; 0: all are */
};

/*
 * Reads the file and blanks its comments. Returns 0, -EINVAL with @reterr filled, or -ENOMEM. The text is for
 * config_text_free(), after a failure too.
 */
int config_text_read(const char *path, struct config_text *ret, struct config_error *reterr);

/* The second half of config_text_read(), for bytes that @t already has. @file is for messages. */
int config_text_clean(struct config_text *t, const char *file, struct config_error *reterr);

void config_text_free(struct config_text *t);
