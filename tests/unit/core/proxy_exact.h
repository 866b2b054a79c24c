/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The parser over memory of exactly the bytes given, so that the sanitizer sees any read beyond them. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/proxy_header.h"

static inline enum proxy_result proxy_parse_exact(const void *bytes, size_t size,
                                                  const struct proxy_options *options,
                                                  struct proxy_header *ret)
{
	uint8_t *copy = malloc(size ? size : 1);
	enum proxy_result result;

	cr_assert(copy);
	memcpy(copy, bytes, size);
	memset(ret, 0xa5, sizeof(*ret));
	result = proxy_header_parse(size ? copy : NULL, size, options, ret);
	free(copy);
	if (result == PROXY_INCOMPLETE) {
		cr_assert_lt(size, ret->need, "need %u of %zu", ret->need, size);
		cr_assert_eq(ret->length, 0);
	} else {
		cr_assert_eq(ret->need, 0);
	}
	return result;
}
