/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/control.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "open_fds.h"

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

TestSuite(control, .init = setup, .fini = teardown);

static const int some_fds[CONTROL_FDS_MAX + 1] = { 0, 0, 0, 0, 0 };

static void expect_no_fds(const int *fds)
{
	for (int i = 0; i < CONTROL_FDS_MAX; i++)
		cr_assert_eq(fds[i], -1);
}

Test(control, a_message_with_each_number_of_fds)
{
	for (size_t count = 0; count <= CONTROL_FDS_MAX; count++) {
		struct control sent = { .type = CONTROL_WORKER, .worker = 5, .number = 77, .text = "why" };
		struct control got;
		int fds[CONTROL_FDS_MAX];

		cr_assert_eq(control_send(pair[0], &sent, some_fds, count), 0);
		cr_assert_eq(control_receive(pair[1], &got, fds), FDPASS_MESSAGE);
		cr_assert_eq(memcmp(&sent, &got, sizeof(sent)), 0);
		for (size_t i = 0; i < CONTROL_FDS_MAX; i++)
			cr_assert_eq(fds[i] >= 0, i < count);
		fdpass_close_all(fds, count);
	}
}

Test(control, a_text_always_ends)
{
	struct control message = { .type = CONTROL_FAILED }, got;
	int fds[CONTROL_FDS_MAX];

	memset(message.text, 'x', sizeof(message.text));
	cr_assert_eq(control_send(pair[0], &message, NULL, 0), 0);
	cr_assert_eq(control_receive(pair[1], &got, fds), FDPASS_MESSAGE);
	cr_assert_eq(strlen(got.text), CONTROL_TEXT_BYTES - 1);
}

Test(control, what_is_no_message_is_refused_with_its_fds)
{
	static char bytes[sizeof(struct control) + 8];
	static const size_t sizes[] = { 1, sizeof(struct control) - 1, sizeof(struct control) + 1 };
	struct control got;
	int fds[CONTROL_FDS_MAX];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		cr_assert_eq(fdpass_send(pair[0], bytes, sizes[i], some_fds, 3), 0);
		cr_assert_eq(control_receive(pair[1], &got, fds), -EBADMSG, "%zu bytes", sizes[i]);
		expect_no_fds(fds);
		cr_assert_eq(open_fds(), before);
	}
	cr_assert_eq(fdpass_send(pair[0], bytes, sizeof(got), some_fds, CONTROL_FDS_MAX + 1), 0);
	cr_assert_eq(control_receive(pair[1], &got, fds), -EBADMSG, "more fds than a message has");
	expect_no_fds(fds);
}

Test(control, nothing_and_the_end_bring_no_fds)
{
	struct control got;
	int fds[CONTROL_FDS_MAX];

	cr_assert_eq(control_receive(pair[1], &got, fds), FDPASS_NOTHING);
	expect_no_fds(fds);
	cr_assert_eq(fdpass_send(pair[0], "", 0, some_fds, 2), 0);
	cr_assert_eq(control_receive(pair[1], &got, fds), FDPASS_END,
	             "an empty message is as good as the end");
	expect_no_fds(fds);
	close(pair[0]);
	before--;
	cr_assert_eq(control_receive(pair[1], &got, fds), FDPASS_END);
	expect_no_fds(fds);
}

Test(control, every_fault_has_words_of_its_own)
{
	for (int i = CONTROL_FAULT_SHUT; i < CONTROL_FAULT_COUNT; i++) {
		cr_assert_str_neq(control_fault_text((enum control_fault)i), "nothing");
		for (int k = CONTROL_FAULT_SHUT; k < i; k++)
			cr_assert_str_neq(control_fault_text((enum control_fault)i),
			                  control_fault_text((enum control_fault)k));
	}
	cr_assert_str_eq(control_fault_text((enum control_fault)UINT32_MAX), "nothing");
}
