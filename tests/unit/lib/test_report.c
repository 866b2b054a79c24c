/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/report.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway.h"

static int add(struct channels *channels, uint32_t epoch)
{
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	cr_assert_eq(channels_add_consume(channels, pair[1], epoch), 0);
	return pair[0];
}

Test(report, threshold)
{
	static const struct {
		uint32_t batch, capacity, threshold;
	} cases[] = { { 1, 0, 1 }, { 10, 0, 5 }, { 253, 0, 32 }, { 64, 8, 2 }, { 64, 1, 1 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct report report;

		report_open(&report, cases[i].batch, cases[i].capacity);
		cr_assert_eq(report.threshold, cases[i].threshold, "case %zu", i);
	}
}

Test(report, goes_round_channels_that_do_not_take_it)
{
	static struct channels channels = { .epoll_fd = -1 };
	struct report report;
	struct handoff_done done;
	int old = add(&channels, 1), closed = add(&channels, 2), live = add(&channels, 2);

	close(closed);
	report_open(&report, 8, 0);
	for (int i = 0; i < 5; i++)
		report_given(&report, 2, 2);
	cr_assert_eq(report_done(&report, 3), 0);
	cr_assert_eq(report_done(&report, 3), -EINVAL);
	cr_assert_eq(report_done(&report, 2), 1);
	cr_assert(report_flush(&report, &channels, 2));
	cr_assert_eq(gateway_receive(old, &done, sizeof(done)), 0);
	cr_assert_eq(gateway_receive(live, &done, sizeof(done)), sizeof(done));
	cr_assert_eq(done.count, 5);
	cr_assert_eq(gateway_receive(live, &done, sizeof(done)), 0, "once");
	channels_end_all(&channels);
	close(old);
	close(live);
}

Test(report, a_full_channel_is_tried_again)
{
	static struct channels channels = { .epoll_fd = -1 };
	struct report report;
	char bytes[64] = { 0 };
	int shard = add(&channels, 1), worker = channels.slots[0]->fd;
	uint64_t sum = 0;

	report_open(&report, 1, 0);
	report_given(&report, 1, 1);
	while (send(worker, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	report_lost(&report, channels.slots[0], 4, 2);
	cr_assert_eq(report_done(&report, 1), 1);
	cr_assert_not(report_flush(&report, &channels, 1));
	while (gateway_receive(shard, bytes, sizeof(bytes)) == sizeof(bytes))
		;
	report_lost(&report, channels.slots[0], 4, 1);
	cr_assert(report_flush(&report, &channels, 1));
	for (size_t size; (size = gateway_receive(shard, bytes, sizeof(bytes))) > 0;) {
		struct handoff_lost *lost = (struct handoff_lost *)bytes;
		struct handoff_done *done = (struct handoff_done *)bytes;

		sum += lost->head.type == HANDOFF_LOST ? lost->count * 10 : done->count;
	}
	cr_assert_eq(sum, 31);
	channels_end_all(&channels);
	close(shard);
}

Test(report, nobody_to_tell_is_no_reason_to_try_again)
{
	static struct channels channels = { .epoll_fd = -1 };
	struct report report;

	report_open(&report, 1, 0);
	report_given(&report, 1, 1);
	cr_assert_eq(report_done(&report, 1), 1);
	cr_assert(report_flush(&report, &channels, 1));
	cr_assert_eq(report_hello(&report), 0,
	             "it is not open any more, so a new registration need not know");
}
