/* SPDX-License-Identifier: Apache-2.0 */
/* Default paths: see paths.h. Owns nothing. Refuses to look whether anything is there. */
#include "sys/paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *admin_socket_default(void)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): asked at start, before anything changes it */
	const char *directory = getenv("XDG_RUNTIME_DIR");
	char *path = NULL;

	if (geteuid() == 0 || !directory || directory[0] != '/')
		return strdup(PATHS_ADMIN_SOCKET);
	if (asprintf(&path, "%s/usher/admin.sock", directory) < 0)
		return NULL;
	return path;
}
