/* SPDX-License-Identifier: Apache-2.0 */
#include "core/proxy_vendor.h"

#include <criterion/criterion.h>
#include <string.h>

#define TLV(t, v) (&(struct proxy_tlv){ .type = (t), .size = sizeof(v) - 1, .value = (const uint8_t *)(v) })

static void is_text(const struct proxy_vendor_value *v, const char *name, const char *text)
{
	cr_assert_str_eq(v->name, name);
	cr_assert_not(v->is_number);
	cr_assert_eq(v->text_bytes, strlen(text));
	cr_assert_arr_eq(v->text, text, v->text_bytes);
}

static void is_number(const struct proxy_vendor_value *v, const char *name, uint64_t number)
{
	cr_assert_str_eq(v->name, name);
	cr_assert(v->is_number);
	cr_assert_eq(v->number, number);
}

Test(proxy_vendor, aws)
{
	struct proxy_vendor_value v;

	cr_assert(proxy_vendor_decode(HANDOFF_VENDOR_AWS, TLV(0xea, "\1vpce-08d2bf15fac5001c9"), &v));
	is_text(&v, "vpc_endpoint_id", "vpce-08d2bf15fac5001c9");
	cr_assert_not(proxy_vendor_decode(HANDOFF_VENDOR_AWS, TLV(0xea, "\2vpce-1"), &v), "unknown sub-type");
	cr_assert_not(proxy_vendor_decode(HANDOFF_VENDOR_AWS, TLV(0xea, ""), &v));
	cr_assert_not(proxy_vendor_decode(HANDOFF_VENDOR_AWS, TLV(0xea, "\1vpce\x1b[31m"), &v));
	cr_assert_not(proxy_vendor_decode(HANDOFF_VENDOR_AWS, TLV(0xeb, "\1vpce-1"), &v));
}

Test(proxy_vendor, azure)
{
	struct proxy_vendor_value v;

	cr_assert(proxy_vendor_decode(HANDOFF_VENDOR_AZURE, TLV(0xee, "\1\x44\x33\x22\x91"), &v));
	is_number(&v, "link_id", 0x91223344);
	cr_assert_not(proxy_vendor_decode(HANDOFF_VENDOR_AZURE, TLV(0xee, "\1\x44\x33\x22"), &v));
	cr_assert_not(proxy_vendor_decode(HANDOFF_VENDOR_AZURE, TLV(0xee, "\1\x44\x33\x22\x11\0"), &v));
	cr_assert_not(proxy_vendor_decode(HANDOFF_VENDOR_AZURE, TLV(0xee, "\2\x44\x33\x22\x11"), &v));
}

Test(proxy_vendor, gcp)
{
	struct proxy_vendor_value v;

	cr_assert(proxy_vendor_decode(HANDOFF_VENDOR_GCP, TLV(0xe0, "\0\x22\x6b\xcf\x0a\0\0\2"), &v));
	is_number(&v, "psc_connection_id", 9688686178336770ULL);
	cr_assert(proxy_vendor_decode(HANDOFF_VENDOR_GCP, TLV(0xe0, "\xff\xff\xff\xff\xff\xff\xff\xff"), &v));
	is_number(&v, "psc_connection_id", UINT64_MAX);
	cr_assert_not(proxy_vendor_decode(HANDOFF_VENDOR_GCP, TLV(0xe0, "\0\x22\x6b\xcf\x0a\0\0"), &v));
	cr_assert_not(proxy_vendor_decode(HANDOFF_VENDOR_GCP, TLV(0xe0, "\0\x22\x6b\xcf\x0a\0\0\2\3"), &v));
}

Test(proxy_vendor, alibaba)
{
	struct proxy_vendor_value v;

	cr_assert(proxy_vendor_decode(HANDOFF_VENDOR_ALIBABA, TLV(0xe1, "\1vpc-1"), &v));
	is_text(&v, "vpc_id", "vpc-1");
	cr_assert(proxy_vendor_decode(HANDOFF_VENDOR_ALIBABA, TLV(0xe1, "\2ep-1"), &v));
	is_text(&v, "endpoint_id", "ep-1");
	cr_assert(proxy_vendor_decode(HANDOFF_VENDOR_ALIBABA, TLV(0xe1, "\3epsrv-1"), &v));
	is_text(&v, "endpoint_service_id", "epsrv-1");
	cr_assert_not(proxy_vendor_decode(HANDOFF_VENDOR_ALIBABA, TLV(0xe1, "\4x"), &v));
	cr_assert_not(proxy_vendor_decode(HANDOFF_VENDOR_ALIBABA, TLV(0xe1, "\0x"), &v));
}

Test(proxy_vendor, only_the_named_one)
{
	struct proxy_vendor_value v;

	cr_assert_not(proxy_vendor_decode(HANDOFF_VENDOR_NONE, TLV(0xea, "\1vpce-1"), &v));
	cr_assert_not(proxy_vendor_decode(HANDOFF_VENDOR_GCP, TLV(0xea, "\1vpce-1"), &v));
	cr_assert_not(proxy_vendor_decode(HANDOFF_VENDOR_AWS, TLV(0xe0, "\0\x22\x6b\xcf\x0a\0\0\2"), &v));
	cr_assert_str_eq(proxy_vendor_name(HANDOFF_VENDOR_ALIBABA), "alibaba");
	cr_assert_str_eq(proxy_vendor_name((enum handoff_vendor)5), "?");
}
