/* SPDX-License-Identifier: Apache-2.0 */
/* Which form of PROXY header it is: see proxy_header.h. Refuses to look behind the first byte. */
#include "core/proxy_header.h"

#include "core/proxy_v1.h"
#include "core/proxy_v2.h"

enum proxy_result proxy_header_parse(const uint8_t *bytes, size_t size, const struct proxy_options *options,
                                     struct proxy_header *ret)
{
	*ret = (struct proxy_header){ 0 };
	if (size == 0) {
		ret->need = 1;
		return PROXY_INCOMPLETE;
	}
	if (bytes[0] == PROXY_V1_FIRST_BYTE)
		return proxy_v1_parse(bytes, size, options, ret);
	if (bytes[0] == PROXY_V2_FIRST_BYTE)
		return proxy_v2_parse(bytes, size, options, ret);
	ret->reason = REFUSED_MISSING_HEADER;
	return PROXY_REFUSED;
}

const char *proxy_family_name(enum proxy_family family)
{
	static const char *const names[] = {
		[PROXY_FAMILY_UNSPEC] = "UNSPEC",
		[PROXY_FAMILY_UNKNOWN] = "UNKNOWN",
		[PROXY_FAMILY_TCP4] = "TCP4",
		[PROXY_FAMILY_TCP6] = "TCP6",
		[PROXY_FAMILY_UDP4] = "UDP4",
		[PROXY_FAMILY_UDP6] = "UDP6",
		[PROXY_FAMILY_UNIX_STREAM] = "UNIX_STREAM",
		[PROXY_FAMILY_UNIX_DGRAM] = "UNIX_DGRAM",
	};

	return family < sizeof(names) / sizeof(names[0]) ? names[family] : "?";
}
