/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Unix sockets at a path: opened without a moment in which nobody is there, and never over a living one. */
#include <sys/types.h>

/*
 * A listening, non-blocking socket of @type at @path with @mode; its folder is made if only the last part is missing.
 * A left-over socket file is replaced; -EADDRINUSE: somebody answers there. The fd or -errno.
 */
int socket_path_listen(const char *path, int type, mode_t mode, int backlog);

/* What to tell the user of such an error. */
const char *socket_path_why(int error);
