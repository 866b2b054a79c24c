/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a ring operation's user_data says: which operation, on which table entry, of which generation of that entry.
 * The generation tells a completion for what an entry was from one for what it is now.
 */
#include <stdint.h>

enum op {
	OP_NONE, /* nobody waits for this completion */
	OP_ACCEPT_MULTI,
	OP_ACCEPT_ONE,
	OP_PEER,
	OP_PEEK,
	OP_POLL,
	OP_DISCARD,
	OP_CLOSE,
	OP_CONTROL,
	OP_RETAKEN,
	OP_CHANNEL,
	OP_COUNT
};

struct op_tag {
	enum op op;
	uint32_t index; /* 24 bits */
	uint32_t generation;
};

static inline uint64_t op_tag_pack(enum op op, uint32_t index, uint32_t generation)
{
	return ((uint64_t)op << 56) | ((uint64_t)(index & 0xffffff) << 32) | generation;
}

static inline struct op_tag op_tag_unpack(uint64_t data)
{
	return (struct op_tag){
		.op = (enum op)(data >> 56),
		.index = (uint32_t)(data >> 32) & 0xffffff,
		.generation = (uint32_t)data,
	};
}
