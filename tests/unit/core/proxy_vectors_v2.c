/* SPDX-License-Identifier: Apache-2.0 */
/* Version 2: see proxy_vectors.h. Checksums were computed bit by bit, by other code than the one under test. */
#include "core/proxy_vectors.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define LOCAL SIG "\x20"
#define PROXY SIG "\x21"
#define BLOCK4           \
	"\xc0\0\2\1"     \
	"\xc6\x33\x64\2" \
	"\xdc\4"         \
	"\1\xbb"
#define IP6_1 "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
#define IP6_2 "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
#define MAPPED "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"
#define BLOCK6               \
	IP6_1 IP6_2 "\xdc\4" \
		    "\1\xbb"
#define Z8 "\0\0\0\0\0\0\0\0"
#define Z96 Z8 Z8 Z8 Z8 Z8 Z8 Z8 Z8 Z8 Z8 Z8 Z8
#define A8 "aaaaaaaa"
#define A96 A8 A8 A8 A8 A8 A8 A8 A8 A8 A8 A8 A8
#define PATH "/run/a.sock\0" Z96
#define BLOCK_UNIX PATH "/run/b.sock\0" Z96

#define YES(n, b, c, f, s, d, t, ...)                                                                        \
	{                                                                                                    \
		.name = (n), PROXY_BYTES(b), .version = 2, .command = PROXY_COMMAND_##c,                     \
		.family = PROXY_FAMILY_##f, .source = (s), .destination = (d), .tlv_bytes = (t), __VA_ARGS__ \
	}
#define YES_LOCAL(n, b) YES(n, LOCAL b, LOCAL, UNSPEC, "", "", 0, )
#define YES_NONE(n, b, t) YES(n, PROXY b, PROXY, UNSPEC, "", "", t, )
#define YES4(n, len, tlvs, t, ...)                                                                  \
	YES(n, PROXY "\x11" len BLOCK4 tlvs, PROXY, TCP4, "192.0.2.1:56324", "198.51.100.2:443", t, \
	    __VA_ARGS__)
#define YES6(n, f, len, tlvs, t, ...)                                                               \
	YES(n, PROXY f len BLOCK6 tlvs, PROXY, TCP6, "[2001:db8::1]:56324", "[2001:db8::2]:443", t, \
	    __VA_ARGS__)
#define NO_TLV(n, len, tlvs) PROXY_NO(n, PROXY "\x11" len BLOCK4 tlvs, MALFORMED_TLV)
#define NO_SUM(n, len, tlvs) PROXY_NO(n, PROXY "\x11" len BLOCK4 tlvs, MALFORMED_CHECKSUM)
#define AUTHORITY  \
	"\2\0\x0b" \
	"example.com"
#define SSL_FIXED \
	"\1"      \
	"\0\0\0\0"

