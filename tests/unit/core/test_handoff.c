/* SPDX-License-Identifier: Apache-2.0 */
#include "core/handoff.h"

#include <criterion/criterion.h>
#include <string.h>

struct message {
	struct handoff_conns conns;
	struct handoff_conn records[2];
	uint8_t data[32];
};

static struct message two(void)
{
	struct message m = { .conns = { .head = handoff_head_of(HANDOFF_CONNS, sizeof(m)), .count = 2 } };

	m.records[0].data_offset = offsetof(struct message, data);
	m.records[0].tlv_bytes = 20;
	m.records[1].data_offset = offsetof(struct message, data) + 20;
	m.records[1].tlv_bytes = 12;
	return m;
}

Test(handoff, whole_message)
{
	struct message m = two();

	cr_assert(handoff_head_check(&m, sizeof(m)));
	cr_assert_eq(handoff_conns_record(&m, 1)->tlv_bytes, 12);
}

Test(handoff, every_shorter_size_is_refused)
{
	struct message m = two();

	for (size_t size = 0; size < sizeof(m); size++) {
		cr_assert_not(handoff_head_check(&m, size), "%zu", size);
		m.conns.head.length = (uint32_t)size;
		cr_assert_not(handoff_conns_check(&m, size), "%zu with its own length", size);
		m.conns.head.length = sizeof(m);
	}
}

Test(handoff, records_stay_inside)
{
	struct message m = two();

	m.records[1].tlv_bytes = 13;
	cr_assert_not(handoff_conns_check(&m, sizeof(m)));
	m = two();
	m.records[0].data_offset = offsetof(struct message, data) - 1;
	cr_assert_not(handoff_conns_check(&m, sizeof(m)));
	m = two();
	m.records[0].data_offset = UINT32_MAX;
	m.records[0].tlv_bytes = UINT32_MAX;
	cr_assert_not(handoff_conns_check(&m, sizeof(m)));
	m = two();
	m.records[0].unix_bytes = 215;
	cr_assert_not(handoff_conns_check(&m, sizeof(m)));
	m = two();
	m.conns.count = HANDOFF_FDS_MAX + 1;
	cr_assert_not(handoff_conns_check(&m, sizeof(m)));
	m = two();
	m.conns.count = 3;
	cr_assert_not(handoff_conns_check(&m, sizeof(m)));
}

Test(handoff, fixed_messages)
{
	struct handoff_done done = { .head = handoff_head_of(HANDOFF_DONE, sizeof(done)), .count = 1 };

	cr_assert(handoff_head_check(&done, sizeof(done)));
	cr_assert_not(handoff_head_check(&done, sizeof(done) - 1));
	done.head.version = 2;
	cr_assert_not(handoff_head_check(&done, sizeof(done)));
	done.head = handoff_head_of((enum handoff_type)99, sizeof(done));
	cr_assert_not(handoff_head_check(&done, sizeof(done)));
}

Test(handoff, hello)
{
	struct handoff_hello hello = { .batch = 64, .name = "w" };
	const char *why = NULL;

	cr_assert(handoff_hello_check(&hello, &why));
	hello.open = 1;
	cr_assert_not(handoff_hello_check(&hello, &why));
	cr_assert(strstr(why, "open"));
	hello.open = 0;
	hello.capacity = 10;
	cr_assert_not(handoff_hello_check(&hello, &why));
	cr_assert(strstr(why, "capacity"));
	hello.flags = HANDOFF_HELLO_SENDS_DONE;
	cr_assert(handoff_hello_check(&hello, &why));
	hello.batch = 0;
	cr_assert_not(handoff_hello_check(&hello, &why));
	hello.batch = 254;
	cr_assert_not(handoff_hello_check(&hello, &why));
	hello.batch = 1;
	memset(hello.name, 'x', sizeof(hello.name));
	cr_assert_not(handoff_hello_check(&hello, &why));
}
