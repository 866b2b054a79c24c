/* SPDX-License-Identifier: Apache-2.0 */
/* Worker choice: see choose.h. */
#include "core/choose.h"

int choose_worker(enum choose_policy policy, const struct choose_candidate *candidates, uint32_t count,
                  uint32_t start)
{
	int best = -1;

	for (uint32_t n = 0; n < count; n++) {
		uint32_t i = (start % count + n) % count; /* start + n could pass 2^32 */

		if (candidates[i].room == 0)
			continue;
		if (policy == CHOOSE_ROUND_ROBIN)
			return (int)i;
		if (best < 0 || candidates[i].load < candidates[best].load)
			best = (int)i;
	}
	return best;
}

uint32_t choose_share(uint32_t ready, uint32_t workers)
{
	if (workers <= 1)
		return ready > 0 ? ready : 1;
	return ready / workers + (ready % workers != 0 || ready == 0);
}
