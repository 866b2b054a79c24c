/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* `usherctl explain`: is an address trusted by any listener? Owns nothing. Refuses to decide it: the master has. */
#include <jansson.h>

#include "cli/verdict.h"

enum verdict explain_judge(json_t *answer);
