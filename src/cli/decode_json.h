/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the parser answers, as the JSON object of `usherctl decode --json`. Values of TLVs are hex only; a Unix path
 * that is not UTF-8 is shown with replacement characters, and exactly in src_hex.
 */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "core/handoff.h"
#include "core/proxy_header.h"

struct decode_options {
	struct proxy_options parser;
	enum handoff_vendor vendor;
};

/* NULL when there is no memory. */
json_t *decode_json(const uint8_t *bytes, size_t size, const struct decode_options *options);

/* The path in the 108 bytes of a Unix address: bytes before the first NUL; 0 for an abstract or empty one. */
size_t decode_unix_path_bytes(const uint8_t *address);
