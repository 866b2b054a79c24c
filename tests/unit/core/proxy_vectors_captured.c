/* SPDX-License-Identifier: Apache-2.0 */
/* What HAProxy 2.6.12 and curl 7.88.1 sent over loopback, with the payload cut off: see proxy_vectors.h. */
#include "core/proxy_vectors.h"

#define GOT(n, b, v, c, f, s, d, t, sum)                                                         \
	{                                                                                        \
		.name = (n), PROXY_BYTES(b), .version = (v), .command = PROXY_COMMAND_##c,       \
		.family = PROXY_FAMILY_##f, .source = (s), .destination = (d), .tlv_bytes = (t), \
		.checked = (sum)                                                                 \
	}

/* clang-format off */
const struct proxy_vector proxy_vectors_captured[] = {
	GOT("curl", "PROXY TCP4 127.0.0.1 127.0.0.1 54066 52159\r\n", 1, PROXY, TCP4, "127.0.0.1:54066", "127.0.0.1:52159", 0, false),
	GOT("haproxy-v1-4", "PROXY TCP4 127.0.0.1 127.0.0.1 39230 52771\r\n", 1, PROXY, TCP4, "127.0.0.1:39230", "127.0.0.1:52771", 0, false),
	GOT("haproxy-v1-6", "PROXY TCP6 ::1 ::1 52616 36095\r\n", 1, PROXY, TCP6, "[::1]:52616", "[::1]:36095", 0, false),
	GOT("haproxy-v1-check", "PROXY TCP4 127.0.0.1 127.0.0.1 40386 38071\r\n", 1, PROXY, TCP4, "127.0.0.1:40386", "127.0.0.1:38071", 0, false),
	GOT("haproxy-v1-dual", "PROXY TCP6 ::ffff:127.0.0.1 ::ffff:127.0.0.1 33978 58263\r\n", 1, PROXY, TCP6, "127.0.0.1:33978", "127.0.0.1:58263", 0, false),
	GOT("haproxy-v2-4", "\r\n\r\n\x00\r\nQUIT\n!\x11\x00\x0c\x7f\x00\x00\x01\x7f\x00\x00\x01\xac\xfa\xa6/", 2, PROXY, TCP4, "127.0.0.1:44282", "127.0.0.1:42543", 0, false),
	GOT("haproxy-v2-6", "\r\n\r\n\x00\r\nQUIT\n!!\x00$\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\xc4""8\xa3}", 2, PROXY, TCP6, "[::1]:50232", "[::1]:41853", 0, false),
	GOT("haproxy-v2-check", "\r\n\r\n\x00\r\nQUIT\n \x00\x00\x00", 2, LOCAL, UNSPEC, "", "", 0, false),
	GOT("haproxy-v2-crc32c-4", "\r\n\r\n\x00\r\nQUIT\n!\x11\x00\x13\x7f\x00\x00\x01\x7f\x00\x00\x01\xcc\xb4\xc2\x0b\x03\x00\x04\x17\xeeI\xfb", 2, PROXY, TCP4, "127.0.0.1:52404", "127.0.0.1:49675", 7, true),
	GOT("haproxy-v2-crc32c-6", "\r\n\r\n\x00\r\nQUIT\n!!\x00+\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\xe3.\x92\xbf\x03\x00\x04\xbf\xcc\x01\x06", 2, PROXY, TCP6, "[::1]:58158", "[::1]:37567", 7, true),
	GOT("haproxy-v2-crc32c-dual", "\r\n\r\n\x00\r\nQUIT\n!!\x00+\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x7f\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x7f\x00\x00\x01\xc8\xc6\xb6\x1b\x03\x00\x04""E\x88\xb6#", 2, PROXY, TCP6, "127.0.0.1:51398", "127.0.0.1:46619", 7, true),
	GOT("haproxy-v2-dual", "\r\n\r\n\x00\r\nQUIT\n!!\x00$\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x7f\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x7f\x00\x00\x01\xecV\x84\xc5", 2, PROXY, TCP6, "127.0.0.1:60502", "127.0.0.1:33989", 0, false),
	GOT("haproxy-v2-ssl-4", "\r\n\r\n\x00\r\nQUIT\n!\x11\x00#\x7f\x00\x00\x01\x7f\x00\x00\x01\xe2\xae\xb3\xe7\x01\x00\x02h2 \x00\x0f\x07\x00\x00\x00\x00!\x00\x07TLSv1.3", 2, PROXY, TCP4, "127.0.0.1:58030", "127.0.0.1:46055", 23, false),
	GOT("haproxy-v2-ssl-6", "\r\n\r\n\x00\r\nQUIT\n!!\x00;\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\xc2\x96\xe8}\x01\x00\x02h2 \x00\x0f\x07\x00\x00\x00\x00!\x00\x07TLSv1.3", 2, PROXY, TCP6, "[::1]:49814", "[::1]:59517", 23, false),
	GOT("haproxy-v2-ssl-cn-4", "\r\n\r\n\x00\r\nQUIT\n!\x11\x00\xa9\x7f\x00\x00\x01\x7f\x00\x00\x01\xa9\x18\x8ak\x03\x00\x04\xc8\x83""f/\x01\x00\x02h2\x02\x00\x0fwww.example.com\x05\x00)7F000001:A918_7F000001:8A6B_6B064891_000F \x00P\x07\x00\x00\x00\x00!\x00\x07TLSv1.3\x22\x00\x0e""client.example%\x00\x07RSA2048$\x00\nRSA-SHA256#\x00\x16TLS_AES_256_GCM_SHA384", 2, PROXY, TCP4, "127.0.0.1:43288", "127.0.0.1:35435", 157, true),
	GOT("haproxy-v2-ssl-cn-6", "\r\n\r\n\x00\r\nQUIT\n!!\x00\xf1\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\xe3\xda\xc8\x19\x03\x00\x04wh\x11""E\x01\x00\x02h2\x02\x00\x0fwww.example.com\x05\x00Y00000000000000000000000000000001:E3DA_00000000000000000000000000000001:C819_6B064892_0010 \x00P\x07\x00\x00\x00\x00!\x00\x07TLSv1.3\x22\x00\x0e""client.example%\x00\x07RSA2048$\x00\nRSA-SHA256#\x00\x16TLS_AES_256_GCM_SHA384", 2, PROXY, TCP6, "[::1]:58330", "[::1]:51225", 205, true),
	GOT("haproxy-v2-ssl-cn-dual", "\r\n\r\n\x00\r\nQUIT\n!!\x00\xf1\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x7f\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x7f\x00\x00\x01\xb7|\xc1""A\x03\x00\x04\xb9\xd6\x9e\x0f\x01\x00\x02h2\x02\x00\x0fwww.example.com\x05\x00Y00000000000000000000FFFF7F000001:B77C_00000000000000000000FFFF7F000001:C141_6B064893_0011 \x00P\x07\x00\x00\x00\x00!\x00\x07TLSv1.3\x22\x00\x0e""client.example%\x00\x07RSA2048$\x00\nRSA-SHA256#\x00\x16TLS_AES_256_GCM_SHA384", 2, PROXY, TCP6, "127.0.0.1:46972", "127.0.0.1:49473", 205, true),
	GOT("haproxy-v2-ssl-dual", "\r\n\r\n\x00\r\nQUIT\n!!\x00;\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x7f\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x7f\x00\x00\x01\x85\xb0\x80{\x01\x00\x02h2 \x00\x0f\x07\x00\x00\x00\x00!\x00\x07TLSv1.3", 2, PROXY, TCP6, "127.0.0.1:34224", "127.0.0.1:32891", 23, false),
	GOT("haproxy-v2-unique-id-4", "\r\n\r\n\x00\r\nQUIT\n!\x11\x00\x3f\x7f\x00\x00\x01\x7f\x00\x00\x01\xc1\xbe\xec\xd1\x03\x00\x04\xe7+\x07\xfb\x05\x00)7F000001:C1BE_7F000001:ECD1_6B06488E_0009", 2, PROXY, TCP4, "127.0.0.1:49598", "127.0.0.1:60625", 51, true),
	GOT("haproxy-v2-unique-id-6", "\r\n\r\n\x00\r\nQUIT\n!!\x00\x87\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\xb6\xfa\xd4U\x03\x00\x04\xccM2E\x05\x00Y00000000000000000000000000000001:B6FA_00000000000000000000000000000001:D455_6B06488E_000A", 2, PROXY, TCP6, "[::1]:46842", "[::1]:54357", 99, true),
	GOT("haproxy-v2-unique-id-dual", "\r\n\r\n\x00\r\nQUIT\n!!\x00\x87\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x7f\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x7f\x00\x00\x01\xe9*\xc8""A\x03\x00\x04""0,\xc3\x16\x05\x00Y00000000000000000000FFFF7F000001:E92A_00000000000000000000FFFF7F000001:C841_6B06488E_000B", 2, PROXY, TCP6, "127.0.0.1:59690", "127.0.0.1:51265", 99, true),
};
/* clang-format on */

const size_t proxy_vectors_captured_count =
	sizeof(proxy_vectors_captured) / sizeof(proxy_vectors_captured[0]);
