/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a run found, as one JSON object on standard output. */
#include "loadgen/engine.h"

int report_print(const struct engine *e);
