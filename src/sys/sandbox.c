/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up what is not needed: see sandbox.h. Refuses to be undone. */
#include "sys/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/probe.h"

/* A sanitizer opens files and forks to look for leaks: no filter can be tight enough to mean much. */
#if defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature) /* how clang says it */
#define UNDER_SANITIZER __has_feature(address_sanitizer)
#else
#define UNDER_SANITIZER 0
#endif

/* What the C library needs to allocate, to abort, to return from a signal and to exit. */
static const int calls_of_libc[] = {
	SCMP_SYS(brk),       SCMP_SYS(mmap),         SCMP_SYS(munmap),        SCMP_SYS(mremap),
	SCMP_SYS(mprotect),  SCMP_SYS(madvise),      SCMP_SYS(futex),         SCMP_SYS(rt_sigreturn),
	SCMP_SYS(getpid),    SCMP_SYS(gettid),       SCMP_SYS(tgkill),        SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(exit),      SCMP_SYS(exit_group),   SCMP_SYS(clock_gettime), SCMP_SYS(restart_syscall),
	SCMP_SYS(getrandom), SCMP_SYS(rt_sigaction),
};

static const int calls_of_shard[] = {
	SCMP_SYS(io_uring_enter), SCMP_SYS(recvmsg),    SCMP_SYS(sendmsg),
	SCMP_SYS(close),          SCMP_SYS(ioctl),      SCMP_SYS(getpeername),
	SCMP_SYS(getsockname),    SCMP_SYS(setsockopt), SCMP_SYS(shutdown),
};

static const int calls_of_reclaimer[] = {
	SCMP_SYS(recvmsg),   SCMP_SYS(sendmsg),     SCMP_SYS(close),      SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait), SCMP_SYS(setsockopt), SCMP_SYS(poll),
};

static int allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return r;
}

/*
 * Anything else fails with EPERM rather than killing: a libc that begins to use another call must not take the front
 * door down.
 */
static int filter_calls(const int *calls, size_t count)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!filter)
		return -ENOMEM;
	r = allow(filter, calls_of_libc, sizeof(calls_of_libc) / sizeof(calls_of_libc[0]));
	if (r == 0)
		r = allow(filter, calls, count);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

/* Handles every right that this kernel's first version knows and grants none. */
static int forbid_files(void)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };
	_cleanup_close_ int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (ruleset < 0)
		return -errno;
	return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}

uint32_t sandbox_impossible(void)
{
	return UNDER_SANITIZER ? feature_bit(FEATURE_SECCOMP) | feature_bit(FEATURE_LANDLOCK) : 0;
}

static int sandbox(uint32_t features, const int *calls, size_t count)
{
	int r = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return -EPERM;
	features &= ~sandbox_impossible();
	if (features & feature_bit(FEATURE_LANDLOCK))
		r = forbid_files();
	if (r == 0 && (features & feature_bit(FEATURE_SECCOMP)))
		r = filter_calls(calls, count);
	return r;
}

int sandbox_shard(uint32_t features)
{
	return sandbox(features, calls_of_shard, sizeof(calls_of_shard) / sizeof(calls_of_shard[0]));
}

int sandbox_reclaimer(uint32_t features)
{
	return sandbox(features, calls_of_reclaimer,
	               sizeof(calls_of_reclaimer) / sizeof(calls_of_reclaimer[0]));
}

int sandbox_become(const char *user, int keep_bind)
{
	const struct passwd *entry = getpwnam(user);

	if (!entry)
		return -ENOENT;
	if (entry->pw_uid == geteuid())
		return 0;
	capng_clear(CAPNG_SELECT_BOTH);
	if (keep_bind && capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_BIND_SERVICE) < 0)
		return -EPERM;
	if (initgroups(user, entry->pw_gid) < 0)
		return -errno;
	return capng_change_id((int)entry->pw_uid, (int)entry->pw_gid, CAPNG_NO_FLAG) < 0 ? -EPERM : 0;
}
