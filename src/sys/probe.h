/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Optional kernel features: what each is for, since when, what is done without it, and whether this process can use
 * it here and now. Each is tried, not derived from the kernel's release, because a filter, a limit or a security
 * module can take away what the kernel has. Whoever starts a shard, the master and `usherctl doctor` use this one
 * table; each feature can be forced off, so that tests run each fallback.
 *
 * Probing opens rings and sockets that nobody else sees, and closes them; it must run before the sandbox is on.
 */
#include <stdbool.h>
#include <stdint.h>

enum feature {
	FEATURE_MULTISHOT,
	FEATURE_PEERNAME,
	FEATURE_RING_FD,
	FEATURE_RESTRICTIONS,
	FEATURE_PEERPIDFD,
	FEATURE_PASSRIGHTS,
	FEATURE_SECCOMP,
	FEATURE_LANDLOCK,
	FEATURE_COUNT
};

struct feature_info {
	const char *name; /* as in --without */
	bool needs_ring; /* cannot be tried where rings are refused, and counts as absent */
	const char *purpose;
	const char *since; /* the first kernel on which it is used */
	const char *fallback;
};

/* Constants that the headers of Debian 12 do not have yet; the same on every architecture of asm-generic/socket.h. */
enum {
	PROBE_SO_PEERPIDFD = 77,
	PROBE_SO_PASSRIGHTS = 83,
};

static inline uint32_t feature_bit(enum feature feature)
{
	return 1U << feature;
}

/* Never NULL for a member of the list. */
const struct feature_info *feature_info(enum feature feature);
const char *feature_name(enum feature feature);

/* The feature's number, or -ENOENT. */
int feature_by_name(const char *name);

/* The features that work, as a mask of feature_bit(); those in @without are not tried and count as absent. */
uint32_t features_probe(uint32_t without);
