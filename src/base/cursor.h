/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A bounded reader over borrowed bytes with a sticky error: once a read would pass the end, the cursor has failed,
 * stays failed and yields zeros, so that a caller checks once, at the end. All foreign bytes are read through it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const uint8_t *bytes;
	size_t size;
	size_t at;
	bool failed;
};

static inline struct cursor cursor_over(const void *bytes, size_t size)
{
	return (struct cursor){ .bytes = bytes, .size = size };
}

static inline size_t cursor_left(const struct cursor *c)
{
	return c->failed ? 0 : c->size - c->at;
}

/* Takes @size bytes: a pointer into the borrowed memory, or NULL when fewer are left. */
static inline const uint8_t *cursor_take(struct cursor *c, size_t size)
{
	const uint8_t *p;

	if (c->failed || size > c->size - c->at) {
		c->failed = true;
		return NULL;
	}
	p = c->bytes + c->at;
	c->at += size;
	return p;
}

static inline bool cursor_copy(struct cursor *c, void *to, size_t size)
{
	const uint8_t *p = cursor_take(c, size);

	if (p)
		memcpy(to, p, size);
	else
		memset(to, 0, size);
	return p != NULL;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 1);

	return p ? p[0] : 0;
}

static inline uint16_t cursor_u16be(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 2);

	return p ? (uint16_t)((uint16_t)(p[0] << 8) | p[1]) : 0;
}

static inline uint32_t cursor_u32be(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 4);

	return p ? ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3] : 0;
}
