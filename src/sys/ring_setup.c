/* SPDX-License-Identifier: Apache-2.0 */
/* Opens rings: see ring_setup.h. Refuses to open one without the flags that the design rests on. */
#include "sys/ring_setup.h"

#include <errno.h>

#include "base/limits.h"

int ring_setup(struct io_uring *ret_ring, uint32_t entries, uint32_t more_flags)
{
	for (;;) {
		struct io_uring_params params = {
			.flags = RING_SETUP_FLAGS | IORING_SETUP_CQSIZE | more_flags,
			.cq_entries = 4 * entries,
		};
		int r = io_uring_queue_init_params(entries, ret_ring, &params);

		if (r != -ENOMEM || entries / 2 < RING_ENTRIES_MIN)
			return r;
		entries /= 2;
	}
}
