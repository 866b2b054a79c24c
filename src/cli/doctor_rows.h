/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the doctor found, row by row. Owns its texts. Refuses a row that is not ok and does not say what to do.
 */
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

enum {
	DOCTOR_ROWS_MAX = 32,
	DOCTOR_FOUND_BYTES = 192,
	DOCTOR_ADVICE_BYTES = 512,
};

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_WARN, /* usherd runs, with less */
	DOCTOR_FAIL, /* usherd does not run */
};

struct doctor_row {
	const char *name; /* borrowed, static */
	enum doctor_state state;
	char found[DOCTOR_FOUND_BYTES];
	char advice[DOCTOR_ADVICE_BYTES]; /* "" when it is ok */
};

struct doctor_rows {
	struct doctor_row rows[DOCTOR_ROWS_MAX];
	size_t count;
};

/* The next row, with what was found. Beyond DOCTOR_ROWS_MAX it overwrites the last one. */
__attribute__((format(printf, 3, 4))) struct doctor_row *
doctor_found(struct doctor_rows *rows, const char *name, const char *format, ...);

/* The last row is not ok: what to do about it. */
__attribute__((format(printf, 3, 4))) void doctor_advise(struct doctor_row *row, enum doctor_state state,
                                                         const char *format, ...);

enum doctor_state doctor_worst(const struct doctor_rows *rows);

void doctor_print(const struct doctor_rows *rows, FILE *out);

/* {"ok": bool, "checks": [{"check", "state": "ok" | "warn" | "fail", "found", "advice": text | null}]}; or NULL */
json_t *doctor_json(const struct doctor_rows *rows);
