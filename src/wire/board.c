/* SPDX-License-Identifier: Apache-2.0 */
/* The board's layout and its two lock-free protocols: see board.h. Refuses to map memory or to interpret a row. */
#include "wire/board.h"

#include <assert.h>
#include <string.h>

#define BOARD_MAGIC 0x7573686572303031ULL

static size_t board_head_size(void)
{
	return (sizeof(struct board) + 63) & ~(size_t)63;
}

static size_t board_block_size(void)
{
	return sizeof(struct board_shard) + sizeof(struct board_log) +
	       LISTENERS_MAX * sizeof(struct board_row);
}

size_t board_size(uint32_t shards)
{
	return board_head_size() + (size_t)GENERATIONS_MAX * shards * board_block_size();
}

void board_format(struct board *board, uint32_t shards, uint32_t in_flight_max)
{
	board->magic = BOARD_MAGIC;
	board->shards = shards;
	board->in_flight_max = in_flight_max;
}

bool board_check(const struct board *board, size_t size)
{
	return size >= sizeof(*board) && board->magic == BOARD_MAGIC && board->shards <= SHARDS_MAX &&
	       size == board_size(board->shards);
}

static char *board_block(struct board *board, uint32_t slot, uint32_t shard)
{
	assert(slot < GENERATIONS_MAX);
	assert(shard < board->shards);
	return (char *)board + board_head_size() +
	       ((size_t)slot * board->shards + shard) * board_block_size();
}

struct board_shard *board_shard(struct board *board, uint32_t slot, uint32_t shard)
{
	return (struct board_shard *)(void *)board_block(board, slot, shard);
}

struct board_log *board_log(struct board *board, uint32_t slot, uint32_t shard)
{
	return (struct board_log *)(void *)(board_block(board, slot, shard) + sizeof(struct board_shard));
}

struct board_row *board_row(struct board *board, uint32_t slot, uint32_t shard, uint32_t listener)
{
	char *rows = board_block(board, slot, shard) + sizeof(struct board_shard) + sizeof(struct board_log);

	assert(listener < LISTENERS_MAX);
	return (struct board_row *)(void *)rows + listener;
}

void board_row_publish(struct board_row *row, const struct ledger *ledger)
{
	uint32_t next = atomic_load_explicit(&row->sequence, memory_order_relaxed) + 1;

	/* a reader that sees any byte of this copy sees the last sequence too, and looks again */
	atomic_thread_fence(memory_order_release);
	memcpy(&row->copies[next & 1], ledger, sizeof(*ledger));
	atomic_store_explicit(&row->sequence, next, memory_order_release);
}

void board_row_read(struct board_row *row, struct ledger *ret)
{
	uint32_t before, after;

	/* ends: a writer turns over far less often than a reader can copy 300 bytes */
	do {
		before = atomic_load_explicit(&row->sequence, memory_order_acquire);
		memcpy(ret, &row->copies[before & 1], sizeof(*ret));
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&row->sequence, memory_order_relaxed);
	} while (before != after);
}

bool board_log_write(struct board_log *log, const struct board_log_record *record)
{
	uint32_t head = atomic_load_explicit(&log->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&log->tail, memory_order_acquire);

	if (head - tail >= LOG_RECORDS) {
		atomic_fetch_add_explicit(&log->dropped, 1, memory_order_relaxed);
		return false;
	}
	log->records[head % LOG_RECORDS] = *record;
	atomic_store_explicit(&log->head, head + 1, memory_order_release);
	return true;
}

bool board_log_read(struct board_log *log, struct board_log_record *ret)
{
	uint32_t tail = atomic_load_explicit(&log->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&log->head, memory_order_acquire);

	if (head == tail)
		return false;
	*ret = log->records[tail % LOG_RECORDS];
	atomic_store_explicit(&log->tail, tail + 1, memory_order_release);
	return true;
}
