/* SPDX-License-Identifier: Apache-2.0 */
/* TLVs walked and checked: see proxy_tlv.h. Refuses to recurse, and to guess what a stray byte may mean. */
#include "core/proxy_tlv.h"

bool proxy_tlv_next(struct cursor *area, struct proxy_tlv *ret)
{
	*ret = (struct proxy_tlv){ 0 };
	if (cursor_left(area) == 0)
		return false;
	ret->type = cursor_u8(area);
	ret->size = cursor_u16be(area);
	ret->value = cursor_take(area, ret->size);
	return !area->failed;
}

bool proxy_tlv_ssl(const struct proxy_tlv *tlv, struct proxy_tlv_ssl *ret)
{
	struct cursor c = cursor_over(tlv->value, tlv->size);

	ret->client = cursor_u8(&c);
	ret->verify = cursor_u32be(&c);
	ret->inner = cursor_over(tlv->value + (tlv->size - cursor_left(&c)), cursor_left(&c));
	return !c.failed;
}

static const char *check_ssl(const struct proxy_tlv *tlv)
{
	struct proxy_tlv_ssl ssl;
	struct proxy_tlv inner;

	if (!proxy_tlv_ssl(tlv, &ssl))
		return "an SSL TLV is shorter than its 5 fixed bytes";
	while (proxy_tlv_next(&ssl.inner, &inner))
		;
	return ssl.inner.failed ? "a TLV inside SSL runs past the end of SSL" : NULL;
}

static const char *check_one(const struct proxy_tlv *tlv, const uint8_t *area, struct proxy_tlv_summary *ret)
{
	switch (tlv->type) {
	case PROXY_TLV_CRC32C:
		if (tlv->size != PROXY_TLV_CRC32C_BYTES)
			return "a CRC32C TLV does not have 4 bytes";
		if (ret->has_checksum)
			return "there is a second CRC32C TLV";
		ret->has_checksum = true;
		ret->checksum_at = (uint32_t)(tlv->value - area);
		return NULL;
	case PROXY_TLV_UNIQUE_ID:
		return tlv->size > PROXY_TLV_UNIQUE_ID_BYTES_MAX ? "a UNIQUE_ID TLV has more than 128 bytes"
		                                                 : NULL;
	case PROXY_TLV_SSL:
		return check_ssl(tlv);
	default:
		return NULL;
	}
}

const char *proxy_tlv_check(const uint8_t *area, size_t size, struct proxy_tlv_summary *ret)
{
	struct cursor c = cursor_over(area, size);
	struct proxy_tlv tlv;

	*ret = (struct proxy_tlv_summary){ 0 };
	while (proxy_tlv_next(&c, &tlv)) {
		const char *why = check_one(&tlv, area, ret);

		if (why)
			return why;
		ret->fault_at = (uint32_t)c.at;
	}
	if (c.failed)
		return size - ret->fault_at < 3 ? "one or two stray bytes follow the last TLV"
		                                : "a TLV runs past the end of the header";
	ret->fault_at = 0;
	return NULL;
}

static const char *inner_name(uint8_t type)
{
	static const char *const names[] = {
		"VERSION", "CN", "CIPHER", "SIG_ALG", "KEY_ALG", "GROUP", "SIG_SCHEME", "CLIENT_CERT",
	};

	if (type < PROXY_TLV_SSL_VERSION || type > PROXY_TLV_SSL_CLIENT_CERT)
		return NULL;
	return names[type - PROXY_TLV_SSL_VERSION];
}

const char *proxy_tlv_name(uint8_t type, bool inner)
{
	if (inner)
		return inner_name(type);
	switch (type) {
	case PROXY_TLV_ALPN:
		return "ALPN";
	case PROXY_TLV_AUTHORITY:
		return "AUTHORITY";
	case PROXY_TLV_CRC32C:
		return "CRC32C";
	case PROXY_TLV_NOOP:
		return "NOOP";
	case PROXY_TLV_UNIQUE_ID:
		return "UNIQUE_ID";
	case PROXY_TLV_SSL:
		return "SSL";
	case PROXY_TLV_NETNS:
		return "NETNS";
	default:
		return NULL;
	}
}
