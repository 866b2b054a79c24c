/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "sys/peername.h"
#include "sys/probe.h"
#include "sys/ring_setup.h"

static const uint32_t every = (1U << FEATURE_COUNT) - 1;

static int open_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

Test(probe, names_lead_back_to_their_features)
{
	for (int f = 0; f < FEATURE_COUNT; f++) {
		const struct feature_info *info = feature_info(f);

		cr_assert_not_null(info->name);
		cr_expect_eq(feature_by_name(feature_name(f)), f);
		cr_expect(info->purpose && info->since && info->fallback, "%s", info->name);
	}
	cr_expect_eq(feature_by_name("peername"), FEATURE_PEERNAME);
	cr_expect_eq(feature_by_name("peer"), -ENOENT);
	cr_expect_eq(feature_by_name(""), -ENOENT);
}

Test(probe, forced_off_is_absent)
{
	uint32_t found = features_probe(0);

	cr_expect_eq(features_probe(every), 0);
	cr_expect_eq(found & ~every, 0);
	for (int f = 0; f < FEATURE_COUNT; f++)
		cr_expect_eq(features_probe(every & ~feature_bit(f)), found & feature_bit(f),
		             "%s alone gives another answer than among all", feature_name(f));
}

Test(probe, leaves_nothing_open)
{
	int before = open_fds();

	(void)features_probe(0);
	cr_expect_eq(open_fds(), before);
}

Test(probe, without_descriptors_is_absent_not_fatal)
{
	uint32_t need_fds = every & ~feature_bit(FEATURE_SECCOMP) & ~feature_bit(FEATURE_LANDLOCK);
	struct rlimit usual;
	struct rlimit none;
	uint32_t found;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
	none = usual;
	none.rlim_cur = 0;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	found = features_probe(0);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
	cr_expect_eq(found & need_fds, 0);
}

/* A connection over loopback; returns the accepted end. */
static int connect_loopback(int *ret_client, struct sockaddr_in *ret_client_name)
{
	_cleanup_close_ int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(name);

	cr_assert_eq(bind(listener, (struct sockaddr *)&name, sizeof(name)), 0);
	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(getsockname(listener, (struct sockaddr *)&name, &size), 0);
	*ret_client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(*ret_client, (struct sockaddr *)&name, sizeof(name)), 0);
	cr_assert_eq(getsockname(*ret_client, (struct sockaddr *)ret_client_name, &size), 0);
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

Test(probe, peername_means_the_peer_s_address_of_a_connection)
{
	_cleanup_close_ int client = -1;
	struct sockaddr_in expected;
	struct sockaddr_in address = { 0 };
	_cleanup_close_ int connection = connect_loopback(&client, &expected);
	struct io_uring ring;
	struct io_uring_cqe *cqe;

	if (!(features_probe(0) & feature_bit(FEATURE_PEERNAME)))
		cr_skip_test("this kernel has no peername");
	cr_assert_eq(ring_setup(&ring, 4, 0), 0);
	peername_prepare(io_uring_get_sqe(&ring), connection, &address, sizeof(address));
	cr_assert_eq(io_uring_submit_and_wait(&ring, 1), 1);
	cr_assert_eq(io_uring_peek_cqe(&ring, &cqe), 0);
	cr_expect_eq(cqe->res, sizeof(address));
	cr_expect_eq(address.sin_port, expected.sin_port);
	cr_expect_eq(address.sin_addr.s_addr, expected.sin_addr.s_addr);
	io_uring_queue_exit(&ring);
}
