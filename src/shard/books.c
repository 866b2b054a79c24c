/* SPDX-License-Identifier: Apache-2.0 */
/* A shard's books: see books.h. Refuses to format text or to write anywhere but to the board. */
#include "shard/books.h"

#include "sys/clock.h"

void books_init(struct books *books, struct board *board, uint32_t slot, uint32_t shard)
{
	*books = (struct books){ .board = board, .slot = slot, .shard = shard };
	books->log = board_log(board, slot, shard);
	for (uint32_t i = 0; i < LISTENERS_MAX; i++)
		board_row_read(board_row(board, slot, shard, i), &books->rows[i]);
}

struct ledger *books_row(struct books *books, uint32_t listener)
{
	books->dirty |= 1ULL << listener;
	return &books->rows[listener];
}

void books_publish(struct books *books)
{
	while (books->dirty) {
		uint32_t i = (uint32_t)__builtin_ctzll(books->dirty);

		books->dirty &= books->dirty - 1;
		board_row_publish(board_row(books->board, books->slot, books->shard, i), &books->rows[i]);
	}
}

void books_log(struct books *books, struct board_log_record record, uint64_t now_ns)
{
	uint64_t second = now_ns / NS_PER_S;

	if (second != books->second) {
		books->second = second;
		books->lines = 0;
	}
	if (books->lines >= LOG_LINES_PER_SECOND) {
		books->suppressed++;
		return;
	}
	record.suppressed = books->suppressed;
	if (!board_log_write(books->log, &record))
		return;
	books->suppressed = 0;
	books->lines++;
}

void books_note(struct books *books, enum board_note note, int64_t value, uint32_t listener, uint64_t now_ns)
{
	books_log(books,
	          (struct board_log_record){ .kind = BOARD_LOG_NOTE,
	                                     .reason = (uint8_t)note,
	                                     .listener = (uint16_t)listener,
	                                     .value = value },
	          now_ns);
}
