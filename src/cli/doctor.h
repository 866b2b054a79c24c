/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * usherctl doctor: can this host run usherd for this user, and what is it without? Tries what can be tried, in this
 * process and with its limits, so it is to be run where usherd runs: the same user, unit and container. Asks no
 * instance, changes nothing.
 */
#include <stdbool.h>

#include "cli/verdict.h"

/* Prints a table or JSON. Returns VERDICT_NO when something that usherd needs is missing, otherwise VERDICT_YES. */
enum verdict doctor_main(bool json);
