/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One HTTP/1 request's head, parsed strictly. Owns nothing, knows no sockets. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HEAD_BYTES_MAX = 8192 };

struct http_request {
	size_t head_bytes; /* with the empty line */
	bool head_only; /* the method is HEAD */
	bool keep_alive;
	bool expects_continue;
	uint64_t body_bytes;
	/* internal */
	bool minor_1;
	bool has_length;
};

/*
 * Returns 0 and the request; -1 if @bytes is not a whole head yet; otherwise the status to answer with before closing:
 * 400, 405, 431, 501 or 505.
 */
int http_parse(const char *bytes, size_t size, struct http_request *ret_request);

/* The status with its reason, as in a status line. */
const char *http_status(int status);
