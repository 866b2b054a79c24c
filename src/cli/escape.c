/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign text for terminals: see escape.h. Owns nothing. Refuses to know any encoding. */
#include "cli/escape.h"

#include <stdio.h>

const char *escape_text(const char *text, size_t most, char *safe, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < most && text[i] != '\0' && at + ESCAPE_GROWTH < size; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte == '\\')
			at += (size_t)snprintf(safe + at, size - at, "\\\\");
		else if (byte >= 0x20 && byte < 0x7f)
			safe[at++] = (char)byte;
		else
			at += (size_t)snprintf(safe + at, size - at, "\\x%02x", byte);
	}
	safe[at] = '\0';
	return safe;
}
