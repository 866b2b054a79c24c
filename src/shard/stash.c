/* SPDX-License-Identifier: Apache-2.0 */
/* The stash: see stash.h. Refuses to grow. */
#include "shard/stash.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/limits.h"

static void *stash_map(size_t size)
{
	void *p =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int stash_init(struct stash *stash, uint32_t chunks)
{
	*stash = (struct stash){ .chunks = chunks, .free = 0 };
	stash->memory = stash_map((size_t)chunks * STASH_CHUNK_BYTES);
	stash->next = stash_map((size_t)chunks * sizeof(uint32_t));
	if (!stash->memory || !stash->next) {
		stash_fini(stash);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < chunks; i++)
		stash->next[i] = i + 1 < chunks ? i + 1 : STASH_NONE;
	return 0;
}

void stash_fini(struct stash *stash)
{
	if (stash->memory)
		(void)munmap(stash->memory, (size_t)stash->chunks * STASH_CHUNK_BYTES);
	if (stash->next)
		(void)munmap(stash->next, (size_t)stash->chunks * sizeof(uint32_t));
	*stash = (struct stash){ .free = STASH_NONE };
}

static uint32_t chunks_of(size_t bytes)
{
	return (uint32_t)((bytes + STASH_CHUNK_BYTES - 1) / STASH_CHUNK_BYTES);
}

static void stash_grow(struct stash *stash, struct stash_run *run)
{
	uint32_t chunk = stash->free;

	stash->free = stash->next[chunk];
	stash->next[chunk] = STASH_NONE;
	stash->used++;
	if (run->last == STASH_NONE)
		run->first = chunk;
	else
		stash->next[run->last] = chunk;
	run->last = chunk;
}

bool stash_append(struct stash *stash, struct stash_run *run, const uint8_t *bytes, size_t size)
{
	uint32_t more = chunks_of(run->bytes + size) - chunks_of(run->bytes);

	if (more > stash->chunks - stash->used)
		return false;
	while (size > 0) {
		size_t in_chunk = run->bytes % STASH_CHUNK_BYTES, part;

		if (in_chunk == 0)
			stash_grow(stash, run);
		part = STASH_CHUNK_BYTES - in_chunk < size ? STASH_CHUNK_BYTES - in_chunk : size;
		memcpy(stash->memory + (size_t)run->last * STASH_CHUNK_BYTES + in_chunk, bytes, part);
		run->bytes += (uint32_t)part;
		bytes += part;
		size -= part;
	}
	return true;
}

void stash_copy(const struct stash *stash, const struct stash_run *run, size_t offset, uint8_t *to,
                size_t size)
{
	uint32_t chunk = run->first;

	assert(offset + size <= run->bytes);
	for (; size > 0 && offset >= STASH_CHUNK_BYTES; offset -= STASH_CHUNK_BYTES)
		chunk = stash->next[chunk];
	while (size > 0) {
		size_t part = STASH_CHUNK_BYTES - offset < size ? STASH_CHUNK_BYTES - offset : size;

		memcpy(to, stash->memory + (size_t)chunk * STASH_CHUNK_BYTES + offset, part);
		to += part;
		size -= part;
		offset = 0;
		chunk = stash->next[chunk];
	}
}

void stash_release(struct stash *stash, struct stash_run *run)
{
	if (run->first != STASH_NONE) {
		stash->used -= chunks_of(run->bytes);
		stash->next[run->last] = stash->free;
		stash->free = run->first;
	}
	*run = STASH_RUN_EMPTY;
}
