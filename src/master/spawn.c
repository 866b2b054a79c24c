/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting another role of our own binary: exec, so that nothing of this process is open there but the standard
 * streams and one control socket. /proc/self/exe is the file that runs, also when it has been replaced on disk.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "master/master.h"
#include "master/roles.h"

static int actions_of(posix_spawn_file_actions_t *actions, int control)
{
	int r = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", 0, 0);

	if (r == 0)
		r = posix_spawn_file_actions_adddup2(actions, control, ROLE_CONTROL_FD);
	return r;
}

static int spawn(const char *role, uint32_t number, int control, pid_t *ret_pid)
{
	char name[32], option[32];
	char *const argv[] = { name, option, NULL };
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	(void)snprintf(name, sizeof(name), "usherd: %s %u", role, number);
	(void)snprintf(option, sizeof(option), "--role=%s", role);
	r = actions_of(&actions, control);
	if (r == 0)
		r = posix_spawn(ret_pid, "/proc/self/exe", &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -r;
}

pid_t spawn_role(const char *role, uint32_t number, int control)
{
	_cleanup_close_ int owned = control;
	pid_t pid = -1;
	int r = spawn(role, number, owned, &pid);

	return r < 0 ? r : pid;
}
