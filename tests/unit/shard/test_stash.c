/* SPDX-License-Identifier: Apache-2.0 */
#include "shard/stash.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/limits.h"

enum { CHUNKS = 200, RUNS = 16, STEPS = 20000 };

static struct stash stash;
static uint8_t bytes[HEADER_BYTES_MAX], copy[HEADER_BYTES_MAX];
static uint64_t seed = 20240607;

static uint32_t random_below(uint32_t limit)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33) % limit;
}

static void setup(void)
{
	cr_assert_eq(stash_init(&stash, CHUNKS), 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)random_below(256);
}

static void teardown(void)
{
	stash_fini(&stash);
	stash_fini(&stash);
}

TestSuite(stash, .init = setup, .fini = teardown);

/* Each chunk is in the free list once and nowhere else: takes all and looks. */
static void expect_all_free(void)
{
	bool seen[CHUNKS] = { false };
	uint32_t chunk = stash.free, count = 0;

	cr_assert_eq(stash.used, 0);
	for (; chunk != STASH_NONE && count <= CHUNKS; chunk = stash.next[chunk], count++) {
		cr_assert(chunk < CHUNKS);
		cr_assert_not(seen[chunk]);
		seen[chunk] = true;
	}
	cr_assert_eq(count, CHUNKS);
}

static void expect_content(const struct stash_run *run, const uint8_t *expected, size_t size)
{
	cr_assert_eq(run->bytes, size);
	stash_copy(&stash, run, 0, copy, size);
	cr_assert_eq(memcmp(copy, expected, size), 0);
}

Test(stash, over_every_edge_of_a_chunk)
{
	static const size_t edges[] = { 1, 511, 512, 513, 1023, 1024, 1025 };

	for (size_t i = 0; i < 7; i++)
		for (size_t k = 0; k < 7; k++) {
			struct stash_run run = STASH_RUN_EMPTY;
			size_t total = edges[i] + edges[k];

			cr_assert(stash_append(&stash, &run, bytes, edges[i]));
			cr_assert(stash_append(&stash, &run, bytes + edges[i], edges[k]));
			cr_assert_eq(stash.used, (total + 511) / 512);
			expect_content(&run, bytes, total);
			for (size_t at = 0; at <= total; at++) {
				size_t part = total - at < 600 ? total - at : 600;

				stash_copy(&stash, &run, at, copy, part);
				cr_assert_eq(memcmp(copy, bytes + at, part), 0, "%zu at %zu", part, at);
			}
			stash_release(&stash, &run);
			cr_assert_eq(run.first, STASH_NONE);
			expect_all_free();
		}
}

Test(stash, byte_by_byte)
{
	struct stash_run run = STASH_RUN_EMPTY;

	for (size_t i = 0; i < 2000; i++)
		cr_assert(stash_append(&stash, &run, bytes + i, 1));
	cr_assert_eq(stash.used, 4);
	expect_content(&run, bytes, 2000);
}

Test(stash, nothing_costs_nothing)
{
	struct stash_run run = STASH_RUN_EMPTY;

	cr_assert(stash_append(&stash, &run, bytes, 0));
	cr_assert_eq(stash.used, 0);
	stash_copy(&stash, &run, 0, copy, 0);
	stash_release(&stash, &run);
	expect_all_free();
}

Test(stash, the_largest_header)
{
	struct stash_run run = STASH_RUN_EMPTY;

	cr_assert(stash_append(&stash, &run, bytes, HEADER_BYTES_MAX));
	cr_assert_eq(stash.used, 129);
	expect_content(&run, bytes, HEADER_BYTES_MAX);
	stash_release(&stash, &run);
	expect_all_free();
}

Test(stash, all_or_nothing)
{
	struct stash_run first = STASH_RUN_EMPTY, second = STASH_RUN_EMPTY;
	const uint32_t left = 5;

	cr_assert(stash_append(&stash, &first, bytes, 100));
	for (uint32_t i = 1; i < CHUNKS - left; i++)
		cr_assert(stash_append(&stash, &first, bytes, STASH_CHUNK_BYTES));
	cr_assert_not(stash_append(&stash, &second, bytes, left * STASH_CHUNK_BYTES + 1));
	cr_assert_eq(second.bytes, 0);
	cr_assert_eq(stash.used, CHUNKS - left);
	cr_assert(stash_append(&stash, &second, bytes, left * STASH_CHUNK_BYTES));
	cr_assert_eq(stash.used, CHUNKS);
	cr_assert_not(stash_append(&stash, &second, bytes, 1));
	expect_content(&second, bytes, left * STASH_CHUNK_BYTES);
	cr_assert(stash_append(&stash, &first, bytes, STASH_CHUNK_BYTES - 100), "its last chunk has room");
	cr_assert_not(stash_append(&stash, &first, bytes, 1));
	stash_release(&stash, &first);
	stash_release(&stash, &second);
	expect_all_free();
}

/* Many runs side by side, each compared with the bytes that went in; nothing is lost in the end. */
Test(stash, random_runs_leave_nothing_behind)
{
	struct stash_run runs[RUNS];
	uint32_t from[RUNS] = { 0 };
	unsigned refused = 0;

	for (int i = 0; i < RUNS; i++)
		runs[i] = STASH_RUN_EMPTY;
	for (int step = 0; step < STEPS; step++) {
		uint32_t i = random_below(RUNS), size = random_below(6000);

		if (random_below(8) == 0 || runs[i].bytes + from[i] + size > sizeof(bytes)) {
			expect_content(&runs[i], bytes + from[i], runs[i].bytes);
			stash_release(&stash, &runs[i]);
		} else {
			if (runs[i].bytes == 0)
				from[i] = random_below(1000);
			refused += !stash_append(&stash, &runs[i], bytes + from[i] + runs[i].bytes, size);
		}
	}
	cr_assert(refused > 0, "the pool was never full: the test tries too little");
	for (int i = 0; i < RUNS; i++) {
		expect_content(&runs[i], bytes + from[i], runs[i].bytes);
		stash_release(&stash, &runs[i]);
	}
	expect_all_free();
}
