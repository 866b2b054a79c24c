/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a TLV area: no TLV leaves it, the check agrees with the walk, vendors' values lie inside. */
#include "core/proxy_tlv.h"
#include "core/proxy_vendor.h"
#include "fuzz_check.h"

static void check_inside(const struct proxy_tlv *tlv, const uint8_t *area, size_t size)
{
	size_t at;

	FUZZ_CHECK(tlv->value >= area + 3);
	at = (size_t)(tlv->value - area);
	FUZZ_CHECK(at <= size && tlv->size <= size - at);
}

static void check_vendors(const struct proxy_tlv *tlv)
{
	for (int vendor = HANDOFF_VENDOR_NONE; vendor <= HANDOFF_VENDOR_ALIBABA; vendor++) {
		struct proxy_vendor_value v;

		if (!proxy_vendor_decode((enum handoff_vendor)vendor, tlv, &v))
			continue;
		FUZZ_CHECK(vendor != HANDOFF_VENDOR_NONE && v.name != NULL);
		FUZZ_CHECK(v.is_number == (v.text == NULL));
		FUZZ_CHECK(v.is_number || (v.text == tlv->value + 1 && v.text_bytes == tlv->size - 1U));
	}
}

static bool ssl_right(const struct proxy_tlv *tlv)
{
	struct proxy_tlv_ssl ssl;
	struct proxy_tlv inner;

	if (!proxy_tlv_ssl(tlv, &ssl))
		return false;
	while (proxy_tlv_next(&ssl.inner, &inner))
		check_inside(&inner, tlv->value + 5, tlv->size - 5U);
	return !ssl.inner.failed;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *area = fuzz_copy(bytes, size);
	struct cursor c = cursor_over(area, size);
	struct proxy_tlv_summary summary;
	const char *why = proxy_tlv_check(area, size, &summary);
	struct proxy_tlv tlv;
	bool right = true;
	unsigned sums = 0;

	while (proxy_tlv_next(&c, &tlv)) {
		check_inside(&tlv, area, size);
		check_vendors(&tlv);
		if (tlv.type == PROXY_TLV_SSL && !ssl_right(&tlv))
			right = false;
		if (tlv.type == PROXY_TLV_UNIQUE_ID && tlv.size > 128)
			right = false;
		if (tlv.type == PROXY_TLV_CRC32C && (tlv.size != 4 || ++sums > 1))
			right = false;
	}
	FUZZ_CHECK((why == NULL) == (right && !c.failed));
	FUZZ_CHECK(summary.fault_at <= size);
	FUZZ_CHECK(why != NULL || summary.has_checksum == (sums == 1));
	free(area);
	return 0;
}
