/* SPDX-License-Identifier: Apache-2.0 */
/* Provided buffers: see buffers.h. */
#include "shard/buffers.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "base/limits.h"

static int buffers_register(struct buffers *buffers, struct ring *ring)
{
	struct io_uring_buf_reg reg = {
		.ring_addr = (uint64_t)(uintptr_t)buffers->entries,
		.ring_entries = buffers->count,
		.bgid = BUFFERS_GROUP,
	};

	return io_uring_register_buf_ring(&ring->uring, &reg, 0);
}

static void *buffers_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int buffers_init(struct buffers *buffers, struct ring *ring)
{
	int r = -ENOMEM;

	*buffers = (struct buffers){ .count = PEEK_BUFFERS };
	buffers->entries = buffers_map(PEEK_BUFFERS * sizeof(struct io_uring_buf));
	buffers->memory = buffers_map((size_t)PEEK_BUFFERS * PEEK_BUFFER_BYTES);
	if (!buffers->entries || !buffers->memory)
		return -ENOMEM;
	for (; r == -ENOMEM && buffers->count >= 16; buffers->count /= 2) {
		r = buffers_register(buffers, ring);
		if (r == 0)
			break;
	}
	if (r < 0)
		return r;
	io_uring_buf_ring_init(buffers->entries);
	for (unsigned i = 0; i < buffers->count; i++)
		buffers_give(buffers, i << IORING_CQE_BUFFER_SHIFT | IORING_CQE_F_BUFFER);
	buffers_flush(buffers);
	return 0;
}

void buffers_fini(struct buffers *buffers)
{
	if (buffers->entries)
		(void)munmap(buffers->entries, PEEK_BUFFERS * sizeof(struct io_uring_buf));
	if (buffers->memory)
		(void)munmap(buffers->memory, (size_t)PEEK_BUFFERS * PEEK_BUFFER_BYTES);
	*buffers = (struct buffers){ 0 };
}

static unsigned buffer_id(uint32_t cqe_flags)
{
	return cqe_flags >> IORING_CQE_BUFFER_SHIFT;
}

const uint8_t *buffers_get(const struct buffers *buffers, uint32_t cqe_flags)
{
	if (!(cqe_flags & IORING_CQE_F_BUFFER) || buffer_id(cqe_flags) >= buffers->count)
		return NULL;
	return buffers->memory + (size_t)buffer_id(cqe_flags) * PEEK_BUFFER_BYTES;
}

void buffers_give(struct buffers *buffers, uint32_t cqe_flags)
{
	unsigned id = buffer_id(cqe_flags);

	if (!(cqe_flags & IORING_CQE_F_BUFFER) || id >= buffers->count)
		return;
	io_uring_buf_ring_add(buffers->entries, buffers->memory + (size_t)id * PEEK_BUFFER_BYTES,
	                      PEEK_BUFFER_BYTES, (unsigned short)id, io_uring_buf_ring_mask(buffers->count),
	                      (int)buffers->returned);
	buffers->returned++;
}

void buffers_flush(struct buffers *buffers)
{
	if (buffers->returned > 0)
		io_uring_buf_ring_advance(buffers->entries, (int)buffers->returned);
	buffers->returned = 0;
}
