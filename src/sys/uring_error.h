/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Why the kernel refuses a ring, in words that say what to do. One errno has several causes (EPERM alone has three),
 * so the host is asked which of them holds.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys/kernel.h"

enum { URING_REFUSAL_BYTES = 512 };

/* What decides between causes. */
struct uring_host {
	struct kernel_release kernel;
	int64_t disabled; /* sysctl kernel.io_uring_disabled; 0 where it does not exist */
	int64_t group; /* sysctl kernel.io_uring_group; -1: none */
	bool in_group;
	bool sys_admin; /* CAP_SYS_ADMIN, though perhaps only in a user namespace, which does not count */
	int64_t seccomp; /* Seccomp: in /proc/self/status; 0: no filter */
	uint64_t memlock; /* soft RLIMIT_MEMLOCK in bytes, UINT64_MAX: unlimited */
	uint64_t nofile; /* soft RLIMIT_NOFILE */
};

/* Asks this host about this process. What cannot be read counts as not there. */
struct uring_host uring_host_read(void);

/* Why io_uring_setup(2) failed with @error (negative or positive errno) on @host. Returns @text, terminated. */
const char *uring_refusal_on(const struct uring_host *host, int error, char *text, size_t size);

/* The same for this process; @text of URING_REFUSAL_BYTES holds each of them. */
const char *uring_refusal(int error, char *text, size_t size);
