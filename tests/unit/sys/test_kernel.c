/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "sys/kernel.h"

Test(kernel, release_is_its_first_two_numbers)
{
	static const struct {
		const char *text;
		unsigned version;
		unsigned patchlevel;
	} cases[] = {
		{ "6.1.0-18-amd64", 6, 1 },
		{ "6.18.44-fc-v595", 6, 18 },
		{ "5.15", 5, 15 },
		{ "10.100.3+", 10, 100 },
		{ "", 0, 0 },
		{ "6", 0, 0 },
		{ "6.", 0, 0 },
		{ "linux", 0, 0 },
		{ "6-1", 0, 0 },
		{ "99999999999999999999.1", 0, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kernel_release release = kernel_release_parse(cases[i].text);

		cr_expect(release.version == cases[i].version && release.patchlevel == cases[i].patchlevel,
		          "%s: %u.%u", cases[i].text, release.version, release.patchlevel);
	}
}

Test(kernel, order_looks_at_the_version_first)
{
	struct kernel_release release = { 6, 8 };

	cr_expect(kernel_at_least(release, 6, 8));
	cr_expect(kernel_at_least(release, 6, 1));
	cr_expect(kernel_at_least(release, 5, 19));
	cr_expect_not(kernel_at_least(release, 6, 9));
	cr_expect_not(kernel_at_least(release, 7, 0));
}

Test(kernel, running_one_has_a_release)
{
	cr_expect(kernel_at_least(kernel_release(), 1, 0));
}
