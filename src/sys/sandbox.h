/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What our processes give up: privileges (master, before it binds), then everything that a shard or the reclaimer
 * does not need. Operations submitted through a ring are not seen by seccomp: they are restricted by the ring itself
 * (shard/ring.c), and the filter forbids new rings.
 */
#include <stdint.h>
#include <sys/types.h>

/* Features that this build can't use whatever the kernel has: a mask as in probe.h, 0 but under a sanitizer. */
uint32_t sandbox_impossible(void);

/* Each: no_new_privs, no file system (landlock), the system calls of that role (seccomp). 0 or -errno. */
int sandbox_shard(uint32_t features);
int sandbox_reclaimer(uint32_t features);

/*
 * Becomes @user with its groups, keeping CAP_NET_BIND_SERVICE alone if @keep_bind. Without effect when that is who we
 * are. 0 or -errno; -ENOENT: no such user.
 */
int sandbox_become(const char *user, int keep_bind);
