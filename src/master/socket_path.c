/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets at a path: see socket_path.h. Refuses to remove what is not a socket. */
#include "master/socket_path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/error_text.h"

static int address_of(const char *path, const char *suffix, struct sockaddr_un *ret)
{
	int n;

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(ret->sun_path, sizeof(ret->sun_path), "%s%s", path, suffix);
	return n < 0 || (size_t)n >= sizeof(ret->sun_path) ? -ENAMETOOLONG : 0;
}

/*
 * 0: nobody is there. -EADDRINUSE: somebody is, also one whose socket has another type (EPROTOTYPE). -EEXIST: something
 * that is not a socket.
 */
static int check_vacant(const struct sockaddr_un *address, int type)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN ||
	    errno == EPROTOTYPE)
		return -EADDRINUSE;
	return errno == ECONNREFUSED ? 0 : -errno;
}

static void make_folder(const char *path)
{
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	(void)snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return;
	*slash = '\0';
	(void)mkdir(folder, 0755); /* if it can't be, bind() says so */
}

int socket_path_listen(const char *path, int type, mode_t mode, int backlog)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un final, fresh;
	int r = address_of(path, "", &final);

	if (r == 0)
		r = address_of(path, ".new", &fresh);
	if (r < 0)
		return r;
	make_folder(path);
	r = check_vacant(&final, type);
	if (r == 0)
		r = check_vacant(&fresh, type);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	(void)unlink(fresh.sun_path);
	if (bind(fd, (const struct sockaddr *)&fresh, sizeof(fresh)) < 0)
		return -errno;
	if (chmod(fresh.sun_path, mode) < 0 || listen(fd, backlog) < 0 || rename(fresh.sun_path, path) < 0) {
		r = -errno;
		(void)unlink(fresh.sun_path);
		return r;
	}
	return take_fd(&fd);
}

const char *socket_path_why(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "a running instance answers there: stop it, or use another path";
	case EEXIST:
		return "something that is not a socket is there, or there with .new behind the name: remove it, or use another path";
	case ENOENT:
		return "the folder does not exist: make it, or use another path";
	case EACCES:
	case EPERM:
	case EROFS:
		return "no permission to make a socket there: use a folder that this user may write to";
	case ENAMETOOLONG:
		return "the path is too long for a socket (103 bytes at most)";
	default:
		return error_text(error);
	}
}
