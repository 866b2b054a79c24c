/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Foreign text made safe for a terminal: printable ASCII stays, a backslash is doubled, every other byte becomes
 * \xNN. That leaves no control sequence, no text that runs backwards and no letter that only looks like another.
 */
#include <stddef.h>

enum { ESCAPE_GROWTH = 4 }; /* bytes that one byte can become */

/*
 * At most @most bytes of @text, escaped into @safe, terminated; what does not fit in @size is left off whole.
 * Returns @safe.
 */
const char *escape_text(const char *text, size_t most, char *safe, size_t size);
