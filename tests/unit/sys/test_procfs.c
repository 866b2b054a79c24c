/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <unistd.h>

#include "sys/procfs.h"

Test(procfs, number_is_exactly_one)
{
	static const char *const wrong[] = {
		"", "-", " 1", "1 ", "0x1", "1\t2", "9223372036854775808", "max"
	};
	int64_t n = 7;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_not(procfs_parse_number(wrong[i], &n), "%s", wrong[i]);
	cr_expect_eq(n, 7);
	cr_assert(procfs_parse_number("-1", &n));
	cr_expect_eq(n, -1);
	cr_assert(procfs_parse_number("9223372036854775807", &n));
	cr_expect_eq(n, INT64_MAX);
}

Test(procfs, field_is_a_whole_name)
{
	static const char text[] = "Name:\tcat\nSeccomp:\t2\nSeccomp_filters:\t1\nLast:\t  x y";
	char value[8];

	cr_assert(procfs_field(text, "Seccomp", value, sizeof(value)));
	cr_expect_str_eq(value, "2");
	cr_assert(procfs_field(text, "Last", value, sizeof(value)));
	cr_expect_str_eq(value, "x y");
	cr_expect_not(procfs_field(text, "comp", value, sizeof(value)));
	cr_expect_not(procfs_field(text, "Missing", value, sizeof(value)));
	cr_expect_not(procfs_field("Name:\ttoolongvalue", "Name", value, sizeof(value)));
	cr_expect_not(procfs_field("", "Name", value, sizeof(value)));
}

Test(procfs, reads_what_the_kernel_writes)
{
	char status[PROCFS_BYTES_MAX];
	char value[32];
	int64_t pid = 0;

	cr_assert_eq(procfs_read("/proc/self/status", status, sizeof(status)), 0);
	cr_assert(procfs_field(status, "Pid", value, sizeof(value)));
	cr_assert(procfs_parse_number(value, &pid));
	cr_expect_eq(pid, getpid());
}

Test(procfs, says_what_failed)
{
	int64_t n;
	char small[5];

	cr_expect_eq(procfs_number("/proc/self/no-such-file", &n), -ENOENT);
	cr_expect_eq(procfs_number("/proc/self/status", &n), -EINVAL);
	cr_assert_eq(procfs_read("/proc/self/status", small, sizeof(small)), 0);
	cr_expect_str_eq(small, "Name");
}
