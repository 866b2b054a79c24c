/* SPDX-License-Identifier: Apache-2.0 */
#include "shard/slots.h"

#include <criterion/criterion.h>

enum { COUNT = 5 };

static struct slots slots;

static void setup(void)
{
	cr_assert_eq(slots_init(&slots, COUNT), 0);
}

static void teardown(void)
{
	slots_fini(&slots);
	slots_fini(&slots);
}

TestSuite(slots, .init = setup, .fini = teardown);

static uint32_t take(void)
{
	uint32_t index = slots_take(&slots);

	cr_assert_neq(index, SLOT_NONE);
	slots.table[index].state = SLOT_PEEK;
	return index;
}

Test(slots, each_once_then_none)
{
	bool taken[COUNT] = { false };

	for (uint32_t i = 0; i < COUNT; i++) {
		uint32_t index = take();

		cr_assert(index < COUNT);
		cr_assert_not(taken[index]);
		taken[index] = true;
	}
	cr_assert_eq(slots.used, COUNT);
	cr_assert_eq(slots_take(&slots), SLOT_NONE);
	cr_assert_eq(slots.used, COUNT);
	slots_give(&slots, 3);
	cr_assert_eq(slots_take(&slots), 3);
}

Test(slots, a_fresh_one_remembers_nothing_but_its_generation)
{
	uint32_t index = take();
	struct slot *slot = &slots.table[index];
	uint32_t generation = slot->generation;

	slot->fd = 9;
	slot->deadline_ns = slot->id = 1;
	slot->discard = slot->need = slot->flags = 1;
	slots_give(&slots, index);
	cr_assert_eq(slots_take(&slots), index);
	cr_assert_eq(slot->generation, generation + 1);
	cr_assert_eq(slot->fd, -1);
	cr_assert_eq(slot->deadline_ns + slot->id + slot->discard + slot->need + slot->flags, 0);
	cr_assert_eq(slot->stash.first, STASH_NONE);
	cr_assert_eq(slot->prev, SLOT_NONE);
	cr_assert_eq(slot->next, SLOT_NONE);
}

Test(slots, a_late_completion_finds_nothing)
{
	uint32_t index = take();
	uint32_t generation = slots.table[index].generation;

	cr_assert_eq(slots_get(&slots, index, generation), &slots.table[index]);
	cr_assert_null(slots_get(&slots, index, generation + 1));
	cr_assert_null(slots_get(&slots, COUNT, generation));
	cr_assert_null(slots_get(&slots, SLOT_NONE, generation));
	slots_give(&slots, index);
	cr_assert_null(slots_get(&slots, index, generation));
	cr_assert_null(slots_get(&slots, index, generation + 1), "free: nobody's");
	cr_assert_eq(take(), index);
	cr_assert_null(slots_get(&slots, index, generation), "somebody else's by now");
	cr_assert_not_null(slots_get(&slots, index, generation + 1));
}

Test(slots, generations_go_round)
{
	uint32_t index = take();

	slots.table[index].generation = UINT32_MAX;
	slots_give(&slots, index);
	cr_assert_eq(take(), index);
	cr_assert_null(slots_get(&slots, index, UINT32_MAX));
	cr_assert_not_null(slots_get(&slots, index, 0));
}

/* The list is exactly @expected, seen from both ends. */
static void expect_list(const struct slot_list *list, const uint32_t *expected, uint32_t count)
{
	uint32_t at = list->head;

	cr_assert_eq(list->count, count);
	for (uint32_t i = 0; i < count; i++, at = slots.table[at].next)
		cr_assert_eq(at, expected[i]);
	cr_assert_eq(at, SLOT_NONE);
	at = list->tail;
	for (uint32_t i = count; i-- > 0; at = slots.table[at].prev)
		cr_assert_eq(at, expected[i]);
	cr_assert_eq(at, SLOT_NONE);
}

Test(slots, lists_append_insert_and_remove_anywhere)
{
	struct slot_list list = SLOT_LIST_EMPTY;
	uint32_t a = take(), b = take(), c = take(), d = take();

	expect_list(&list, NULL, 0);
	slot_list_append(&slots, &list, b);
	expect_list(&list, (uint32_t[]){ b }, 1);
	slot_list_append(&slots, &list, c);
	slot_list_insert(&slots, &list, a, SLOT_NONE);
	slot_list_append(&slots, &list, d);
	expect_list(&list, (uint32_t[]){ a, b, c, d }, 4);
	slot_list_remove(&slots, &list, b);
	expect_list(&list, (uint32_t[]){ a, c, d }, 3);
	slot_list_remove(&slots, &list, a);
	slot_list_remove(&slots, &list, d);
	expect_list(&list, (uint32_t[]){ c }, 1);
	slot_list_remove(&slots, &list, c);
	expect_list(&list, NULL, 0);
	slot_list_insert(&slots, &list, d, SLOT_NONE);
	expect_list(&list, (uint32_t[]){ d }, 1);
}

Test(slots, one_moves_from_list_to_list)
{
	struct slot_list from = SLOT_LIST_EMPTY, to = SLOT_LIST_EMPTY;
	uint32_t a = take(), b = take();

	slot_list_append(&slots, &from, a);
	slot_list_append(&slots, &from, b);
	slot_list_remove(&slots, &from, a);
	slot_list_append(&slots, &to, a);
	expect_list(&from, (uint32_t[]){ b }, 1);
	expect_list(&to, (uint32_t[]){ a }, 1);
}