const struct proxy_vector proxy_vectors_v2[] = {
	/* LOCAL: everything behind the length is discarded */
	YES_LOCAL("ordinary", "\0\0\0"),
	YES_LOCAL("with addresses", "\x11\0\x0c" BLOCK4),
	YES_LOCAL("with IPv6 addresses", "\x21\0\x24" BLOCK6),
	YES_LOCAL("with Unix addresses", "\x31\0\xd8" BLOCK_UNIX),
	YES_LOCAL("TCP4 without addresses", "\x11\0\0"),
	YES_LOCAL("block too short for its family", "\x21\0\5"
	                                            "abcde"),
	YES_LOCAL("undefined family", "\x41\0\0"),
	YES_LOCAL("undefined transport", "\x13\0\0"),
	YES_LOCAL("all ones", "\xff\0\3"
	                      "\xff\xff\xff"),
	YES_LOCAL("no TLVs in it", "\0\0\2"
	                           "\4\0"),
	YES_LOCAL("overrun in it", "\0\0\4"
	                           "\4\xff\xff\0"),
	YES_LOCAL("wrong sum in it", "\0\0\7"
	                             "\3\0\4\1\2\3\4"),
	YES_LOCAL("AWS health check, captured", "\x11\0\x54"
	                                        "\3\0\4\xbc\xe5\x95\x1f"
	                                        "\4\0\x4a" Z8 Z8 Z8 Z8 Z8 Z8 Z8 Z8 Z8 "\0\0"),
	/* addresses */
	YES4("TCP4", "\0\x0c", "", 0, ),
	YES("UDP4", PROXY "\x12\0\x0c" BLOCK4, PROXY, UDP4, "192.0.2.1:56324", "198.51.100.2:443", 0, ),
	YES6("TCP6", "\x21", "\0\x24", "", 0, ),
	YES("UDP6", PROXY "\x22\0\x24" BLOCK6, PROXY, UDP6, "[2001:db8::1]:56324", "[2001:db8::2]:443", 0, ),
	YES("ports 0 and 65535",
	    PROXY "\x11\0\x0c"
	          "\1\2\3\4\5\6\7\x08"
	          "\0\0"
	          "\xff\xff",
	    PROXY, TCP4, "1.2.3.4:0", "5.6.7.8:65535", 0, ),
	YES("port bytes are not swapped",
	    PROXY "\x11\0\x0c"
	          "\1\2\3\4\5\6\7\x08"
	          "\1\0"
	          "\0\1",
	    PROXY, TCP4, "1.2.3.4:256", "5.6.7.8:1", 0, ),
	YES("all zero", PROXY "\x11\0\x0c" Z8 "\0\0\0\0", PROXY, TCP4, "0.0.0.0:0", "0.0.0.0:0", 0, ),
	YES("all ones",
	    PROXY "\x11\0\x0c"
	          "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
	    PROXY, TCP4, "255.255.255.255:65535", "255.255.255.255:65535", 0, ),
	YES("mapped IPv6 is IPv4",
	    PROXY "\x21\0\x24" MAPPED IP6_2 "\0\1"
	          "\0\2",
	    PROXY, TCP6, "192.0.2.1:1", "[2001:db8::2]:2", 0, ),
	YES("both mapped",
	    PROXY "\x21\0\x24" MAPPED MAPPED "\0\1"
	          "\0\2",
	    PROXY, TCP6, "192.0.2.1:1", "192.0.2.1:2", 0, ),
	YES("unspecified IPv6",
	    PROXY "\x21\0\x24" Z8 Z8 Z8 Z8 "\0\1"
	          "\0\2",
	    PROXY, TCP6, "[::]:1", "[::]:2", 0, ),
	YES("UNIX_STREAM", PROXY "\x31\0\xd8" BLOCK_UNIX, PROXY, UNIX_STREAM, "unix", "unix", 0, ),
	YES("UNIX_DGRAM", PROXY "\x32\0\xd8" BLOCK_UNIX, PROXY, UNIX_DGRAM, "unix", "unix", 0, ),
	YES("UNIX, nothing in it", PROXY "\x31\0\xd8" Z96 Z8 "\0\0\0\0" Z96 Z8 "\0\0\0\0", PROXY, UNIX_STREAM,
	    "unix", "unix", 0, ),
	YES("UNIX, full to the last byte", PROXY "\x31\0\xd8" A96 A8 "aaaa" A96 A8 "aaaa", PROXY, UNIX_STREAM,
	    "unix", "unix", 0, ),
	YES("UNIX with a TLV", PROXY "\x31\0\xe6" BLOCK_UNIX AUTHORITY, PROXY, UNIX_STREAM, "unix", "unix",
	    14, ),
	/* no addresses */
	YES_NONE("UNSPEC", "\0\0\0", 0),
	YES_NONE("UNSPEC with a TLV", "\0\0\x0e" AUTHORITY, 14),
	YES_NONE("UNSPEC family, stream", "\1\0\0", 0),
	YES_NONE("UNSPEC family, datagram, TLV",
	         "\2\0\3"
	         "\4\0\0",
	         3),
	YES_NONE("INET without transport", "\x10\0\x0c" BLOCK4, 0),
	YES_NONE("INET without transport, TLV behind the block", "\x10\0\x0f" BLOCK4 "\4\0\0", 3),
	YES_NONE("INET6 without transport", "\x20\0\x24" BLOCK6, 0),
	YES_NONE("INET6 without transport, TLV", "\x20\0\x27" BLOCK6 "\4\0\0", 3),
	YES_NONE("UNIX without transport", "\x30\0\xd8" BLOCK_UNIX, 0),
	YES("UNSPEC, sum",
	    PROXY "\0\0\7"
	          "\3\0\4\x3e\xc9\x89\x4e",
	    PROXY, UNSPEC, "", "", 7, .checked = true),
	YES("INET without transport, sum", PROXY "\x10\0\x13" BLOCK4 "\3\0\4\x7c\xf9\x7b\xfd", PROXY, UNSPEC,
	    "", "", 7, .checked = true),
	/* TLVs */
	YES4("ALPN", "\0\x11", "\1\0\2h2", 5, ),
	YES4("AUTHORITY", "\0\x1a", AUTHORITY, 14, ),
	YES4("empty value", "\0\x0f", "\2\0\0", 3, ),
	YES4("NOOP, empty", "\0\x0f", "\4\0\0", 3, ),
	YES4("NOOP, padded", "\0\x13", "\4\0\4\0\0\0\0", 7, ),
	YES4("NOOP three times", "\0\x15", "\4\0\0\4\0\0\4\0\0", 9, ),
	YES4("UNIQUE_ID", "\0\x13",
	     "\5\0\4"
	     "abcd",
	     7, ),
	YES4("UNIQUE_ID, 128 bytes", "\0\x8f", "\5\0\x80" A96 A8 A8 A8 A8, 131, ),
	YES4("UNIQUE_ID, empty", "\0\x0f", "\5\0\0", 3, ),
	YES4("NETNS", "\0\x12", "\x30\0\3ns1", 6, ),
	YES4("unknown type 0", "\0\x10", "\0\0\1x", 4, ),
	YES4("unknown type 0xff", "\0\x10", "\xff\0\1x", 4, ),
	YES4("duplicates", "\0\x14", "\xe1\0\1a\xe1\0\1b", 8, ),
	YES4("sub-type outside SSL is just a type", "\0\x10", "\x21\0\1x", 4, ),
	YES4("value that looks like a TLV that overruns", "\0\x12", "\2\0\3\4\xff\xff", 6, ),
	YES4("value that is a header", "\0\x1f", "\2\0\x10" SIG "\x21\x11\0\x0c", 19, ),
	YES4("AWS endpoint", "\0\x1d", "\xea\0\x0e\1vpce-08d2bf15", 17, ),
	YES4("Azure link", "\0\x14", "\xee\0\5\1\x44\x33\x22\x11", 8, ),
	YES4("Google connection", "\0\x17", "\xe0\0\x08\0\x22\x6b\xcf\x0a\0\0\2", 11, ),
	YES6("TCP6 with TLVs", "\x21", "\0\x35", AUTHORITY "\4\0\0", 17, ),
	/* SSL */
	YES4("SSL, shortest", "\0\x14", "\x20\0\5" SSL_FIXED, 8, ),
	YES4("SSL, not over TLS", "\0\x14",
	     "\x20\0\5"
	     "\0\0\0\0\1",
	     8, ),
	YES4("SSL with a version", "\0\x1e", "\x20\0\x0f" SSL_FIXED "\x21\0\7TLSv1.3", 18, ),
	YES4("SSL with everything", "\0\x44",
	     "\x20\0\x35" SSL_FIXED "\x21\0\7TLSv1.3"
	     "\x22\0\2cn"
	     "\x23\0\3aes"
	     "\x24\0\1s"
	     "\x25\0\1k"
	     "\x26\0\1g"
	     "\x27\0\1h"
	     "\x28\0\x08"
	     "\x30\x82\1\2\3\4\5\6",
	     56, ),
	YES4("SSL with an unknown sub-type", "\0\x18", "\x20\0\x09" SSL_FIXED "\x7f\0\1x", 12, ),
	YES4("SSL with an empty sub-TLV", "\0\x17", "\x20\0\x08" SSL_FIXED "\x22\0\0", 11, ),
	YES4("SSL inside SSL is not looked into", "\0\x18", "\x20\0\x09" SSL_FIXED "\x20\0\1x", 12, ),
	YES4("sum inside SSL is no sum", "\0\x18", "\x20\0\x09" SSL_FIXED "\3\0\1x", 12, ),
	YES4("two SSL", "\0\x1c", "\x20\0\5" SSL_FIXED "\x20\0\5" SSL_FIXED, 16, ),
	/* checksum */
	YES4("sum alone", "\0\x13", "\3\0\4\x20\xec\x95\x49", 7, .checked = true),
	YES4("sum first", "\0\x21", "\3\0\4\x20\xa9\xdc\x84" AUTHORITY, 21, .checked = true),
	YES4("sum last", "\0\x21", AUTHORITY "\3\0\4\x57\xa4\x92\xb3", 21, .checked = true),
	YES4("sum and padding", "\0\x17",
	     "\3\0\4\xa7\xbc\x0f\x99"
	     "\4\0\1\xff",
	     11, .checked = true),
	YES4("sum, AWS endpoint, padding", "\0\x30",
	     "\3\0\4\x9e\x68\x9e\xf7"
	     "\xea\0\x17\1vpce-08d2bf15fac5001c9"
	     "\4\0\0",
	     36, .checked = true),
	YES6("sum, IPv6", "\x21", "\0\x2b", "\3\0\4\x95\xb3\x79\x3a", 7, .checked = true),
	YES("sum, UDP4", PROXY "\x12\0\x13" BLOCK4 "\3\0\4\xc4\xd2\xa6\x95", PROXY, UDP4, "192.0.2.1:56324",
	    "198.51.100.2:443", 7, .checked = true),
	NO_SUM("zero", "\0\x13", "\3\0\4\0\0\0\0"),
	NO_SUM("one bit off", "\0\x13", "\3\0\4\x20\xec\x95\x48"),
	NO_SUM("little endian", "\0\x13", "\3\0\4\x49\x95\xec\x20"),
	NO_SUM("inverted", "\0\x13", "\3\0\4\xdf\x13\x6a\xb6"),
	NO_SUM("of another header", "\0\x21", "\3\0\4\x20\xec\x95\x49" AUTHORITY),
	NO_SUM("padding changed", "\0\x17",
	       "\3\0\4\xa7\xbc\x0f\x99"
	       "\4\0\1\xfe"),
	/* broken TLVs */
	NO_TLV("one stray byte", "\0\x0d", "\4"),
	NO_TLV("two stray bytes", "\0\x0e", "\4\0"),
	NO_TLV("one stray NUL", "\0\x0d", "\0"),
	NO_TLV("overrun by one", "\0\x10", "\4\0\2x"),
	NO_TLV("overrun by the most", "\0\x0f", "\4\xff\xff"),
	NO_TLV("little-endian length", "\0\x11", "\1\2\0h2"),
	NO_TLV("stray byte behind a TLV", "\0\x10", "\4\0\0\4"),
	NO_TLV("overrun behind a TLV", "\0\x12", "\4\0\0\2\0\1"),
	NO_TLV("UNIQUE_ID, 129 bytes", "\0\x90", "\5\0\x81" A96 A8 A8 A8 A8 "a"),
	NO_TLV("sum of 3 bytes", "\0\x12", "\3\0\3\1\2\3"),
	NO_TLV("sum of 5 bytes", "\0\x14", "\3\0\5\1\2\3\4\5"),
	NO_TLV("empty sum", "\0\x0f", "\3\0\0"),
	NO_TLV("two sums, the second empty", "\0\x16", "\3\0\4\0\0\0\0\3\0\0"),
	NO_TLV("two sums", "\0\x1a", "\3\0\4\x2a\x68\xed\xaf\3\0\4\x2a\x68\xed\xaf"),
	NO_TLV("structure comes before the sum", "\0\x14", "\3\0\4\0\0\0\0\4"),
	NO_TLV("SSL, empty", "\0\x0f", "\x20\0\0"),
	NO_TLV("SSL, 4 bytes", "\0\x13", "\x20\0\4\1\0\0\0"),
	NO_TLV("SSL, stray byte inside", "\0\x15", "\x20\0\6" SSL_FIXED "\x21"),
	NO_TLV("SSL, two stray bytes inside", "\0\x16", "\x20\0\7" SSL_FIXED "\x21\0"),
	NO_TLV("SSL, overrun inside by one", "\0\x17", "\x20\0\x08" SSL_FIXED "\x21\0\1"),
	NO_TLV("SSL, overrun inside into the next TLV", "\0\x1a",
	       "\x20\0\x08" SSL_FIXED "\x21\0\3"
	       "\4\0\0"),
	NO_TLV("SSL, overrun itself", "\0\x14", "\x20\0\6" SSL_FIXED),
	NO_TLV("second SSL broken", "\0\x17", "\x20\0\5" SSL_FIXED "\x20\0\0"),
	PROXY_NO("UNSPEC, block is no TLV",
	         PROXY "\0\0\2"
	               "\4\0",
	         MALFORMED_TLV),
	PROXY_NO("UNSPEC, addresses are no TLVs", PROXY "\0\0\x0c" BLOCK4, MALFORMED_TLV),
	PROXY_NO("INET without transport, stray byte", PROXY "\x10\0\x0d" BLOCK4 "\0", MALFORMED_TLV),
	PROXY_NO("TCP6, stray byte", PROXY "\x21\0\x25" BLOCK6 "\0", MALFORMED_TLV),
	PROXY_NO("UNIX, stray byte", PROXY "\x31\0\xd9" BLOCK_UNIX "\0", MALFORMED_TLV),
	/* signature */
	PROXY_NO("HTTP line end", "\r\nG", MALFORMED_SIGNATURE),
	PROXY_NO("two CR", "\r\r", MALFORMED_SIGNATURE),
	PROXY_NO("three line ends", "\r\n\r\n\r", MALFORMED_SIGNATURE),
	PROXY_NO("no NUL", "\r\n\r\n0", MALFORMED_SIGNATURE),
	PROXY_NO("QUIT in lower case", "\r\n\r\n\0\r\nq", MALFORMED_SIGNATURE),
	PROXY_NO("last byte", "\r\n\r\n\0\r\nQUIT\r", MALFORMED_SIGNATURE),
	PROXY_NO("a v1 line behind a line end", "\r\nP", MALFORMED_SIGNATURE),
	/* version and command */
	PROXY_NO("version 0", SIG "\1", MALFORMED_VERSION),
	PROXY_NO("version 1", SIG "\x11", MALFORMED_VERSION),
	PROXY_NO("version 3", SIG "\x31", MALFORMED_VERSION),
	PROXY_NO("version 15", SIG "\xf0", MALFORMED_VERSION),
	PROXY_NO("version before command", SIG "\x3f", MALFORMED_VERSION),
	PROXY_NO("command 2", SIG "\x22", MALFORMED_COMMAND),
	PROXY_NO("command 15", SIG "\x2f", MALFORMED_COMMAND),
	/* family */
	PROXY_NO("family 4", PROXY "\x41", MALFORMED_FAMILY),
	PROXY_NO("family 15", PROXY "\xf1", MALFORMED_FAMILY),
	PROXY_NO("transport 3", PROXY "\x13", MALFORMED_FAMILY),
	PROXY_NO("transport 15", PROXY "\x2f", MALFORMED_FAMILY),
	PROXY_NO("UNSPEC, transport 3", PROXY "\3", MALFORMED_FAMILY),
	PROXY_NO("family 4 without transport", PROXY "\x40", MALFORMED_FAMILY),
	/* length */
	PROXY_NO("TCP4, nothing", PROXY "\x11\0\0", MALFORMED_LENGTH),
	PROXY_NO("TCP4, 11", PROXY "\x11\0\x0b", MALFORMED_LENGTH),
	PROXY_NO("UDP4, nothing", PROXY "\x12\0\0", MALFORMED_LENGTH),
	PROXY_NO("TCP6, 12", PROXY "\x21\0\x0c", MALFORMED_LENGTH),
	PROXY_NO("TCP6, 35", PROXY "\x21\0\x23", MALFORMED_LENGTH),
	PROXY_NO("UDP6, 35", PROXY "\x22\0\x23", MALFORMED_LENGTH),
	PROXY_NO("UNIX_STREAM, 215", PROXY "\x31\0\xd7", MALFORMED_LENGTH),
	PROXY_NO("UNIX_DGRAM, 36", PROXY "\x32\0\x24", MALFORMED_LENGTH),
	PROXY_NO("INET without transport, 11", PROXY "\x10\0\x0b", MALFORMED_LENGTH),
	PROXY_NO("INET6 without transport, 0", PROXY "\x20\0\0", MALFORMED_LENGTH),
	PROXY_NO("UNIX without transport, 215", PROXY "\x30\0\xd7", MALFORMED_LENGTH),
	PROXY_NO("4097 in all", PROXY "\x11\x0f\xf1", HEADER_TOO_LONG),
	PROXY_NO("4112 in all: the first length byte says so", PROXY "\x11\x10", HEADER_TOO_LONG),
	PROXY_NO("the most", PROXY "\x11\xff", HEADER_TOO_LONG),
	PROXY_NO("LOCAL, 4097 in all", LOCAL "\0\x0f\xf1", HEADER_TOO_LONG),
	PROXY_NO("LOCAL, the most", LOCAL "\0\xff", HEADER_TOO_LONG),
	YES4("as long as the limit", "\0\x0c", "", 0, .limit = 28),
	{ .name = "one longer than the limit",
	  PROXY_BYTES(PROXY "\x11\0\x0c"),
	  .result = PROXY_REFUSED,
	  .reason = REFUSED_HEADER_TOO_LONG,
	  .limit = 27 },
	{ .name = "too long comes before too short",
	  PROXY_BYTES(PROXY "\x31\0\x40"),
	  .result = PROXY_REFUSED,
	  .reason = REFUSED_HEADER_TOO_LONG,
	  .limit = 40 },
	{ .name = "limit below the head",
	  PROXY_BYTES(PROXY "\x11\0"),
	  .result = PROXY_REFUSED,
	  .reason = REFUSED_HEADER_TOO_LONG,
	  .limit = 1 },
};

const size_t proxy_vectors_v2_count = sizeof(proxy_vectors_v2) / sizeof(proxy_vectors_v2[0]);
