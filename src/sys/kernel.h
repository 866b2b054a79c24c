/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which kernel this is, from uname(2). A release says only what cannot be tried: a feature that can be probed is
 * probed (sys/probe.h), because distributions carry fixes and features back.
 */
#include <stdbool.h>

enum {
	KERNEL_VERSION_MIN = 6, /* 6.1: DEFER_TASKRUN, and the long-term kernel of Debian 12 */
	KERNEL_PATCHLEVEL_MIN = 1,
};

/* The first two numbers, as the kernel's own Makefile calls them: 6 and 1 of "6.1.0-18-amd64". */
struct kernel_release {
	unsigned version;
	unsigned patchlevel;
};

/* Returns 0.0 when @text does not begin with two numbers. */
struct kernel_release kernel_release_parse(const char *text);

/* The running kernel's. */
struct kernel_release kernel_release(void);

bool kernel_at_least(struct kernel_release release, unsigned version, unsigned patchlevel);
