/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A wire record as the connection that the public header promises. Owns nothing. */
#include <usher/usher.h>

#include "core/handoff.h"

/*
 * Fills @ret_conn from @record, a record of the checked CONNS message @message. The TLVs stay borrowed from it, @fd is
 * passed on.
 */
void conn_fill(const char *message, const struct handoff_conn *record, int fd, struct usher_conn *ret_conn);
