/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The doctor's rows about the kernel: its release, rings, optional features. Opens rings for the length of a call. */
#include "cli/doctor_rows.h"

void doctor_kernel(struct doctor_rows *rows);
