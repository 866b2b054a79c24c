/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/shm.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "open_fds.h"

static void fixed_size(int fd)
{
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_assert_eq(ftruncate(fd, 1), -1);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(ftruncate(fd, 1 << 20), -1);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1, "no more seals");
	cr_assert_eq(errno, EPERM);
}

Test(shm, created_is_zero_shared_and_of_fixed_size)
{
	unsigned char *map, *other;
	void *p;
	size_t size;
	int fd = shm_create("test", 10000, &p);

	cr_assert(fd >= 0);
	map = p;
	for (int i = 0; i < 10000; i++)
		cr_assert_eq(map[i], 0);
	fixed_size(fd);
	cr_assert_eq(shm_map(fd, 1, &p, &size), 0);
	other = p;
	cr_assert_eq(size, 10000);
	map[9999] = 7;
	cr_assert_eq(other[9999], 7);
	other[0] = 8;
	cr_assert_eq(map[0], 8);
	munmap(map, 10000);
	munmap(other, size);
	close(fd);
}

Test(shm, sealed_is_a_copy_that_nobody_changes)
{
	char bytes[5000];
	const char *map;
	void *p;
	size_t size;
	int fd;

	memset(bytes, 'a', sizeof(bytes));
	fd = shm_create_sealed("test", bytes, sizeof(bytes));
	cr_assert(fd >= 0);
	memset(bytes, 'b', sizeof(bytes));
	fixed_size(fd);
	cr_assert_eq(pwrite(fd, "x", 1, 0), -1);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(shm_map(fd, 1, &p, &size), -EPERM);
	cr_assert_eq(shm_map(fd, 0, &p, &size), 0);
	map = p;
	cr_assert_eq(size, sizeof(bytes));
	cr_assert_eq(map[0], 'a');
	cr_assert_eq(map[4999], 'a');
	munmap(p, size);
	close(fd);
}

Test(shm, what_is_no_memory_is_refused)
{
	unsigned before = open_fds();
	void *p = NULL;
	size_t size = 0;
	int fd = memfd_create("empty", MFD_CLOEXEC), pipes[2];

	cr_assert_eq(shm_map(fd, 0, &p, &size), -EINVAL);
	close(fd);
	cr_assert_eq(shm_map(-1, 0, &p, &size), -EBADF);
	cr_assert_eq(pipe2(pipes, O_CLOEXEC), 0);
	cr_assert_eq(shm_map(pipes[0], 0, &p, &size), -EINVAL);
	close(pipes[0]);
	close(pipes[1]);
	cr_assert(shm_create("nothing", 0, &p) < 0);
	cr_assert(shm_create_sealed("nothing", "", 0) < 0);
	cr_assert_null(p);
	cr_assert_eq(open_fds(), before);
}
