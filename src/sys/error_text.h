/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* An errno in words, without strerror()'s shared buffer and without its translations, which nobody can search for. */
#include <string.h>

/* Either sign. Static text, never NULL. */
static inline const char *error_text(int error)
{
	const char *text = strerrordesc_np(error < 0 ? -error : error);

	return text ? text : "unknown error";
}
