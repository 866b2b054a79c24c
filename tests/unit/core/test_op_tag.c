/* SPDX-License-Identifier: Apache-2.0 */
#include "core/op_tag.h"

#include <criterion/criterion.h>

Test(op_tag, comes_back_as_it_was_packed)
{
	static const uint32_t indices[] = { 0, 1, 0x800000, 0xfffffe, 0xffffff };
	static const uint32_t generations[] = { 0, 1, 0x80000000, UINT32_MAX };

	for (uint32_t op = 0; op < OP_COUNT; op++)
		for (int i = 0; i < 5; i++)
			for (int g = 0; g < 4; g++) {
				struct op_tag tag =
					op_tag_unpack(op_tag_pack((enum op)op, indices[i], generations[g]));

				cr_assert_eq(tag.op, (enum op)op);
				cr_assert_eq(tag.index, indices[i]);
				cr_assert_eq(tag.generation, generations[g]);
			}
}

Test(op_tag, a_large_index_does_not_reach_the_operation)
{
	struct op_tag tag = op_tag_unpack(op_tag_pack(OP_PEEK, UINT32_MAX, 7));

	cr_assert_eq(tag.op, OP_PEEK);
	cr_assert_eq(tag.generation, 7);
}

Test(op_tag, nobody_waits_for_zero)
{
	cr_assert_eq(op_tag_unpack(0).op, OP_NONE);
}
