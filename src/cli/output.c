/* SPDX-License-Identifier: Apache-2.0 */
/* JSON to standard output: see output.h. */
#include "cli/output.h"

/* jansson escapes all that is no ASCII and all control bytes but DEL, which occurs only inside strings. */
static int write_safe(const char *bytes, size_t size, void *out)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] == 0x7f ? fputs("\\u007f", out) < 0 : putc(bytes[i], out) == EOF)
			return -1;
	}
	return 0;
}

void output_json(const json_t *value, FILE *out)
{
	/* a failed write is sticky in @out, and seen by whoever flushes it */
	(void)json_dump_callback(value, write_safe, out, JSON_COMPACT | JSON_ENSURE_ASCII);
	(void)putc('\n', out);
}

void output_error(const char *why, FILE *out)
{
	json_t *error = json_pack("{s:s}", "error", why);

	if (!error) /* it was not UTF-8: paths need not be */
		error = json_pack("{s:s}", "error", "see standard error");
	output_json(error, out);
	json_decref(error);
}
