/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries each optional feature once: see probe.h. Owns its rings and sockets for the length of a call. Refuses to use
 * the network: what needs a connection uses a Unix socket, so that it works where not even loopback is up.
 */
#include "sys/probe.h"

#include <errno.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "sys/kernel.h"
#include "sys/peername.h"
#include "sys/ring_setup.h"

enum {
	PROBE_RING_ENTRIES = 4,
	PROBE_WAIT_S = 1, /* each try completes at once; this only bounds a kernel that does not */
};

/* Submits what is prepared and takes its first completion. Returns its result, or a negative errno. */
static int run_once(struct io_uring *ring, uint32_t *ret_flags)
{
	struct __kernel_timespec wait = { .tv_sec = PROBE_WAIT_S };
	struct io_uring_cqe *cqe;
	int r = io_uring_submit_and_wait_timeout(ring, &cqe, 1, &wait, NULL);

	if (r < 0)
		return r;
	r = io_uring_peek_cqe(ring, &cqe);
	if (r < 0)
		return r;
	r = cqe->res;
	*ret_flags = cqe->flags;
	io_uring_cqe_seen(ring, cqe);
	return r;
}

/* A listening Unix socket under a name that the kernel chooses, and a client that waits in its backlog. */
static int open_backlog(int *ret_listener, int *ret_client)
{
	_cleanup_close_ int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t size = sizeof(name);

	if (listener < 0 || client < 0)
		return -errno;
	if (bind(listener, (struct sockaddr *)&name, sizeof(name.sun_family)) < 0 || listen(listener, 1) < 0)
		return -errno;
	if (getsockname(listener, (struct sockaddr *)&name, &size) < 0)
		return -errno;
	if (connect(client, (struct sockaddr *)&name, size) < 0)
		return -errno;
	*ret_listener = take_fd(&listener);
	*ret_client = take_fd(&client);
	return 0;
}

/* Before 6.8 a full completion queue could yield a wrong fd: the release decides, then it is tried. */
static bool probe_multishot(struct io_uring *ring)
{
	_cleanup_close_ int listener = -1;
	_cleanup_close_ int client = -1;
	_cleanup_close_ int accepted = -1;
	uint32_t flags = 0;

	if (!kernel_at_least(kernel_release(), 6, 8) || open_backlog(&listener, &client) < 0)
		return false;
	io_uring_prep_multishot_accept(io_uring_get_sqe(ring), listener, NULL, NULL, SOCK_CLOEXEC);
	accepted = run_once(ring, &flags);
	return accepted >= 0 && (flags & IORING_CQE_F_MORE);
}

/* An unconnected socket: a kernel that knows the operation looks for the peer and says that there is none. */
static bool probe_peername(struct io_uring *ring)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address;
	uint32_t flags;

	if (fd < 0)
		return false;
	peername_prepare(io_uring_get_sqe(ring), fd, &address, sizeof(address));
	return run_once(ring, &flags) == -ENOTCONN;
}

static bool probe_ring_fd(struct io_uring *ring)
{
	return io_uring_register_ring_fd(ring) == 1;
}

/* By the raw call: liburing 2.3 declares io_uring_register_restrictions() and does not export it. */
static bool probe_restrictions(struct io_uring *unused)
{
	struct io_uring_restriction allowed = { .opcode = IORING_RESTRICTION_SQE_OP,
		                                .sqe_op = IORING_OP_NOP };
	struct io_uring ring;
	unsigned fd;
	bool works;

	if (ring_setup(&ring, PROBE_RING_ENTRIES, IORING_SETUP_R_DISABLED) < 0)
		return false;
	fd = (unsigned)ring.ring_fd;
	works = io_uring_register(fd, IORING_REGISTER_RESTRICTIONS, &allowed, 1) == 0 &&
	        io_uring_register(fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) == 0;
	io_uring_queue_exit(&ring);
	return works;
}

static bool probe_peerpidfd(struct io_uring *unused)
{
	int ends[2];
	int pidfd = -1;
	socklen_t size = sizeof(pidfd);
	bool works;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return false;
	works = getsockopt(ends[0], SOL_SOCKET, PROBE_SO_PEERPIDFD, &pidfd, &size) == 0 && pidfd >= 0;
	close_fd(&pidfd);
	close_fd(&ends[0]);
	close_fd(&ends[1]);
	return works;
}

static bool probe_passrights(struct io_uring *unused)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int off = 0;

	return fd >= 0 && setsockopt(fd, SOL_SOCKET, PROBE_SO_PASSRIGHTS, &off, sizeof(off)) == 0;
}

static bool probe_seccomp(struct io_uring *unused)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static bool probe_landlock(struct io_uring *unused)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

static const struct {
	struct feature_info info;
	bool (*works)(struct io_uring *ring);
} features[FEATURE_COUNT] = {
	[FEATURE_MULTISHOT] = { { "multishot", true, "one armed accept yields many connections", "6.8",
	                          "a window of single accepts" },
	                        probe_multishot },
	[FEATURE_PEERNAME] = { { "peername", true, "the peer's address from inside the ring", "6.7",
	                         "one getpeername() a connection under multishot" },
	                       probe_peername },
	[FEATURE_RING_FD] = { { "ring-fd", true, "a registered ring saves a lookup in each call", "5.18",
	                        "the lookup" },
	                      probe_ring_fd },
	[FEATURE_RESTRICTIONS] = { { "restrictions", true, "a shard's ring allows only the operations in use",
	                             "5.10",
	                             "the ring allows every operation; seccomp still forbids new rings" },
	                           probe_restrictions },
	[FEATURE_PEERPIDFD] = { { "peerpidfd", false, "a worker's death is seen at once", "6.5",
	                          "a worker is dead when its registration ends" },
	                        probe_peerpidfd },
	[FEATURE_PASSRIGHTS] = { { "passrights", false, "workers cannot send us file descriptors", "6.16",
	                           "whatever arrives is closed" },
	                         probe_passrights },
	[FEATURE_SECCOMP] = { { "seccomp", false, "a shard may make only the system calls that it needs",
	                        "4.14", "a shard may make every system call" },
	                      probe_seccomp },
	[FEATURE_LANDLOCK] = { { "landlock", false, "a shard has no file system", "5.13",
	                         "a shard sees the file system as its user does" },
	                       probe_landlock },
};

const struct feature_info *feature_info(enum feature feature)
{
	return &features[feature].info;
}

const char *feature_name(enum feature feature)
{
	return features[feature].info.name;
}

int feature_by_name(const char *name)
{
	for (int f = 0; f < FEATURE_COUNT; f++) {
		if (strcmp(features[f].info.name, name) == 0)
			return f;
	}
	return -ENOENT;
}

uint32_t features_probe(uint32_t without)
{
	struct io_uring ring;
	bool open = ring_setup(&ring, PROBE_RING_ENTRIES, 0) == 0;
	uint32_t found = 0;

	for (enum feature f = 0; f < FEATURE_COUNT; f++) {
		if ((without & feature_bit(f)) || (features[f].info.needs_ring && !open))
			continue;
		if (features[f].works(&ring))
			found |= feature_bit(f);
	}
	if (open)
		io_uring_queue_exit(&ring);
	return found;
}
