/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/paths.h"

enum { NOBODY = 65534 };

static void be_ordinary(void)
{
	if (geteuid() == 0)
		cr_assert_eq(seteuid(NOBODY), 0);
}

Test(paths, ordinary_user_has_a_directory_of_its_own)
{
	_cleanup_free_ char *path = NULL;

	be_ordinary();
	setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	path = admin_socket_default();
	cr_expect_str_eq(path, "/run/user/7/usher/admin.sock");
}

Test(paths, without_a_directory_it_is_the_host_s)
{
	_cleanup_free_ char *unset = NULL;
	_cleanup_free_ char *relative = NULL;

	be_ordinary();
	unsetenv("XDG_RUNTIME_DIR");
	unset = admin_socket_default();
	cr_expect_str_eq(unset, PATHS_ADMIN_SOCKET);
	setenv("XDG_RUNTIME_DIR", "here", 1);
	relative = admin_socket_default();
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
