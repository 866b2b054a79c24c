/* SPDX-License-Identifier: Apache-2.0 */
/* Whole texts to addresses: addr_parse_ip4() and addr_parse_ip6() of addr.h. Refuses to know any grammar itself. */
#include "core/addr.h"
#include "core/addr_scan.h"

static bool scan_all(struct addr_scan *s, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!addr_scan_byte(s, (uint8_t)text[i]))
			return false;
	return addr_scan_whole(s);
}

bool addr_parse_ip4(const char *text, size_t size, uint8_t ret_ip[4])
{
	struct addr_scan s = addr_scan_ip4();

	if (!scan_all(&s, text, size))
		return false;
	addr_scan_take_ip4(&s, ret_ip);
	return true;
}

bool addr_parse_ip6(const char *text, size_t size, uint8_t ret_ip[16])
{
	struct addr_scan s = addr_scan_ip6(true);

	if (!scan_all(&s, text, size))
		return false;
	addr_scan_take_ip6(&s, ret_ip);
	return true;
}
