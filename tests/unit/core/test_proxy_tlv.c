/* SPDX-License-Identifier: Apache-2.0 */
#include "core/proxy_tlv.h"

#include <criterion/criterion.h>

#define AREA(s) (const uint8_t *)(s), sizeof(s) - 1

Test(proxy_tlv, in_order)
{
	struct cursor area = cursor_over("\2\0\3abc\4\0\0\xe1\0\1x", 13);
	struct proxy_tlv tlv;

	cr_assert(proxy_tlv_next(&area, &tlv));
	cr_assert_eq(tlv.type, PROXY_TLV_AUTHORITY);
	cr_assert_eq(tlv.size, 3);
	cr_assert_arr_eq(tlv.value, "abc", 3);
	cr_assert(proxy_tlv_next(&area, &tlv));
	cr_assert_eq(tlv.type, PROXY_TLV_NOOP);
	cr_assert_eq(tlv.size, 0);
	cr_assert(proxy_tlv_next(&area, &tlv));
	cr_assert_eq(tlv.type, 0xe1);
	cr_assert_not(proxy_tlv_next(&area, &tlv));
	cr_assert_not(area.failed);
	cr_assert_not(proxy_tlv_next(&area, &tlv), "the end stays the end");
}

Test(proxy_tlv, broken_end)
{
	struct cursor area = cursor_over("\4\0\0\4\0\2x", 7);
	struct proxy_tlv tlv;

	cr_assert(proxy_tlv_next(&area, &tlv));
	cr_assert_not(proxy_tlv_next(&area, &tlv));
	cr_assert(area.failed);
	cr_assert_null(tlv.value);
	cr_assert_not(proxy_tlv_next(&area, &tlv));
}

Test(proxy_tlv, summary)
{
	struct proxy_tlv_summary summary;

	cr_assert_null(proxy_tlv_check(AREA(""), &summary));
	cr_assert_not(summary.has_checksum);
	cr_assert_null(proxy_tlv_check(AREA("\4\0\0\3\0\4abcd"), &summary));
	cr_assert(summary.has_checksum);
	cr_assert_eq(summary.checksum_at, 6);
	cr_assert_null(proxy_tlv_check(AREA("\x20\0\x0c\1\0\0\0\0\3\0\4abcd"), &summary));
	cr_assert_not(summary.has_checksum, "inside SSL it is not the header's");
}

Test(proxy_tlv, says_where_and_why)
{
	struct proxy_tlv_summary summary;

	cr_assert_str_eq(proxy_tlv_check(AREA("\4\0\0\4\0"), &summary),
	                 "one or two stray bytes follow the last TLV");
	cr_assert_eq(summary.fault_at, 3);
	cr_assert_str_eq(proxy_tlv_check(AREA("\4\0\1x\4\0\1"), &summary),
	                 "a TLV runs past the end of the header");
	cr_assert_eq(summary.fault_at, 4);
	cr_assert_str_eq(proxy_tlv_check(AREA("\3\0\4abcd\3\0\4abcd"), &summary),
	                 "there is a second CRC32C TLV");
	cr_assert_eq(summary.fault_at, 7);
	cr_assert_not_null(proxy_tlv_check(AREA("\x20\0\4abcd"), &summary));
	cr_assert_not_null(proxy_tlv_check(AREA("\x20\0\6abcdef"), &summary));
}

Test(proxy_tlv, ssl)
{
	struct cursor area = cursor_over("\x20\0\x0f\5\1\2\3\4\x21\0\7TLSv1.3", 18);
	struct proxy_tlv tlv, inner;
	struct proxy_tlv_ssl ssl;

	cr_assert(proxy_tlv_next(&area, &tlv));
	cr_assert(proxy_tlv_ssl(&tlv, &ssl));
	cr_assert_eq(ssl.client, 5);
	cr_assert_eq(ssl.verify, 0x01020304U);
	cr_assert(proxy_tlv_next(&ssl.inner, &inner));
	cr_assert_eq(inner.type, PROXY_TLV_SSL_VERSION);
	cr_assert_arr_eq(inner.value, "TLSv1.3", 7);
	cr_assert_not(proxy_tlv_next(&ssl.inner, &inner));
	cr_assert_not(ssl.inner.failed);
}

Test(proxy_tlv, names)
{
	cr_assert_str_eq(proxy_tlv_name(PROXY_TLV_SSL, false), "SSL");
	cr_assert_str_eq(proxy_tlv_name(PROXY_TLV_SSL_VERSION, true), "VERSION");
	cr_assert_str_eq(proxy_tlv_name(PROXY_TLV_SSL_CLIENT_CERT, true), "CLIENT_CERT");
	cr_assert_null(proxy_tlv_name(PROXY_TLV_SSL_VERSION, false));
	cr_assert_null(proxy_tlv_name(PROXY_TLV_SSL, true));
	cr_assert_null(proxy_tlv_name(0x29, true));
	cr_assert_null(proxy_tlv_name(0xea, false));
}
