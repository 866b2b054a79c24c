/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The file parser, and the only place that knows libconfuse. Feeds a draft, in the order of the text. */
#include "master/config_draft.h"
#include "master/config_text.h"

/*
 * Parses a cleaned text into @d. Returns 0 or the failure, which is in @d. Not reentrant: libconfuse has one scanner
 * per process and gives its callbacks no pointer of ours.
 */
int config_parse(const struct config_text *text, struct config_draft *d);
