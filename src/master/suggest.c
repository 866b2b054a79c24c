/* SPDX-License-Identifier: Apache-2.0 */
/* See suggest.h. Looks only at short words: what is longer than a name gets no suggestion. */
#include "master/suggest.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

enum { DISTANCE_MAX = 2 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edit distance with swaps of neighbours (optimal string alignment), three rows at a time. */
static size_t distance_of(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t rows[3][NAME_BYTES_MAX];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t k = 0; k <= b_size; k++)
		above[k] = k;
	for (size_t i = 1; i <= a_size; i++) {
		size_t *oldest = before;

		row[0] = i;
		for (size_t k = 1; k <= b_size; k++) {
			row[k] =
				least(above[k - 1] + (a[i - 1] != b[k - 1]), least(above[k], row[k - 1]) + 1);
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				row[k] = least(row[k], before[k - 2] + 1);
		}
		before = above;
		above = row;
		row = oldest;
	}
	return above[b_size];
}

void suggest_offer(struct suggest *s, const char *candidate)
{
	size_t word_size = strlen(s->word), size = strlen(candidate), distance;

	if (word_size >= NAME_BYTES_MAX || size >= NAME_BYTES_MAX)
		return;
	distance = distance_of(s->word, word_size, candidate, size);
	if (distance > DISTANCE_MAX || distance * 2 > word_size || (s->nearest && distance >= s->distance))
		return;
	s->nearest = candidate;
	s->distance = distance;
}

const char *suggest_text(const struct suggest *s, char *text)
{
	text[0] = '\0';
	if (s->nearest)
		(void)snprintf(text, SUGGEST_TEXT_BYTES, " (did you mean \"%.64s\"?)", s->nearest);
	return text;
}
