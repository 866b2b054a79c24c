/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer to explain says for the exit status: see explain.h. */
#include "cli/explain.h"

enum verdict explain_judge(json_t *answer)
{
	json_t *trusted = json_object_get(answer, "trusted");

	if (!json_is_boolean(trusted) || !json_is_array(json_object_get(answer, "listeners")))
		return VERDICT_NOT_ASKED;
	return json_is_true(trusted) ? VERDICT_YES : VERDICT_NO;
}
