/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The TLVs of a PROXY v2 header: an iterator over an area, and the check of a whole area. Every TLV is bounded by its
 * own container, never by the buffer around it. SSL has exactly one level of TLVs inside. Values are bytes, never
 * strings; what they mean is the business of whoever asks.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

enum proxy_tlv_type {
	PROXY_TLV_ALPN = 0x01,
	PROXY_TLV_AUTHORITY = 0x02,
	PROXY_TLV_CRC32C = 0x03,
	PROXY_TLV_NOOP = 0x04,
	PROXY_TLV_UNIQUE_ID = 0x05,
	PROXY_TLV_SSL = 0x20,
	PROXY_TLV_SSL_VERSION = 0x21,
	PROXY_TLV_SSL_CN = 0x22,
	PROXY_TLV_SSL_CIPHER = 0x23,
	PROXY_TLV_SSL_SIG_ALG = 0x24,
	PROXY_TLV_SSL_KEY_ALG = 0x25,
	PROXY_TLV_SSL_GROUP = 0x26,
	PROXY_TLV_SSL_SIG_SCHEME = 0x27,
	PROXY_TLV_SSL_CLIENT_CERT = 0x28,
	PROXY_TLV_NETNS = 0x30,
};

enum {
	PROXY_TLV_CRC32C_BYTES = 4,
	PROXY_TLV_UNIQUE_ID_BYTES_MAX = 128,
	PROXY_TLV_SSL_BYTES_MIN = 5, /* flags and verify */
};

struct proxy_tlv {
	uint8_t type; /* enum proxy_tlv_type, or one that we do not know */
	uint16_t size;
	const uint8_t *value; /* borrowed from the area */
};

struct proxy_tlv_ssl {
	uint8_t client; /* flags: 1 TLS, 2 certificate on this connection, 4 certificate earlier in the session */
	uint32_t verify; /* 0: verified, which says nothing without flag 2 or 4 */
	struct cursor inner; /* the TLVs inside, for proxy_tlv_next() */
};

struct proxy_tlv_summary {
	bool has_checksum;
	uint32_t checksum_at; /* where in the area its four bytes are */
	uint32_t fault_at; /* where in the area the TLV that is wrong begins */
};

/* The next TLV of @area. False at the end, and when the rest is no TLV: @area->failed tells them apart. */
bool proxy_tlv_next(struct cursor *area, struct proxy_tlv *ret);

/* What an SSL TLV says. False if it is too short. */
bool proxy_tlv_ssl(const struct proxy_tlv *tlv, struct proxy_tlv_ssl *ret);

/*
 * Checks the structure of all of @area, and finds the checksum, which it does not verify.
 * Returns NULL, or what is wrong, as a static string.
 */
const char *proxy_tlv_check(const uint8_t *area, size_t size, struct proxy_tlv_summary *ret);

/* "ALPN", "SSL", …; NULL for a type that the specification does not name. @inner: inside SSL. */
const char *proxy_tlv_name(uint8_t type, bool inner);
