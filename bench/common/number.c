/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal numbers: see number.h. */
#include "common/number.h"

#include <stdio.h>
#include <stdlib.h>

enum { DIGITS_MAX = 18 }; /* fits 64 bits whatever they are */

bool number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '9'; i++) {
		if (i == DIGITS_MAX)
			return false;
		number = number * 10 + (uint64_t)(text[i] - '0');
	}
	if (i == 0 || text[i] != '\0' || number < min || number > max)
		return false;
	*ret_number = number;
	return true;
}

uint64_t number_option(const char *option, const char *text, uint64_t min, uint64_t max)
{
	uint64_t number;

	if (number_parse(text, min, max, &number))
		return number;
	(void)fprintf(stderr, "--%s: '%s' is not a number from %llu to %llu\n", option, text,
	              (unsigned long long)min, (unsigned long long)max);
	exit(2);
}
