/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One value of the configuration: from text into its field, and from the field to text, as the row of its key says.
 * Knows nothing of files, lines or other keys.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/addr.h"
#include "master/config_schema.h"

enum { CONFIG_WHY_BYTES = 384 };

/* What is wrong with a value, to be read after "KEY: ". */
struct config_why {
	char text[CONFIG_WHY_BYTES];
};

/*
 * Sets the field of @key in @object; a list gets one entry more. What the field held before is freed.
 * Returns 0, -EINVAL with @retwhy filled, or -ENOMEM.
 */
int config_value_set(const struct config_key *key, void *object, const char *text, struct config_why *retwhy);

/* The value in the file's syntax: "[::]:443" in quotes, {…}, 10s, yes. Errors stay in @file. */
void config_value_print(const struct config_key *key, const void *object, FILE *file);

void config_value_free(const struct config_key *key, void *object);

/* "ADDRESS:PORT", "[IPV6]:PORT" or "*:PORT", which is [::]:PORT. Return values as above. */
int config_address_parse(const char *text, struct addr *ret, struct config_why *retwhy);

/* A listener's or pool's name, into char[NAME_BYTES_MAX]. Return values as above. */
int config_name_parse(const char *text, char *ret_name, struct config_why *retwhy);

/* "500ms", "10s", "5m", "1h", in nanoseconds. Return values as above. */
int config_duration_parse(const char *text, uint64_t *ret_ns, struct config_why *retwhy);

/* In the largest unit that divides it. Returns @text, which holds CONFIG_DURATION_BYTES. */
enum { CONFIG_DURATION_BYTES = 32 };
const char *config_duration_text(uint64_t ns, char *text);
