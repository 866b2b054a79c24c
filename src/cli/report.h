/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Answers of the master as tables. Owns nothing: answers are borrowed. A member that is missing or of another type
 * than wire/admin.h says is shown as "?", so that a usherctl of another version still shows the rest.
 */
#include <jansson.h>
#include <stdio.h>

void report_status(json_t *answer, FILE *out);
void report_listeners(json_t *answer, FILE *out);
void report_workers(json_t *answer, FILE *out);
void report_shards(json_t *answer, FILE *out);
void report_explain(json_t *answer, FILE *out);

/* The sum over an object's numbers; 0 when it is none. */
json_int_t report_sum(json_t *reasons);
