/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Fair use of a common store (slots of a shard, descriptors in flight of a user id): whoever uses it may have no more
 * of it than a part of what is free. There is always something for the next one, however greedy those before were.
 * Known from shared packet buffers as a dynamic threshold (Choudhury and Hahne, 1998).
 */
#include <stdint.h>

/*
 * How many more somebody who has @own may take of a store of @max, of which @used are taken in all, own ones too.
 * With @parts 1 one user may have half of it, and the next half of the rest; with 4 a fifth, then a fifth of the rest.
 */
static inline uint32_t share_left(uint32_t own, uint32_t used, uint32_t max, uint32_t parts)
{
	uint64_t free = used < max ? max - used : 0;
	uint64_t weighed = (uint64_t)own * parts;

	/* each one taken is one more of its own and one less that is free */
	return weighed < free ? (uint32_t)((free - weighed + parts) / (parts + 1)) : 0;
}
