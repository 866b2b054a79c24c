/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Decimal numbers of a benchmark's command line: digits only, inside a stated range. Refuses signs, blanks and units. */
#include <stdbool.h>
#include <stdint.h>

bool number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number);

/* For an option's argument: the number, or a message naming @option and the range, and exit 2. */
uint64_t number_option(const char *option, const char *text, uint64_t min, uint64_t max);
