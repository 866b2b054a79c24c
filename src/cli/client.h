/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One question to a running master and its answer (wire/admin.h). Owns its connection for the length of a call.
 * Refuses to wait for ever, to read without end, and to hand on anything but a JSON object.
 */
#include <jansson.h>
#include <stdint.h>

enum {
	CLIENT_WAIT_MS = 10000, /* for the whole exchange: a master that is alive answers at once */
	CLIENT_ERROR_BYTES = 768,
};

/* Why there is no answer and what to do, for one line. */
struct client_error {
	char text[CLIENT_ERROR_BYTES];
};

/*
 * Asks @request (without the newline) at the socket @path. @ret is for json_decref(). Returns 0, or a negative errno
 * with @reterr filled: also -EREMOTEIO when the master answered {"error": …}.
 */
int client_ask(const char *path, const char *request, uint32_t wait_ms, json_t **ret,
               struct client_error *reterr);
