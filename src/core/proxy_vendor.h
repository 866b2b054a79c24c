/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What clouds put into their own TLVs. They use the same numbers for different things, so that the listener must say
 * which cloud is in front; nothing is guessed. Values that are not exactly as the vendor documents them are not
 * decoded, which is no error: the raw TLV is there for whoever knows better.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/handoff.h"
#include "core/proxy_tlv.h"

struct proxy_vendor_value {
	const char *name; /* "vpc_endpoint_id", "link_id", …; static */
	bool is_number; /* else text */
	uint64_t number;
	const uint8_t *text; /* printable ASCII, borrowed from the TLV; not terminated */
	size_t text_bytes;
};

/* False: @vendor does not put this TLV there, or not in this form. */
bool proxy_vendor_decode(enum handoff_vendor vendor, const struct proxy_tlv *tlv,
                         struct proxy_vendor_value *ret);

/* "none", "aws", "azure", "gcp", "alibaba" as in the configuration. */
const char *proxy_vendor_name(enum handoff_vendor vendor);
