/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The doctor's rows about limits, sysctls, processors and privilege. Reads only. */
#include "cli/doctor_rows.h"

void doctor_host(struct doctor_rows *rows);
