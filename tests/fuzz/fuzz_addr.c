/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as an address: we accept what inet_pton() accepts, read the same, and read back what we print. */
#include <arpa/inet.h>

#include "core/addr.h"
#include "core/addr_scan.h"
#include "fuzz_check.h"

static bool library_parse(int family, const uint8_t *text, size_t size, uint8_t *ret_ip)
{
	char terminated[ADDR_TEXT_BYTES];

	if (size >= sizeof(terminated) || memchr(text, '\0', size))
		return false;
	memcpy(terminated, text, size);
	terminated[size] = '\0';
	return inet_pton(family, terminated, ret_ip) == 1;
}

static void check_round_trip(const struct addr *a)
{
	char text[ADDR_TEXT_BYTES];
	uint8_t back[16];

	(void)addr_text(a, text);
	if (a->family == ADDR_IP4)
		FUZZ_CHECK(addr_parse_ip4(text, strlen(text), back) && memcmp(back, a->ip + 12, 4) == 0);
	else
		FUZZ_CHECK(addr_parse_ip6(text, strlen(text), back) && memcmp(back, a->ip, 16) == 0);
	(void)addr_is_local(a);
	FUZZ_CHECK(strlen(addr_port_text(a, text)) > strlen("::"));
}

/* Without dotted tails: the same, less every text with a dot. */
static bool scan_without_tail(const uint8_t *text, size_t size)
{
	struct addr_scan s = addr_scan_ip6(false);

	for (size_t i = 0; i < size; i++)
		if (!addr_scan_byte(&s, text[i]))
			return false;
	return addr_scan_whole(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *text = fuzz_copy(bytes, size);
	uint8_t ours[16] = { 0 }, theirs[16] = { 0 };
	bool we = addr_parse_ip4((const char *)text, size, ours);
	struct addr a;

	FUZZ_CHECK(we == library_parse(AF_INET, text, size, theirs));
	if (we) {
		FUZZ_CHECK(memcmp(ours, theirs, 4) == 0);
		a = addr_from_ip4(ours, (uint16_t)size);
		check_round_trip(&a);
	}
	we = addr_parse_ip6((const char *)text, size, ours);
	FUZZ_CHECK(we == library_parse(AF_INET6, text, size, theirs));
	FUZZ_CHECK(scan_without_tail(text, size) == (we && !memchr(text, '.', size)));
	if (we) {
		FUZZ_CHECK(memcmp(ours, theirs, 16) == 0);
		a = addr_from_ip6(ours, (uint16_t)size);
		check_round_trip(&a);
	}
	free(text);
	return 0;
}
