/* SPDX-License-Identifier: Apache-2.0 */
#include "master/outbox.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "open_fds.h"

static struct outbox box;
static int pair[2];
static unsigned before;
static uint32_t sent, received;

static void setup(void)
{
	int small = 1;

	cr_assert_eq(fdpass_pair(pair), 0);
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	outbox_init(&box);
	before = open_fds();
	sent = received = 0;
}

static void teardown(void)
{
	outbox_fini(&box);
	cr_expect(outbox_empty(&box));
	cr_expect_eq(open_fds(), before, "fds leaked");
}

TestSuite(outbox, .init = setup, .fini = teardown);

static int send_next(const int *fds, size_t count)
{
	struct control message = { .type = CONTROL_WORKER, .worker = sent };
	int r = outbox_send(&box, pair[0], &message, fds, count);

	if (r == 0)
		sent++;
	return r;
}

/* Receives all that is there, each in its turn with @fd_count fds. */
static void receive_all(size_t fd_count)
{
	struct control message;
	int fds[CONTROL_FDS_MAX];

	while (control_receive(pair[1], &message, fds) == FDPASS_MESSAGE) {
		cr_assert_eq(message.worker, received, "out of order");
		received++;
		for (size_t i = 0; i < CONTROL_FDS_MAX; i++)
			cr_assert_eq(fds[i] >= 0, i < fd_count);
		fdpass_close_all(fds, fd_count);
	}
}

static void fill_until_waiting(const int *fds, size_t count, uint32_t waiting)
{
	for (int i = 0; i < 100000 && box.count < waiting; i++)
		cr_assert_eq(send_next(fds, count), 0);
	cr_assert_eq(box.count, waiting);
}

Test(outbox, with_room_nothing_waits)
{
	cr_assert_eq(send_next(NULL, 0), 0);
	cr_assert(outbox_empty(&box));
	receive_all(0);
	cr_assert_eq(received, 1);
	cr_assert_eq(outbox_flush(&box, pair[0]), 0);
}

Test(outbox, order_is_kept_when_the_socket_is_full)
{
	fill_until_waiting(NULL, 0, 20);
	for (int turn = 0; turn < 1000 && !outbox_empty(&box); turn++) {
		struct control message;
		int fds[CONTROL_FDS_MAX];

		/* room for one: what is sent now must still come after what waits */
		cr_assert_eq(control_receive(pair[1], &message, fds), FDPASS_MESSAGE);
		cr_assert_eq(message.worker, received++);
		if (turn < 10)
			cr_assert_eq(send_next(NULL, 0), 0);
		cr_assert_eq(outbox_flush(&box, pair[0]), 0);
	}
	cr_assert(outbox_empty(&box));
	receive_all(0);
	cr_assert_eq(received, sent);
}

Test(outbox, waiting_fds_are_duplicates_and_closed_once_sent)
{
	int fd = memfd_create("outbox", MFD_CLOEXEC);

	fill_until_waiting((int[]){ fd, fd }, 2, 5);
	cr_assert_eq(open_fds(), before + 1 + 10);
	for (size_t i = 0; i < 2; i++) {
		struct stat ours, theirs;

		cr_assert_neq(box.first->fds[i], fd);
		cr_assert(fcntl(box.first->fds[i], F_GETFD) & FD_CLOEXEC);
		cr_assert_eq(fstat(fd, &ours), 0);
		cr_assert_eq(fstat(box.first->fds[i], &theirs), 0);
		cr_assert_eq(ours.st_ino, theirs.st_ino);
	}
	close(fd); /* the sender's own; what waits does not need it */
	for (int i = 0; i < 1000 && received < sent; i++) {
		receive_all(2);
		cr_assert_eq(outbox_flush(&box, pair[0]), 0);
	}
	cr_assert_eq(received, sent);
}

Test(outbox, so_many_wait_and_no_more)
{
	fill_until_waiting(NULL, 0, OUTBOX_MAX);
	cr_assert_eq(send_next((int[]){ 0 }, 1), -ENOBUFS);
	cr_assert_eq(box.count, OUTBOX_MAX);
	receive_all(0);
	cr_assert_eq(outbox_flush(&box, pair[0]), 0);
	cr_assert(box.count < OUTBOX_MAX);
	cr_assert_eq(send_next(NULL, 0), 0);
}

Test(outbox, what_can_never_be_sent_is_said_at_once)
{
	cr_assert_eq(send_next((int[]){ 0, 0, 0, 0, 0 }, CONTROL_FDS_MAX + 1), -EINVAL);
	close(pair[1]);
	before--;
	cr_assert_eq(send_next(NULL, 0), -EPIPE);
	cr_assert(outbox_empty(&box));
}

Test(outbox, the_end_is_found_when_flushing)
{
	fill_until_waiting((int[]){ 0 }, 1, 3);
	close(pair[1]);
	before--;
	cr_assert(outbox_flush(&box, pair[0]) < 0);
	cr_assert_eq(box.count, 3, "fini closes what they hold");
}

Test(outbox, at_the_limit_of_fds_nothing_half_is_kept)
{
	struct rlimit usual, tight;
	uint32_t waiting;
	int spare;

	fill_until_waiting(NULL, 0, 1);
	waiting = box.count;
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
	tight = usual;
	spare = dup(0);
	close(spare);
	tight.rlim_cur = (rlim_t)spare + 2; /* two of three fit */
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
	cr_expect_eq(send_next((int[]){ 0, 0, 0 }, 3), -EMFILE);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
	cr_expect_eq(box.count, waiting);
	cr_expect_eq(open_fds(), before);
}
