/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's rows about the kernel: see doctor_kernel.h. */
#include "cli/doctor_kernel.h"

#include <stdbool.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "base/limits.h"
#include "sys/error_text.h"
#include "sys/kernel.h"
#include "sys/probe.h"
#include "sys/ring_setup.h"
#include "sys/uring_error.h"

static void check_release(struct doctor_rows *rows)
{
	struct utsname name = { 0 };
	struct doctor_row *row;

	(void)uname(&name);
	row = doctor_found(rows, "kernel", "%s %s", name.sysname, name.release);
	if (!kernel_at_least(kernel_release(), KERNEL_VERSION_MIN, KERNEL_PATCHLEVEL_MIN))
		doctor_advise(row, DOCTOR_FAIL, "usherd needs Linux %d.%d or later", KERNEL_VERSION_MIN,
		              KERNEL_PATCHLEVEL_MIN);
}

/* Registers a buffer ring as large as a shard's; the ring's end takes it back. */
static int try_buffers(struct io_uring *ring)
{
	size_t size = PEEK_BUFFERS * sizeof(struct io_uring_buf);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct io_uring_buf_reg registration = { .ring_addr = (uintptr_t)memory,
		                                 .ring_entries = PEEK_BUFFERS };
	int r;

	if (memory == MAP_FAILED)
		return -ENOMEM;
	r = io_uring_register_buf_ring(ring, &registration, 0);
	if (r == 0)
		(void)io_uring_unregister_buf_ring(ring, 0);
	(void)munmap(memory, size);
	return r;
}

static void check_buffers(struct doctor_rows *rows, struct io_uring *ring)
{
	int r = try_buffers(ring);
	struct doctor_row *row = doctor_found(rows, "buffer-ring", "%d buffers: %s", PEEK_BUFFERS,
	                                      r < 0 ? error_text(r) : "registered");
	char why[URING_REFUSAL_BYTES];

	if (r < 0)
		doctor_advise(
			row, DOCTOR_FAIL, "%s",
			r == -ENOMEM
				? uring_refusal(r, why, sizeof(why))
				: "a seccomp filter or a security module forbids io_uring_register: allow it");
}

/* Returns whether there can be a ring. */
static bool check_ring(struct doctor_rows *rows)
{
	struct io_uring ring;
	struct doctor_row *row;
	char why[URING_REFUSAL_BYTES];
	int r = ring_setup(&ring, RING_SQ_ENTRIES, 0);

	if (r < 0) {
		row = doctor_found(rows, "io_uring", "refused: %s", error_text(r));
		doctor_advise(row, DOCTOR_FAIL, "%s", uring_refusal(r, why, sizeof(why)));
		return false;
	}
	row = doctor_found(rows, "io_uring", "a ring of %u submissions and %u completions",
	                   ring.sq.ring_entries, ring.cq.ring_entries);
	if (ring.sq.ring_entries < RING_SQ_ENTRIES)
		doctor_advise(row, DOCTOR_WARN, "smaller than the %d that usherd asks for: %s",
		              RING_SQ_ENTRIES, uring_refusal(-ENOMEM, why, sizeof(why)));
	check_buffers(rows, &ring);
	io_uring_queue_exit(&ring);
	return true;
}

static void check_feature(struct doctor_rows *rows, const struct feature_info *info, bool has, bool ring)
{
	struct doctor_row *row;

	if (info->needs_ring && !ring) {
		row = doctor_found(rows, info->name, "not tried: %s", info->purpose);
		doctor_advise(row, DOCTOR_WARN, "it needs a ring: see io_uring");
		return;
	}
	row = doctor_found(rows, info->name, "%s: %s", has ? "yes" : "no", info->purpose);
	if (!has)
		doctor_advise(
			row, DOCTOR_WARN,
			"needs Linux %s or later, and no filter that forbids it; usherd does without: %s",
			info->since, info->fallback);
}

void doctor_kernel(struct doctor_rows *rows)
{
	/* first, as in a shard: a large ring that has just ended is still charged for a moment */
	uint32_t found = features_probe(0);
	bool ring;

	check_release(rows);
	ring = check_ring(rows);
	for (enum feature f = 0; f < FEATURE_COUNT; f++)
		check_feature(rows, feature_info(f), found & feature_bit(f), ring);
}
