/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How every ring of Usher is opened, so that what the doctor tries is what a shard gets. Owns nothing: the ring
 * belongs to the caller, who ends it with io_uring_queue_exit().
 */
#include <liburing.h>
#include <stdint.h>

#define RING_SETUP_FLAGS (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL)

/*
 * Opens a ring of @entries submissions and four times as many completions. On ENOMEM (RLIMIT_MEMLOCK counts again
 * from Linux 6.14) it is halved down to RING_ENTRIES_MIN: @ret_ring->sq.ring_entries says what it became.
 * @more_flags: 0 or IORING_SETUP_R_DISABLED. Returns 0 or a negative errno, which uring_refusal() explains.
 */
int ring_setup(struct io_uring *ret_ring, uint32_t entries, uint32_t more_flags);
