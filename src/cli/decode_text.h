/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the parser answers, for a person: what the header says, or which byte it is refused for, what that means and
 * what to do. Foreign bytes are escaped and bounded.
 */
#include <stdio.h>

#include "cli/decode_json.h"

/* Returns what the parser answered; errors of @out stay for ferror(). */
enum proxy_result decode_text(FILE *out, const uint8_t *bytes, size_t size,
                              const struct decode_options *options);
