/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The bytes to decode, collected from standard input, raw or from hex text of any length in fixed memory: what is
 * beyond the longest header can't change the answer and is dropped, though still checked to be hex.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct decode_input {
	size_t size;
	size_t column; /* characters of hex text so far */
	size_t bad_column; /* the first that is no hex digit, from 1; 0 = none */
	uint8_t bad;
	bool half; /* a digit waits for its other half in @high */
	uint8_t high;
	uint8_t bytes[HEADER_BYTES_MAX];
};

/* Forgets what was collected. */
void decode_input_reset(struct decode_input *input);

void decode_input_raw(struct decode_input *input, const uint8_t *bytes, size_t size);

/* White space is skipped. */
void decode_input_hex(struct decode_input *input, uint8_t character);

/* After the last character: true if it was hex; otherwise @ret_why (of @why_bytes) says what is wrong. */
bool decode_input_finish(const struct decode_input *input, char *ret_why, size_t why_bytes);
