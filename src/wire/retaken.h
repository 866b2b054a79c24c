/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the reclaimer sends to a shard: this, then one CONNS message exactly as it was read out of a channel, with its
 * fds. Whose they were tells the shard whose capacity to give back.
 */
#include <stdint.h>

struct retaken {
	uint32_t worker; /* row of the worker table */
	uint32_t zero;
	uint64_t number; /* of the worker that did not read it */
};

_Static_assert(sizeof(struct retaken) % 8 == 0, "the CONNS message behind it must be aligned");
