/* SPDX-License-Identifier: Apache-2.0 */
/* The connection table: see slots.h. Refuses to allocate after slots_init(). */
#include "shard/slots.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int slots_init(struct slots *slots, uint32_t count)
{
	void *table = mmap(NULL, count * sizeof(struct slot), PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert(count < SLOT_NONE);
	if (table == MAP_FAILED)
		return -ENOMEM;
	*slots = (struct slots){ .table = table, .count = count, .free = SLOT_NONE };
	return 0;
}

void slots_fini(struct slots *slots)
{
	if (slots->table)
		(void)munmap(slots->table, slots->count * sizeof(struct slot));
	slots->table = NULL;
}

uint32_t slots_take(struct slots *slots)
{
	uint32_t index = slots->free, generation;
	struct slot *slot;

	if (index == SLOT_NONE && slots->fresh == slots->count)
		return SLOT_NONE;
	if (index == SLOT_NONE)
		index = slots->fresh++;
	else
		slots->free = slots->table[index].next;
	slot = &slots->table[index];
	assert(slot->state == SLOT_FREE);
	slots->used++;
	generation = slot->generation;
	memset(slot, 0, sizeof(*slot));
	slot->generation = generation;
	slot->fd = -1;
	slot->stash = STASH_RUN_EMPTY;
	slot->prev = slot->next = SLOT_NONE;
	return index;
}

void slots_give(struct slots *slots, uint32_t index)
{
	struct slot *slot = &slots->table[index];

	assert(slot->state != SLOT_FREE);
	slot->state = SLOT_FREE;
	slot->generation++;
	slot->fd = -1;
	slot->next = slots->free;
	slots->free = index;
	slots->used--;
}

struct slot *slots_get(struct slots *slots, uint32_t index, uint32_t generation)
{
	struct slot *slot;

	if (index >= slots->count)
		return NULL;
	slot = &slots->table[index];
	return slot->state != SLOT_FREE && slot->generation == generation ? slot : NULL;
}

static void slot_list_link(struct slots *slots, struct slot_list *list, uint32_t index, uint32_t prev,
                           uint32_t next)
{
	struct slot *slot = &slots->table[index];

	slot->prev = prev;
	slot->next = next;
	if (prev == SLOT_NONE)
		list->head = index;
	else
		slots->table[prev].next = index;
	if (next == SLOT_NONE)
		list->tail = index;
	else
		slots->table[next].prev = index;
	list->count++;
}

void slot_list_append(struct slots *slots, struct slot_list *list, uint32_t index)
{
	slot_list_link(slots, list, index, list->tail, SLOT_NONE);
}

void slot_list_insert(struct slots *slots, struct slot_list *list, uint32_t index, uint32_t after)
{
	slot_list_link(slots, list, index, after, after == SLOT_NONE ? list->head : slots->table[after].next);
}

void slot_list_remove(struct slots *slots, struct slot_list *list, uint32_t index)
{
	struct slot *slot = &slots->table[index];

	if (slot->prev == SLOT_NONE)
		list->head = slot->next;
	else
		slots->table[slot->prev].next = slot->next;
	if (slot->next == SLOT_NONE)
		list->tail = slot->prev;
	else
		slots->table[slot->next].prev = slot->prev;
	slot->prev = slot->next = SLOT_NONE;
	list->count--;
}
