/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What usherctl's exit status says, for every command. */

enum verdict {
	VERDICT_YES = 0,
	VERDICT_NO = 1, /* asked, and the answer is no */
	VERDICT_NOT_ASKED =
		2, /* no answer: wrong usage, no instance, no permission, an answer without sense */
};
