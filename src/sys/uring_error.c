/* SPDX-License-Identifier: Apache-2.0 */
/* Explains a refused ring: see uring_error.h. Owns nothing. Refuses to open a ring itself. */
#include "sys/uring_error.h"

#include <cap-ng.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sys/error_text.h"
#include "sys/procfs.h"

enum { GROUPS_LOOKED_AT = 1024 }; /* a process with more is not asked about the rest */

static bool in_group(int64_t group)
{
	gid_t groups[GROUPS_LOOKED_AT];
	int count = getgroups(GROUPS_LOOKED_AT, groups);

	if (group < 0)
		return false;
	if (getegid() == (gid_t)group)
		return true;
	for (int i = 0; i < count; i++) {
		if (groups[i] == (gid_t)group)
			return true;
	}
	return false;
}

static uint64_t soft_limit(__rlimit_resource_t resource)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return limit.rlim_cur;
}

struct uring_host uring_host_read(void)
{
	struct uring_host host = { .kernel = kernel_release(), .group = -1 };
	char status[PROCFS_BYTES_MAX];
	char value[16];

	(void)procfs_number("/proc/sys/kernel/io_uring_disabled", &host.disabled);
	(void)procfs_number("/proc/sys/kernel/io_uring_group", &host.group);
	host.in_group = in_group(host.group);
	host.sys_admin =
		capng_get_caps_process() == 0 && capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN);
	if (procfs_read("/proc/self/status", status, sizeof(status)) == 0 &&
	    procfs_field(status, "Seccomp", value, sizeof(value)))
		(void)procfs_parse_number(value, &host.seccomp);
	host.memlock = soft_limit(RLIMIT_MEMLOCK);
	host.nofile = soft_limit(RLIMIT_NOFILE);
	return host;
}

static bool disabled_for_us(const struct uring_host *host)
{
	if (host->disabled == 2)
		return true;
	/* a filter explains it better for a process that seems to have the capability */
	return host->disabled == 1 && !host->in_group && (!host->sys_admin || host->seccomp == 0);
}

static void explain_sysctl(const struct uring_host *host, char *text, size_t size)
{
	if (host->disabled == 2)
		snprintf(
			text, size,
			"io_uring is switched off on this host (sysctl kernel.io_uring_disabled = 2): set it to "
			"0, or to 1 with kernel.io_uring_group = a group that the user of usherd is in");
	else if (host->group >= 0)
		snprintf(text, size,
		         "io_uring is only for group %" PRId64
		         " on this host (sysctl kernel.io_uring_disabled = "
		         "1): add the user of usherd to that group, or set the sysctl to 0",
		         host->group);
	else
		snprintf(
			text, size,
			"io_uring is only for privileged processes on this host (sysctl "
			"kernel.io_uring_disabled = 1): set kernel.io_uring_group to a group that the user of "
			"usherd is in, or kernel.io_uring_disabled to 0");
}

static void explain_seccomp(char *text, size_t size)
{
	snprintf(
		text, size,
		"a seccomp filter forbids io_uring to this process, as the default profiles of container runtimes "
		"do: run it with a profile that also allows io_uring_setup, io_uring_enter and "
		"io_uring_register");
}

static void explain_permission(const struct uring_host *host, int error, char *text, size_t size)
{
	if (error == EPERM && disabled_for_us(host))
		explain_sysctl(host, text, size);
	else if (host->seccomp != 0)
		explain_seccomp(text, size);
	else
		snprintf(
			text, size,
			"io_uring_setup: %s, though neither sysctl kernel.io_uring_disabled nor a seccomp filter "
			"forbids it: look for a denial by a security module (SELinux, AppArmor) in the audit log",
			error_text(error));
}

static void explain_kernel(const struct uring_host *host, int error, char *text, size_t size)
{
	bool new_enough = kernel_at_least(host->kernel, KERNEL_VERSION_MIN, KERNEL_PATCHLEVEL_MIN);

	if (!new_enough)
		snprintf(text, size,
		         "the kernel is too old for usherd: it is Linux %u.%u, and %d.%d is needed",
		         host->kernel.version, host->kernel.patchlevel, KERNEL_VERSION_MIN,
		         KERNEL_PATCHLEVEL_MIN);
	else if (error == ENOSYS && host->seccomp != 0)
		explain_seccomp(text, size);
	else if (error == ENOSYS)
		snprintf(
			text, size,
			"this kernel has no io_uring: use one built with CONFIG_IO_URING, and no sandbox that "
			"lacks it (gVisor)");
	else
		snprintf(
			text, size,
			"io_uring_setup: %s, though Linux %u.%u should know every flag that usherd uses: please "
			"report this with the output of `usherctl doctor`",
			error_text(error), host->kernel.version, host->kernel.patchlevel);
}

static void explain_memory(const struct uring_host *host, char *text, size_t size)
{
	if (host->memlock == UINT64_MAX)
		snprintf(
			text, size,
			"no memory for a ring, though RLIMIT_MEMLOCK is unlimited: look at the host's free memory "
			"and at the memory limit of the control group");
	else
		snprintf(text, size,
		         "no memory for a ring: RLIMIT_MEMLOCK is %" PRIu64 " KiB for all rings of this user "
		         "together: raise it (LimitMEMLOCK= in the unit, ulimit -l in a shell)",
		         host->memlock / 1024);
}

const char *uring_refusal_on(const struct uring_host *host, int error, char *text, size_t size)
{
	error = error < 0 ? -error : error;
	switch (error) {
	case EPERM:
	case EACCES:
		explain_permission(host, error, text, size);
		break;
	case ENOSYS:
	case EINVAL:
		explain_kernel(host, error, text, size);
		break;
	case ENOMEM:
		explain_memory(host, text, size);
		break;
	case EMFILE:
		snprintf(text, size,
		         "no file descriptor left for a ring: RLIMIT_NOFILE is %" PRIu64
		         ": raise it (LimitNOFILE= "
		         "in the unit, ulimit -n in a shell)",
		         host->nofile);
		break;
	case ENFILE:
		snprintf(text, size,
		         "the host has no file descriptor left for a ring: raise sysctl fs.file-max");
		break;
	default:
		snprintf(text, size, "io_uring_setup: %s", error_text(error));
	}
	return text;
}

const char *uring_refusal(int error, char *text, size_t size)
{
	struct uring_host host = uring_host_read();

	return uring_refusal_on(&host, error, text, size);
}
