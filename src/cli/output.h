/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* JSON for programs, which may still reach a terminal: one line, ASCII, no control byte. Owns nothing. */
#include <jansson.h>
#include <stdio.h>

void output_json(const json_t *value, FILE *out);

/* {"error": "why"} */
void output_error(const char *why, FILE *out);
