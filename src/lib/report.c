/* SPDX-License-Identifier: Apache-2.0 */
/* DONE and LOST: see report.h. Refuses to end a channel that does not take them: reading it to its end does that. */
#include "lib/report.h"

#include <errno.h>
#include <sys/socket.h>

#include "core/handoff.h"

void report_open(struct report *report, uint32_t batch, uint32_t capacity)
{
	uint32_t threshold = batch / 2 < LIB_DONE_MAX ? batch / 2 : LIB_DONE_MAX;

	/* What is not yet sent is capacity that nobody uses. */
	if (capacity > 0 && capacity / 4 < threshold)
		threshold = capacity / 4;
	*report = (struct report){ .threshold = threshold > 0 ? threshold : 1 };
}

uint32_t report_hello(struct report *report)
{
	report->done = 0;
	report->uncounted = 0;
	return report->open > UINT32_MAX ? UINT32_MAX : (uint32_t)report->open;
}

void report_given(struct report *report, uint32_t epoch, uint32_t now)
{
	report->open++;
	if (epoch != now)
		report->uncounted++;
}

int report_done(struct report *report, uint32_t count)
{
	uint64_t silent = count < report->uncounted ? count : report->uncounted;

	if (count > report->open)
		return -EINVAL;
	report->open -= count;
	report->uncounted -= silent;
	report->done += count - silent;
	return report->done >= report->threshold;
}

void report_lost(struct report *report, struct channel *channel, uint32_t listener, uint32_t count)
{
	/* Two losses at two listeners before the first could be sent become one: the total is what counts. */
	channel->lost_listener = listener;
	channel->lost_count += count;
	report->lost = true;
}

/* 0, or a negative errno. */
static int send_message(const struct channel *channel, const void *message, size_t size)
{
	return send(channel->fd, message, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* False: no room. A channel that has ended at Usher's side takes its LOST along: its shard is gone. */
static bool flush_lost(struct channel *channel)
{
	struct handoff_lost lost = {
		.head = handoff_head_of(HANDOFF_LOST, sizeof(lost)),
		.listener = channel->lost_listener,
		.count = channel->lost_count,
	};

	if (channel->lost_count == 0)
		return true;
	if (send_message(channel, &lost, sizeof(lost)) == -EAGAIN)
		return false;
	channel->lost_count = 0;
	return true;
}

static int flush_done(struct report *report, const struct channel *channel)
{
	struct handoff_done done = { .head = handoff_head_of(HANDOFF_DONE, sizeof(done)),
		                     .count = report->done };
	int r;

	if (report->done == 0)
		return 0;
	r = send_message(channel, &done, sizeof(done));
	if (r == 0)
		report->done = 0;
	return r;
}

bool report_flush(struct report *report, struct channels *channels, uint32_t epoch)
{
	bool done_blocked = false;

	if (report->done == 0 && !report->lost)
		return true;
	report->lost = false;
	for (uint32_t i = 0; i < channels->high; i++) {
		struct channel *channel = channels->slots[i];

		if (!channel || channel->fd < 0)
			continue;
		if (!flush_lost(channel))
			report->lost = true;
		if (channel->epoch == epoch && flush_done(report, channel) == -EAGAIN)
			done_blocked = true;
	}
	return !report->lost && (!done_blocked || report->done == 0);
}
