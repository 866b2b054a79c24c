/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * PROXY protocol version 1: one line of text. The rules of proxy_header.h hold: borrowed bytes, no state, refusal at
 * the first impossible byte. No address comes out before the CRLF has been seen.
 */
#include "core/proxy_header.h"

enum { PROXY_V1_FIRST_BYTE = 'P' };

/* @bytes begin with PROXY_V1_FIRST_BYTE; @ret is all zero. */
enum proxy_result proxy_v1_parse(const uint8_t *bytes, size_t size, const struct proxy_options *options,
                                 struct proxy_header *ret);
