/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Valid PROXY headers for the planned connections, written from the specification and independently of Usher's parser.
 * Refuses to make wrong ones: those are the fault tests' business.
 */
#include <stddef.h>
#include <stdint.h>

#include "loadgen/plan.h"

enum header_kind {
	HEADER_NONE,
	HEADER_V1,
	HEADER_V2,
	HEADER_V2TLV /* with about 200 bytes of TLVs, the checksum among them */
};

enum { HEADER_WRITE_MAX = 512 };

/* Bytes written to @to, which holds HEADER_WRITE_MAX. */
size_t header_write(enum header_kind kind, const struct planned *p, uint64_t index, uint8_t *to);
