/* SPDX-License-Identifier: Apache-2.0 */
#include "master/socket_path.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "open_fds.h"

static char dir[32], path[64], fresh[80];
static unsigned before;

static void setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/usher-test-XXXXXX");
	cr_assert(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/s", dir);
	(void)snprintf(fresh, sizeof(fresh), "%s.new", path);
	before = open_fds();
}

static void teardown(void)
{
	(void)unlink(path);
	(void)unlink(fresh);
	(void)rmdir(dir);
	cr_expect_eq(open_fds(), before, "fds leaked");
}

TestSuite(socket_path, .init = setup, .fini = teardown);

static mode_t mode_of(const char *file)
{
	struct stat st;

	return lstat(file, &st) == 0 ? st.st_mode : 0;
}

static int connect_to(int type)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0), r;

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	r = connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* A socket of ours at @file, that was never Usher's. */
static int bind_at(const char *file, int type)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", file);
	cr_assert_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

static void make_file(const char *file)
{
	int fd = open(file, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	cr_assert(fd >= 0);
	close(fd);
}

Test(socket_path, listens_with_its_mode_whatever_the_umask)
{
	static const mode_t modes[] = { 0600, 0660, 0666, 0777 };

	(void)umask(0077);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		int fd = socket_path_listen(path, SOCK_SEQPACKET, modes[i], 4);

		cr_assert(fd >= 0, "%s", strerror(-fd));
		cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		cr_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
		cr_assert_eq(mode_of(path), S_IFSOCK | modes[i]);
		cr_assert_eq(connect_to(SOCK_SEQPACKET), 0);
		cr_assert_eq(mode_of(fresh), 0, "no second name is left");
		close(fd);
	}
}

Test(socket_path, a_stale_socket_is_replaced)
{
	int fd;

	close(bind_at(path, SOCK_STREAM));
	close(bind_at(fresh, SOCK_STREAM));
	fd = socket_path_listen(path, SOCK_SEQPACKET, 0600, 4);
	cr_assert(fd >= 0);
	cr_assert_eq(connect_to(SOCK_SEQPACKET), 0);
	close(fd);
}

Test(socket_path, a_living_one_is_left_alone)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };

	for (int mine = 0; mine < 2; mine++)
		for (int theirs = 0; theirs < 2; theirs++) {
			int fd = bind_at(path, types[theirs]);

			cr_assert_eq(listen(fd, 4), 0);
			cr_expect_eq(socket_path_listen(path, types[mine], 0600, 4), -EADDRINUSE);
			cr_expect_eq(connect_to(types[theirs]), 0, "it can still be reached");
			close(fd);
			(void)unlink(path);
		}
}

Test(socket_path, a_living_one_that_is_busy_or_takes_datagrams_is_left_alone)
{
	int fd = bind_at(path, SOCK_DGRAM), clients[3];

	cr_expect_eq(socket_path_listen(path, SOCK_STREAM, 0600, 4), -EADDRINUSE);
	cr_expect_eq(connect_to(SOCK_DGRAM), 0);
	close(fd);
	fd = socket_path_listen(path, SOCK_STREAM, 0600, 0);
	cr_assert(fd >= 0);
	for (int i = 0; i < 3; i++) { /* the backlog is full: a connect would wait */
		struct sockaddr_un un = { .sun_family = AF_UNIX };

		(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
		clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(clients[i], (struct sockaddr *)&un, sizeof(un));
	}
	cr_expect_eq(socket_path_listen(path, SOCK_STREAM, 0600, 4), -EADDRINUSE);
	for (int i = 0; i < 3; i++)
		close(clients[i]);
	close(fd);
}

Test(socket_path, what_is_no_socket_is_left_alone)
{
	make_file(path);
	cr_expect_eq(socket_path_listen(path, SOCK_STREAM, 0600, 4), -EEXIST);
	cr_expect(S_ISREG(mode_of(path)));
	(void)unlink(path);
	cr_assert_eq(symlink("nowhere", path), 0);
	cr_expect_eq(socket_path_listen(path, SOCK_STREAM, 0600, 4), -EEXIST);
	cr_expect(S_ISLNK(mode_of(path)));
	(void)unlink(path);
	make_file(fresh);
	cr_expect_eq(socket_path_listen(path, SOCK_STREAM, 0600, 4), -EEXIST,
	             "nor under the name in between");
	cr_expect(S_ISREG(mode_of(fresh)));
}

Test(socket_path, one_missing_folder_is_made)
{
	char folder[64], deep[96];
	int fd;

	(void)snprintf(folder, sizeof(folder), "%s/f", dir);
	(void)snprintf(deep, sizeof(deep), "%s/s", folder);
	fd = socket_path_listen(deep, SOCK_STREAM, 0600, 4);
	cr_assert(fd >= 0);
	close(fd);
	(void)unlink(deep);
	(void)snprintf(deep, sizeof(deep), "%s/g/h/s", dir);
	cr_expect_eq(socket_path_listen(deep, SOCK_STREAM, 0600, 4), -ENOENT);
	(void)rmdir(folder);
}

Test(socket_path, the_longest_path)
{
	char longest[160];
	int fd;

	(void)snprintf(longest, sizeof(longest), "%s/%.*s", dir, (int)(103 - strlen(dir) - 1),
	               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	cr_assert_eq(strlen(longest), 103);
	fd = socket_path_listen(longest, SOCK_STREAM, 0600, 4);
	cr_assert(fd >= 0, "%s", strerror(-fd));
	close(fd);
	(void)unlink(longest);
	memcpy(longest + 103, "x", 2);
	cr_expect_eq(socket_path_listen(longest, SOCK_STREAM, 0600, 4), -ENAMETOOLONG);
}

Test(socket_path, every_error_has_an_advice)
{
	static const int errors[] = { EADDRINUSE, EEXIST, ENOENT, EACCES, EPERM, EROFS, ENAMETOOLONG };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		cr_expect(strchr(socket_path_why(errors[i]), ' ') &&
		                  strcmp(socket_path_why(errors[i]), strerror(errors[i])) != 0,
		          "%s", strerror(errors[i]));
	cr_expect_str_eq(socket_path_why(EIO), strerror(EIO));
}
