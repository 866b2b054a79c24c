/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* "Did you mean …?" for words that people mistype: keys, names, options. */
#include <stddef.h>

/* Looks at one candidate after the other and remembers the nearest. Begin with { .word = … }. */
struct suggest {
	const char *word; /* what was typed; borrowed */
	const char *nearest; /* borrowed from the candidates; NULL while none is near enough */
	size_t distance;
};

/* At most two letters changed, added, left out or swapped with a neighbour, and at least half of them right. */
void suggest_offer(struct suggest *s, const char *candidate);

/* ` (did you mean "trust"?)`, or "" when nothing is near. Returns @text, which holds SUGGEST_TEXT_BYTES. */
#define SUGGEST_TEXT_BYTES 128
const char *suggest_text(const struct suggest *s, char *text);
