/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Small files that the kernel writes: sysctls and /proc/self/status. For start and for the doctor, never for the hot
 * path. A number that is not exactly one decimal number is an error, not 0.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROCFS_BYTES_MAX = 8192 }; /* /proc/self/status is about 1.5 KiB */

/* The file's text, terminated and cut at @size. Returns 0 or a negative errno. */
int procfs_read(const char *path, char *ret_text, size_t size);

/* One decimal number, which may be negative. Returns false when @text is anything else or does not fit. */
bool procfs_parse_number(const char *text, int64_t *ret);

/* The number that is the file's first line. Returns 0, -EINVAL (not a number) or what open or read said. */
int procfs_number(const char *path, int64_t *ret);

/* The value of the line "@name:\tvalue" in @text. Returns false when there is none or it is too long. */
bool procfs_field(const char *text, const char *name, char *ret_value, size_t size);
