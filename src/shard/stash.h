/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The stash: header bytes that must outlive their provided buffer, that is incomplete headers, and Unix addresses and
 * TLVs on their way to a worker. A fixed pool of chunks, chained into runs. Owns the memory; a run belongs to its slot.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STASH_NONE UINT32_MAX

struct stash_run {
	uint32_t first, last; /* chunks */
	uint32_t bytes;
};

#define STASH_RUN_EMPTY ((struct stash_run){ STASH_NONE, STASH_NONE, 0 })

struct stash {
	uint8_t *memory;
	uint32_t *next;
	uint32_t chunks;
	uint32_t free;
	uint32_t used;
};

/* 0 or -ENOMEM. Pages that are never used cost nothing. */
int stash_init(struct stash *stash, uint32_t chunks);
void stash_fini(struct stash *stash);

/* Appends all of @bytes, or nothing: false when the pool has no room. */
bool stash_append(struct stash *stash, struct stash_run *run, const uint8_t *bytes, size_t size);

/* Copies @size bytes from @offset of the run; they must be there. */
void stash_copy(const struct stash *stash, const struct stash_run *run, size_t offset, uint8_t *to,
                size_t size);

/* Gives the chunks back and leaves an empty run. */
void stash_release(struct stash *stash, struct stash_run *run);
