/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The ledger's answer, added up again: `usherctl check` says yes only when the master does and every row agrees, so
 * that a mistake in either is seen. Owns nothing.
 */
#include <jansson.h>
#include <stdio.h>

#include "cli/verdict.h"

/* VERDICT_NOT_ASKED when @answer is not what wire/admin.h says. */
enum verdict check_judge(json_t *answer);

/* One line for each row that does not hold, or one line that says that all do. */
void check_print(json_t *answer, FILE *out);
