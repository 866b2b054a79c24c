/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/fdpass.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "open_fds.h"

enum { SO_PASSPIDFD_ = 76 }; /* from Linux 6.5; newer than the C library's headers */

static int pair[2];
static unsigned before;

static void setup(void)
{
	cr_assert_eq(fdpass_pair(pair), 0);
	before = open_fds();
}

static void teardown(void)
{
	cr_expect_eq(open_fds(), before, "fds leaked");
}

TestSuite(fdpass, .init = setup, .fini = teardown);

/* @count pipes' reading ends, whose writing ends are closed. */
static void make_fds(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		cr_assert((fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0);
}

static void send_fds(const char *text, size_t count)
{
	int fds[FDPASS_FDS_MAX];

	make_fds(fds, count);
	cr_assert_eq(fdpass_send(pair[0], text, strlen(text), fds, count), 0);
	fdpass_close_all(fds, count);
}

static int receive(size_t fd_max, struct fdpass_message *ret)
{
	char bytes[64];
	int fds[FDPASS_FDS_MAX];
	int r = fdpass_receive(pair[1], bytes, sizeof(bytes), fds, fd_max, ret);

	if (r == FDPASS_MESSAGE) {
		for (size_t i = 0; i < ret->fd_count; i++)
			cr_assert(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
		fdpass_close_all(fds, ret->fd_count);
	}
	return r;
}

Test(fdpass, the_pair_is_close_on_exec)
{
	for (int i = 0; i < 2; i++)
		cr_assert(fcntl(pair[i], F_GETFD) & FD_CLOEXEC);
}

Test(fdpass, bytes_and_the_same_file_arrive)
{
	struct stat sent, got;
	struct fdpass_message m;
	char bytes[16];
	int fd = memfd_create("fdpass", 0),
	    received = -1; /* no close-on-exec: that is the receiver's doing */

	cr_assert_eq(fdpass_send(pair[0], "hello", 5, &fd, 1), 0);
	cr_assert_eq(fdpass_receive(pair[1], bytes, sizeof(bytes), &received, 1, &m), FDPASS_MESSAGE);
	cr_assert_eq(m.size, 5);
	cr_assert_eq(m.fd_count, 1);
	cr_assert_eq(m.cut, 0);
	cr_assert_arr_eq(bytes, "hello", 5);
	cr_assert(fcntl(received, F_GETFD) & FD_CLOEXEC);
	cr_assert_eq(fstat(fd, &sent), 0, "sending borrows");
	cr_assert_eq(fstat(received, &got), 0);
	cr_assert_eq(sent.st_ino, got.st_ino);
	close(fd);
	close(received);
}

Test(fdpass, every_number_of_fds_and_no_more)
{
	static const size_t counts[] = { 0, 1, 2, 252, FDPASS_FDS_MAX };
	int fds[FDPASS_FDS_MAX + 1] = { 0 };
	struct fdpass_message m;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		send_fds("x", counts[i]);
		cr_assert_eq(receive(FDPASS_FDS_MAX, &m), FDPASS_MESSAGE);
		cr_assert_eq(m.fd_count, counts[i]);
		cr_assert_eq(m.cut, 0);
	}
	cr_assert_eq(fdpass_send(pair[0], "x", 1, fds, FDPASS_FDS_MAX + 1), -EINVAL);
	cr_assert_eq(receive(FDPASS_FDS_MAX, &m), FDPASS_NOTHING);
}

Test(fdpass, what_does_not_fit_is_closed_and_said)
{
	static const size_t rooms[] = { 0, 1, 99 };
	struct fdpass_message m;

	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		send_fds("x", 100);
		cr_assert_eq(receive(rooms[i], &m), FDPASS_MESSAGE);
		cr_assert_eq(m.fd_count, rooms[i]);
		cr_assert_eq(m.cut, 1);
		cr_assert_eq(open_fds(), before);
	}
}

Test(fdpass, a_message_larger_than_the_room_is_cut)
{
	char bytes[100] = { 0 };
	struct fdpass_message m;

	cr_assert_eq(fdpass_send(pair[0], bytes, sizeof(bytes), NULL, 0), 0);
	cr_assert_eq(receive(0, &m), FDPASS_MESSAGE);
	cr_assert_eq(m.size, 64);
	cr_assert_eq(m.cut, 1);
}

/* Whoever shares the socket can set these; they add control messages, one of them with an fd. */
Test(fdpass, options_that_the_other_side_set)
{
	static const int options[] = { SO_PASSCRED, SO_TIMESTAMP, SO_PASSPIDFD_ };
	struct fdpass_message m;
	int on = 1;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (setsockopt(pair[1], SOL_SOCKET, options[i], &on, sizeof(on)) < 0)
			cr_assert_eq(options[i], SO_PASSPIDFD_, "not known before Linux 6.5");
	send_fds("x", FDPASS_FDS_MAX);
	cr_assert_eq(receive(FDPASS_FDS_MAX, &m), FDPASS_MESSAGE);
	cr_assert_eq(m.fd_count, FDPASS_FDS_MAX);
	cr_assert_eq(m.cut, 0);
	send_fds("x", 1);
	cr_assert_eq(receive(0, &m), FDPASS_MESSAGE);
	cr_assert_eq(m.fd_count, 0);
	cr_assert_eq(m.cut, 1);
}

Test(fdpass, nothing_is_not_the_end)
{
	struct fdpass_message m;

	cr_assert_eq(receive(1, &m), FDPASS_NOTHING);
	send_fds("last", 3);
	close(pair[0]);
	cr_assert_eq(receive(3, &m), FDPASS_MESSAGE);
	cr_assert_eq(m.fd_count, 3);
	cr_assert_eq(receive(1, &m), FDPASS_END);
	cr_assert_eq(receive(1, &m), FDPASS_END);
	before--;
}

/* The other end left something unread: a reset is told first, yet nothing of what it sent is lost. */
Test(fdpass, reset_then_messages_then_the_end)
{
	struct fdpass_message m;

	cr_assert_eq(fdpass_send(pair[1], "unread", 6, NULL, 0), 0);
	send_fds("a", 1);
	send_fds("b", 2);
	close(pair[0]);
	before--;
	cr_assert_eq(receive(2, &m), -ECONNRESET);
	cr_assert_eq(receive(2, &m), FDPASS_MESSAGE);
	cr_assert_eq(m.fd_count, 1);
	cr_assert_eq(receive(2, &m), FDPASS_MESSAGE);
	cr_assert_eq(m.fd_count, 2);
	cr_assert_eq(receive(2, &m), FDPASS_END);
}

Test(fdpass, an_empty_message_is_an_end_and_its_fds_are_closed)
{
	struct fdpass_message m;

	send_fds("", 2);
	cr_assert_eq(receive(2, &m), FDPASS_END);
	cr_assert_eq(m.fd_count, 0);
}

Test(fdpass, sending_never_waits)
{
	char bytes[1000] = { 0 };
	int r = 0, sent = 0;

	for (; r == 0 && sent < 100000; sent++)
		r = fdpass_send(pair[0], bytes, sizeof(bytes), NULL, 0);
	cr_assert_eq(r, -EAGAIN);
	close(pair[1]);
	before--;
	cr_assert_eq(fdpass_send(pair[0], bytes, sizeof(bytes), NULL, 0), -ECONNRESET, "it was unread");
	cr_assert_eq(fdpass_send(pair[0], bytes, sizeof(bytes), NULL, 0), -EPIPE, "and no SIGPIPE");
}
