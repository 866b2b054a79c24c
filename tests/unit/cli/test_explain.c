/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain.h"

#include <criterion/criterion.h>

static enum verdict judge(const char *text)
{
	json_t *answer = json_loads(text, 0, NULL);
	enum verdict verdict = explain_judge(answer);

	json_decref(answer);
	return verdict;
}

Test(explain, verdict_is_the_outer_trusted)
{
	cr_expect_eq(judge("{\"trusted\":true,\"listeners\":[]}"), VERDICT_YES);
	cr_expect_eq(judge("{\"trusted\":false,\"listeners\":[{\"trusted\":true}]}"), VERDICT_NO);
}

Test(explain, an_answer_of_another_shape_is_none)
{
	cr_expect_eq(judge("{\"listeners\":[]}"), VERDICT_NOT_ASKED);
	cr_expect_eq(judge("{\"trusted\":1,\"listeners\":[]}"), VERDICT_NOT_ASKED);
	cr_expect_eq(judge("{\"trusted\":true}"), VERDICT_NOT_ASKED);
}
