/* SPDX-License-Identifier: Apache-2.0 */
/* Vendors' TLVs: see proxy_vendor.h. Refuses to decode a value for a vendor that was not named. */
#include "core/proxy_vendor.h"

enum {
	TYPE_GCP = 0xE0,
	TYPE_ALIBABA = 0xE1,
	TYPE_AWS = 0xEA,
	TYPE_AZURE = 0xEE,
	AWS_VPC_ENDPOINT_ID = 1,
	AZURE_LINK_ID = 1,
	AZURE_BYTES = 5,
	GCP_BYTES = 8,
};

/* A vendor's text may hold what ids are made of, and nothing that a log or a terminal would take for more. */
static bool take_text(const struct proxy_tlv *tlv, const char *name, struct proxy_vendor_value *ret)
{
	for (size_t i = 1; i < tlv->size; i++)
		if (tlv->value[i] <= ' ' || tlv->value[i] > '~')
			return false;
	*ret = (struct proxy_vendor_value){
		.name = name,
		.text = tlv->value + 1,
		.text_bytes = tlv->size - 1U,
	};
	return true;
}

static bool take_number(const char *name, uint64_t number, struct proxy_vendor_value *ret)
{
	*ret = (struct proxy_vendor_value){ .name = name, .is_number = true, .number = number };
	return true;
}

static bool aws(const struct proxy_tlv *tlv, struct proxy_vendor_value *ret)
{
	if (tlv->type != TYPE_AWS || tlv->size < 1 || tlv->value[0] != AWS_VPC_ENDPOINT_ID)
		return false;
	return take_text(tlv, "vpc_endpoint_id", ret);
}

/* The one little-endian number of the whole protocol. */
static bool azure(const struct proxy_tlv *tlv, struct proxy_vendor_value *ret)
{
	const uint8_t *v = tlv->value;

	if (tlv->type != TYPE_AZURE || tlv->size != AZURE_BYTES || v[0] != AZURE_LINK_ID)
		return false;
	return take_number("link_id",
	                   (uint32_t)v[4] << 24 | (uint32_t)v[3] << 16 | (uint32_t)v[2] << 8 | (uint32_t)v[1],
	                   ret);
}

static bool gcp(const struct proxy_tlv *tlv, struct proxy_vendor_value *ret)
{
	struct cursor c = cursor_over(tlv->value, tlv->size);
	uint64_t high, low;

	if (tlv->type != TYPE_GCP || tlv->size != GCP_BYTES)
		return false;
	high = cursor_u32be(&c);
	low = cursor_u32be(&c);
	return take_number("psc_connection_id", high << 32 | low, ret);
}

static bool alibaba(const struct proxy_tlv *tlv, struct proxy_vendor_value *ret)
{
	static const char *const names[] = { "vpc_id", "endpoint_id", "endpoint_service_id" };

	if (tlv->type != TYPE_ALIBABA || tlv->size < 1 || tlv->value[0] < 1 || tlv->value[0] > 3)
		return false;
	return take_text(tlv, names[tlv->value[0] - 1], ret);
}

bool proxy_vendor_decode(enum handoff_vendor vendor, const struct proxy_tlv *tlv,
                         struct proxy_vendor_value *ret)
{
	*ret = (struct proxy_vendor_value){ 0 };
	switch (vendor) {
	case HANDOFF_VENDOR_AWS:
		return aws(tlv, ret);
	case HANDOFF_VENDOR_AZURE:
		return azure(tlv, ret);
	case HANDOFF_VENDOR_GCP:
		return gcp(tlv, ret);
	case HANDOFF_VENDOR_ALIBABA:
		return alibaba(tlv, ret);
	case HANDOFF_VENDOR_NONE:
		return false;
	}
	return false;
}

const char *proxy_vendor_name(enum handoff_vendor vendor)
{
	static const char *const names[] = { "none", "aws", "azure", "gcp", "alibaba" };

	return vendor < sizeof(names) / sizeof(names[0]) ? names[vendor] : "?";
}
