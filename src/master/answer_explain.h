/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What `explain` answers. Owns nothing. Refuses to look at anything but the configuration and the plan made from it. */
#include <jansson.h>

#include "master/config.h"
#include "wire/plan.h"

/* One address: "192.0.2.1", "2001:db8::1", or with a port as in the configuration, "[2001:db8::1]:443". */
bool explain_address(const char *text, struct addr *ret);

/* The shape of `explain` in wire/admin.h, or {"error": …}. @text follows the command. */
json_t *answer_explain(const struct config *config, const struct plan *plan, const char *text);
