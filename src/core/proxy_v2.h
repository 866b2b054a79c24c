/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * PROXY protocol version 2: the binary form. The rules of proxy_header.h hold: borrowed bytes, no state, refusal at
 * the first impossible byte. The block of a LOCAL header is never looked at.
 */
#include "core/proxy_header.h"

enum {
	PROXY_V2_FIRST_BYTE = '\r',
	PROXY_V2_UNIX_BYTES = 108, /* one address */
};

/* @bytes begin with PROXY_V2_FIRST_BYTE; @ret is all zero. */
enum proxy_result proxy_v2_parse(const uint8_t *bytes, size_t size, const struct proxy_options *options,
                                 struct proxy_header *ret);

/* Bytes of the addresses and ports that a (valid) family byte implies. */
uint8_t proxy_v2_block_bytes(uint8_t family);
