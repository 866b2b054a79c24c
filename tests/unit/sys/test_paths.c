/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/paths.h"

enum { NOBODY = 65534 };

/* What an ordinary user gets; root becomes one for the length of the call. */
static char *ask_as_ordinary(void)
{
	bool root = geteuid() == 0;
	char *path;

	if (root)
		cr_assert_eq(seteuid(NOBODY), 0);
	path = admin_socket_default();
	if (root)
		cr_assert_eq(seteuid(0), 0);
	return path;
}

Test(paths, ordinary_user_has_a_directory_of_its_own)
{
	_cleanup_free_ char *path = NULL;

	setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	path = ask_as_ordinary();
	cr_expect_str_eq(path, "/run/user/7/usher/admin.sock");
}

Test(paths, without_a_directory_it_is_the_host_s)
{
	_cleanup_free_ char *unset = NULL;
	_cleanup_free_ char *relative = NULL;

	unsetenv("XDG_RUNTIME_DIR");
	unset = ask_as_ordinary();
	cr_expect_str_eq(unset, PATHS_ADMIN_SOCKET);
	setenv("XDG_RUNTIME_DIR", "here", 1);
	relative = ask_as_ordinary();
	cr_expect_str_eq(relative, PATHS_ADMIN_SOCKET);
}

Test(paths, root_ignores_its_session)
{
	_cleanup_free_ char *path = NULL;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	setenv("XDG_RUNTIME_DIR", "/run/user/0", 1);
	path = admin_socket_default();
	cr_expect_str_eq(path, PATHS_ADMIN_SOCKET);
}
