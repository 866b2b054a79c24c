/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's release as two numbers: see kernel.h. Owns nothing. Refuses to conclude a feature from it. */
#include "sys/kernel.h"

#include <sys/utsname.h>

enum { RELEASE_NUMBER_MAX = 100000 }; /* a longer number is no release */

/* Takes the digits at *@at; returns false when there is none, or too many. */
static bool take_number(const char **at, unsigned *ret)
{
	const char *c = *at;
	unsigned n = 0;

	while (*c >= '0' && *c <= '9') {
		n = n * 10 + (unsigned)(*c++ - '0');
		if (n > RELEASE_NUMBER_MAX)
			return false;
	}
	if (c == *at)
		return false;
	*at = c;
	*ret = n;
	return true;
}

struct kernel_release kernel_release_parse(const char *text)
{
	struct kernel_release release = { 0, 0 };

	if (!take_number(&text, &release.version) || *text++ != '.' ||
	    !take_number(&text, &release.patchlevel))
		return (struct kernel_release){ 0, 0 };
	return release;
}

struct kernel_release kernel_release(void)
{
	struct utsname name;

	if (uname(&name) < 0)
		return (struct kernel_release){ 0, 0 };
	return kernel_release_parse(name.release);
}

bool kernel_at_least(struct kernel_release release, unsigned version, unsigned patchlevel)
{
	return release.version > version || (release.version == version && release.patchlevel >= patchlevel);
}
