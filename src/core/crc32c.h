/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * CRC-32C (Castagnoli) as RFC 3720 and the PROXY protocol use it. On the wire of the PROXY protocol the most
 * significant byte comes first, which is the caller's business.
 */
#include <stddef.h>
#include <stdint.h>

/* The sum of what @crc is the sum of, followed by @size bytes; @crc is 0 at first. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t size);
