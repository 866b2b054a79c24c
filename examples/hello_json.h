/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What usher-hello knows about a connection, as the JSON members of its answers. */
#include <stddef.h>
#include <usher/usher.h>

/*
 * The members "client" to "id" of the answer's object, without the braces: they stay the same as long as the connection
 * lives. Returns memory to free() and its size, or NULL.
 */
char *json_of_conn(const struct usher_conn *conn, size_t *ret_size);
