/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Where our files are unless somebody says otherwise: one definition for usherd and usherctl. */

#define PATHS_ADMIN_SOCKET "/run/usher/admin.sock"

/*
 * PATHS_ADMIN_SOCKET, or usher/admin.sock in XDG_RUNTIME_DIR for an ordinary user that has one (an absolute path).
 * To be freed; NULL when memory is short.
 */
char *admin_socket_default(void);
