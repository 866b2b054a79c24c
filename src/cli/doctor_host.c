/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's rows about the host: see doctor_host.h. */
#include "cli/doctor_host.h"

#include <cap-ng.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "core/fd_budget.h"
#include "sys/error_text.h"
#include "sys/kernel.h"
#include "sys/procfs.h"

enum {
	NOFILE_ENOUGH = 65536, /* one full backlog of the default length */
	BACKLOG_DEFAULT = 65535, /* usher.conf(5) */
	/* what one shard's rings are charged, in bytes: entries, head, provided buffers */
	SHARD_RING_BYTES = RING_SQ_ENTRIES * (64 + 4) + RING_CQ_ENTRIES * 16 + 4096 + PEEK_BUFFERS * 16,
	GENERATIONS_AT_RELOAD = 2,
};

static const char *limit_text(rlim_t limit, char *text, size_t size)
{
	if (limit == RLIM_INFINITY)
		snprintf(text, size, "unlimited");
	else
		snprintf(text, size, "%" PRIu64, (uint64_t)limit);
	return text;
}

/* Processors that affinity allows; 0 when they cannot be counted. */
static unsigned allowed_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 0;
}

static void check_cpus(struct doctor_rows *rows)
{
	unsigned allowed = allowed_cpus();
	struct doctor_row *row = doctor_found(rows, "cpus", "%u allowed by affinity, %ld online", allowed,
	                                      sysconf(_SC_NPROCESSORS_ONLN));

	if (allowed == 0 || allowed > SHARDS_MAX)
		doctor_advise(row, DOCTOR_WARN,
		              "one shard for each is not possible: set `shards` to at most %d", SHARDS_MAX);
}

static void check_nofile(struct doctor_rows *rows)
{
	struct rlimit limit = { 0 };
	char soft[32];
	char hard[32];
	struct doctor_row *row;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	row = doctor_found(rows, "nofile", "RLIMIT_NOFILE soft %s, hard %s",
	                   limit_text(limit.rlim_cur, soft, sizeof(soft)),
	                   limit_text(limit.rlim_max, hard, sizeof(hard)));
	/* RLIM_INFINITY is the largest number, too */
	if (limit.rlim_max < FD_BUDGET_MIN)
		doctor_advise(row, DOCTOR_FAIL, "usherd needs %d: LimitNOFILE=%d", FD_BUDGET_MIN,
		              NOFILE_ENOUGH);
	else if (limit.rlim_max < NOFILE_ENOUGH)
		doctor_advise(row, DOCTOR_WARN,
		              "at most %u connections can be in their header or queued in one shard at once: "
		              "LimitNOFILE=%d or more in the unit (the hard limit counts)",
		              fd_budget_conns(limit.rlim_max), NOFILE_ENOUGH);
}

static void check_memlock(struct doctor_rows *rows)
{
	struct rlimit limit = { 0 };
	char soft[32];
	uint64_t needed = (uint64_t)SHARD_RING_BYTES * allowed_cpus() * GENERATIONS_AT_RELOAD;
	bool counts = kernel_at_least(kernel_release(), 6, 14);
	struct doctor_row *row;

	(void)getrlimit(RLIMIT_MEMLOCK, &limit);
	row = doctor_found(rows, "memlock", "RLIMIT_MEMLOCK %s, which this kernel %s for rings",
	                   limit_text(limit.rlim_cur, soft, sizeof(soft)),
	                   counts ? "counts" : "does not count");
	/* shards have no capabilities, so that this holds for root as well, who would not see it from a try */
	if (counts && limit.rlim_cur < needed)
		doctor_advise(row, DOCTOR_WARN,
		              "one shard on each processor, twice during a reload, needs %" PRIu64
		              " bytes, or rings become smaller: LimitMEMLOCK=%" PRIu64 " in the unit",
		              needed, needed);
}

static void check_backlog(struct doctor_rows *rows)
{
	int64_t most = 0;
	struct doctor_row *row;

	if (procfs_number("/proc/sys/net/core/somaxconn", &most) < 0) {
		row = doctor_found(rows, "somaxconn", "unknown");
		doctor_advise(row, DOCTOR_WARN,
		              "/proc/sys/net/core/somaxconn cannot be read: is /proc mounted?");
		return;
	}
	row = doctor_found(rows, "somaxconn", "%" PRId64, most);
	if (most < BACKLOG_DEFAULT)
		doctor_advise(row, DOCTOR_WARN,
		              "the kernel cuts each listener's backlog to %" PRId64
		              ": sysctl net.core.somaxconn=%d, or a smaller `backlog`",
		              most, BACKLOG_DEFAULT);
}

static void check_migration(struct doctor_rows *rows)
{
	int64_t on = 0;

	(void)procfs_number("/proc/sys/net/ipv4/tcp_migrate_req", &on);
	/* both are right, and people who know SO_REUSEPORT look for it */
	doctor_found(rows, "migrate", "net.ipv4.tcp_migrate_req = %" PRId64 ", not needed: sockets stay open",
	             on);
}

static void check_ip6(struct doctor_rows *rows)
{
	_cleanup_close_ int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct doctor_row *row = doctor_found(rows, "ipv6", "%s", fd >= 0 ? "yes" : error_text(errno));

	if (fd < 0)
		doctor_advise(
			row, DOCTOR_WARN,
			"without IPv6 every listener is an IPv4 socket and \"[::]\" cannot be listened on: "
			"boot without ipv6.disable=1");
}

static void check_user(struct doctor_rows *rows)
{
	bool binds =
		capng_get_caps_process() == 0 && capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_BIND_SERVICE);
	int64_t first = 1024;
	struct doctor_row *row;

	(void)procfs_number("/proc/sys/net/ipv4/ip_unprivileged_port_start", &first);
	row = doctor_found(rows, "user", "uid %u, %s CAP_NET_BIND_SERVICE", (unsigned)geteuid(),
	                   binds ? "with" : "without");
	if (!binds && first > 1)
		doctor_advise(row, DOCTOR_WARN,
		              "ports below %" PRId64
		              " cannot be listened on: start usherd as root with `user` set, or give it the "
		              "capability (AmbientCapabilities=CAP_NET_BIND_SERVICE)",
		              first);
}

void doctor_host(struct doctor_rows *rows)
{
	check_cpus(rows);
	check_nofile(rows);
	check_memlock(rows);
	check_backlog(rows);
	check_migration(rows);
	check_ip6(rows);
	check_user(rows);
}
