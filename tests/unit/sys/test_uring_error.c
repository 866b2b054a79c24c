/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "sys/uring_error.h"

/* A host where rings should work. */
static const struct uring_host fine = { .kernel = { 6, 1 }, .group = -1, .memlock = 8 << 20, .nofile = 1024 };

static void expect(const struct uring_host *host, int error, const char *part)
{
	char text[URING_REFUSAL_BYTES];

	cr_expect(strstr(uring_refusal_on(host, error, text, sizeof(text)), part), "wants \"%s\" in: %s",
	          part, text);
	cr_expect(strlen(text) < sizeof(text) - 1, "cut: %s", text);
}

Test(uring_error, sysctl_is_told_from_a_filter)
{
	struct uring_host off = fine;
	struct uring_host filtered = fine;
	struct uring_host both = fine;

	off.disabled = 2;
	filtered.seccomp = 2;
	both.disabled = 2;
	both.seccomp = 2;
	expect(&off, -EPERM, "io_uring_disabled = 2");
	expect(&filtered, -EPERM, "seccomp filter");
	expect(&both, -EPERM, "io_uring_disabled = 2");
	expect(&fine, -EPERM, "security module");
	expect(&fine, -EACCES, "security module");
	expect(&off, -EACCES, "security module");
}

Test(uring_error, group_is_told_from_no_group)
{
	struct uring_host host = fine;

	host.disabled = 1;
	expect(&host, -EPERM, "set kernel.io_uring_group to a group");
	host.group = 990;
	expect(&host, -EPERM, "only for group 990");
	host.in_group = true;
	expect(&host, -EPERM, "security module");
	host.seccomp = 2;
	expect(&host, -EPERM, "seccomp filter");
}

Test(uring_error, capability_counts_only_where_nothing_else_explains_it)
{
	struct uring_host host = fine;

	host.disabled = 1;
	host.sys_admin = true;
	expect(&host, -EPERM, "io_uring_disabled");
	host.seccomp = 2;
	expect(&host, -EPERM, "seccomp filter");
}

Test(uring_error, old_kernel_is_named)
{
	struct uring_host old = fine;
	struct uring_host filtered = fine;

	old.kernel = (struct kernel_release){ 5, 15 };
	filtered.seccomp = 2;
	expect(&old, -EINVAL, "it is Linux 5.15, and 6.1 is needed");
	expect(&old, -ENOSYS, "it is Linux 5.15, and 6.1 is needed");
	expect(&fine, -ENOSYS, "CONFIG_IO_URING");
	expect(&filtered, -ENOSYS, "seccomp filter");
	expect(&fine, -EINVAL, "please report this");
}

Test(uring_error, limits_are_named_with_their_values)
{
	struct uring_host unlimited = fine;

	unlimited.memlock = UINT64_MAX;
	expect(&fine, -ENOMEM, "RLIMIT_MEMLOCK is 8192 KiB");
	expect(&unlimited, -ENOMEM, "control group");
	expect(&fine, -EMFILE, "RLIMIT_NOFILE is 1024");
	expect(&fine, -ENFILE, "fs.file-max");
}

Test(uring_error, sign_does_not_matter_and_the_rest_is_named)
{
	char small[8];

	expect(&fine, EMFILE, "RLIMIT_NOFILE");
	expect(&fine, -EFAULT, strerror(EFAULT));
	cr_expect_eq(strlen(uring_refusal_on(&fine, -EFAULT, small, sizeof(small))), sizeof(small) - 1);
}

Test(uring_error, reads_this_process)
{
	struct uring_host host = uring_host_read();

	cr_expect(host.kernel.version > 0);
	cr_expect(host.nofile > 0);
	cr_expect(host.disabled >= 0 && host.disabled <= 2);
}
