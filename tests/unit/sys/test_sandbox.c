/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/sandbox.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <liburing.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fdpass.h"
#include "sys/probe.h"
#include "sys/procfs.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#define UNDER_SANITIZER __has_feature(address_sanitizer)
#else
#define UNDER_SANITIZER 0
#endif

enum { CAP_BIT_NET_BIND_SERVICE = 10, PROBES_MAX = 16 };

/* What one system call said in the sandbox: 0, or its errno. */
struct answer {
	const char *call;
	int error;
};

/* Memory that the child in the sandbox shares with the test, which judges. */
struct findings {
	int sandbox;
	unsigned count;
	struct answer answers[PROBES_MAX];
};

static struct findings *found;
static int pair[2];

static void note(const char *call, long result)
{
	found->answers[found->count++] = (struct answer){ call, result < 0 ? errno : 0 };
}

static void try_calls(void)
{
	struct io_uring_params params = { 0 };
	struct iovec iov = { .iov_base = &params, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	note("openat", open("/dev/null", O_RDONLY | O_CLOEXEC));
	note("io_uring_setup", syscall(SYS_io_uring_setup, 4, &params));
	note("socket", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	note("execve", syscall(SYS_execve, "", NULL, NULL));
	note("kill", syscall(SYS_kill, getppid(), 0));
	note("connect", syscall(SYS_connect, -1, NULL, 0) < 0 && errno == EBADF ? 0 : -1);
	note("setuid", syscall(SYS_setuid, 0));
	note("sendmsg", sendmsg(pair[1], &message, 0));
	note("recvmsg", recvmsg(pair[1], &message, 0)); /* until the test has looked at this process */
	note("mmap", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
	note("close", close(pair[1]));
}

/* Each line of /proc/PID/status that tells what the process gave up. */
static void expect_powerless(pid_t pid, uint32_t features)
{
	char path[64], text[PROCFS_BYTES_MAX], value[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	cr_assert_eq(procfs_read(path, text, sizeof(text)), 0);
	cr_assert(procfs_field(text, "NoNewPrivs", value, sizeof(value)));
	cr_expect_str_eq(value, "1");
	for (int i = 0; i < 4; i++) {
		static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapAmb" };

		cr_assert(procfs_field(text, sets[i], value, sizeof(value)));
		cr_expect_str_eq(value, "0000000000000000", "%s", sets[i]);
	}
	cr_assert(procfs_field(text, "Seccomp", value, sizeof(value)));
	cr_expect_str_eq(value, features & feature_bit(FEATURE_SECCOMP) && !UNDER_SANITIZER ? "2" : "0");
}

/* Runs a child in the sandbox; what it could do is in @found afterwards. */
static void run(int (*enter)(uint32_t features), uint32_t features)
{
	char byte;
	pid_t pid;
	int status;

	found = mmap(NULL, sizeof(*found), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(found, MAP_FAILED);
	cr_assert_eq(fdpass_pair(pair), 0);
	pid = fork();
	if (pid == 0) {
		found->sandbox = enter(features);
		try_calls();
		_exit(0);
	}
	close(pair[1]);
	cr_assert_eq(recv(pair[0], &byte, 1, 0), 1, "it can't even send");
	expect_powerless(pid, features);
	cr_assert_eq(send(pair[0], "x", 1, 0), 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
	cr_assert_eq(found->sandbox, 0);
}

static int error_of(const char *call)
{
	for (unsigned i = 0; i < found->count; i++)
		if (strcmp(found->answers[i].call, call) == 0)
			return found->answers[i].error;
	return -1;
}

static void needs(uint32_t *features, enum feature feature)
{
	*features = features_probe(0);
	if (UNDER_SANITIZER)
		cr_skip_test("no filter under a sanitizer");
	if (!(*features & feature_bit(feature)))
		cr_skip_test("this kernel has no %s", feature_name(feature));
}

static void only_what_is_needed(int (*enter)(uint32_t features))
{
	static const char *const refused[] = { "openat", "io_uring_setup", "socket", "execve",
		                               "kill",   "connect",        "setuid" };
	static const char *const allowed[] = { "sendmsg", "recvmsg", "mmap", "close" };
	uint32_t features;

	needs(&features, FEATURE_SECCOMP);
	run(enter, features);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		cr_expect_eq(error_of(refused[i]), EPERM, "%s: %d", refused[i], error_of(refused[i]));
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		cr_expect_eq(error_of(allowed[i]), 0, "%s: %d", allowed[i], error_of(allowed[i]));
}

Test(sandbox, a_shard_can_do_what_it_needs_and_nothing_else)
{
	only_what_is_needed(sandbox_shard);
}

Test(sandbox, the_reclaimer_can_do_what_it_needs_and_nothing_else)
{
	only_what_is_needed(sandbox_reclaimer);
}

Test(sandbox, landlock_alone_takes_the_files_away)
{
	uint32_t features;

	needs(&features, FEATURE_LANDLOCK);
	run(sandbox_shard, feature_bit(FEATURE_LANDLOCK));
	cr_expect_eq(error_of("openat"), EACCES);
	cr_expect_eq(error_of("socket"), 0);
}

Test(sandbox, forced_off_still_takes_privileges_away)
{
	run(sandbox_shard, 0);
	cr_expect_eq(error_of("openat"), 0);
	cr_expect_eq(error_of("socket"), 0);
}

enum { BECOME_FAILED = 1, BECOME_IDS, BECOME_GROUPS, BECOME_CAPS, BECOME_BACK };

/* The value of this process's capability set @name, or all bits when it can't be read. */
static uint64_t caps(const char *name)
{
	char text[PROCFS_BYTES_MAX], value[32];

	if (procfs_read("/proc/self/status", text, sizeof(text)) < 0 ||
	    !procfs_field(text, name, value, sizeof(value)))
		return UINT64_MAX;
	return strtoull(value, NULL, 16);
}

static int judge(const struct passwd *nobody, uint64_t kept)
{
	uid_t uids[3];
	gid_t gids[3], groups[64];
	int count;

	(void)getresuid(&uids[0], &uids[1], &uids[2]);
	(void)getresgid(&gids[0], &gids[1], &gids[2]);
	for (int i = 0; i < 3; i++)
		if (uids[i] != nobody->pw_uid || gids[i] != nobody->pw_gid)
			return BECOME_IDS;
	count = getgroups(64, groups);
	for (int i = 0; i < count; i++)
		if (groups[i] == 0)
			return BECOME_GROUPS;
	if (count < 0 || caps("CapEff") != kept || caps("CapPrm") != kept || caps("CapInh") != 0 ||
	    caps("CapAmb") != 0)
		return BECOME_CAPS;
	return setuid(0) == 0 || setgid(0) == 0 ? BECOME_BACK : 0;
}

static int become_nobody(int keep_bind, uint64_t kept)
{
	const gid_t roots[] = { 0, 1, 2 };
	pid_t pid;
	int status;

	if (getuid() != 0 || !getpwnam("nobody"))
		cr_skip_test("needs root, and a user nobody");
	pid = fork();
	if (pid == 0) {
		const struct passwd *nobody = getpwnam("nobody");

		(void)setgroups(3, roots);
		_exit(sandbox_become("nobody", keep_bind) < 0 ? BECOME_FAILED : judge(nobody, kept));
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(sandbox, becomes_somebody_else_for_good)
{
	cr_expect_eq(become_nobody(0, 0), 0);
}

Test(sandbox, keeps_the_right_to_low_ports_alone)
{
	cr_expect_eq(become_nobody(1, 1ULL << CAP_BIT_NET_BIND_SERVICE), 0);
}

Test(sandbox, who_we_are_already)
{
	const struct passwd *me = getpwuid(geteuid());

	cr_expect_eq(sandbox_become("no-such-user-of-usher", 0), -ENOENT);
	if (!me)
		cr_skip_test("this user has no name");
	cr_expect_eq(sandbox_become(me->pw_name, 0), 0);
	cr_expect_eq(geteuid(), me->pw_uid);
}
