/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a PROXY header: however they are split, the answer is the same; what is accepted lies inside; and a
 * header whose only fault is its sum is accepted once the sum is right (so that fuzzing gets past it).
 */
#include "base/limits.h"
#include "core/crc32c.h"
#include "core/proxy_header.h"
#include "core/proxy_tlv.h"
#include "fuzz_check.h"

enum { EACH_SPLIT_MAX = 300 };

static enum proxy_result parse(const uint8_t *bytes, size_t size, const struct proxy_options *options,
                               struct proxy_header *ret)
{
	uint8_t *copy = fuzz_copy(bytes, size);
	enum proxy_result result;

	memset(ret, 0x5a, sizeof(*ret));
	result = proxy_header_parse(copy, size, options, ret);
	free(copy);
	return result;
}

static void check_accepted(const uint8_t *bytes, size_t size, const struct proxy_options *options,
                           const struct proxy_header *h)
{
	struct proxy_tlv_summary summary;

	FUZZ_CHECK(h->length <= size && h->length <= options->limit && h->length >= 15);
	FUZZ_CHECK(h->version == 1 || h->version == 2);
	FUZZ_CHECK(h->version == 2 || h->length <= HEADER_V1_BYTES_MAX);
	FUZZ_CHECK(h->need == 0 && h->reason == 0);
	FUZZ_CHECK((h->source.family == ADDR_NONE) == (h->destination.family == ADDR_NONE));
	FUZZ_CHECK((h->source.family == ADDR_UNIX) == (h->unix_offset != 0));
	FUZZ_CHECK(h->unix_offset == 0 || h->unix_offset + 216 + h->tlv_bytes == h->length);
	if (h->tlv_bytes > 0) {
		FUZZ_CHECK(h->version == 2 && h->command == PROXY_COMMAND_PROXY);
		FUZZ_CHECK(h->tlv_offset >= HEADER_V2_BYTES_MIN && h->tlv_offset + h->tlv_bytes == h->length);
		FUZZ_CHECK(proxy_tlv_check(bytes + h->tlv_offset, h->tlv_bytes, &summary) == NULL);
		FUZZ_CHECK(summary.has_checksum == h->checked);
	}
}

static void check_split(const uint8_t *bytes, size_t at, const struct proxy_options *options,
                        enum proxy_result whole, const struct proxy_header *h)
{
	struct proxy_header part;
	enum proxy_result result = parse(bytes, at, options, &part);

	if (result == PROXY_INCOMPLETE) {
		FUZZ_CHECK(part.need > at && part.need <= HEADER_BYTES_MAX);
		FUZZ_CHECK(whole != PROXY_ACCEPTED || (part.need <= h->length && at < h->length));
		return;
	}
	FUZZ_CHECK(result == whole);
	FUZZ_CHECK(part.reason == h->reason && part.length == h->length);
	FUZZ_CHECK(part.tlv_offset == h->tlv_offset && part.tlv_bytes == h->tlv_bytes);
	FUZZ_CHECK(memcmp(&part.source, &h->source, sizeof(part.source)) == 0);
	FUZZ_CHECK(memcmp(&part.destination, &h->destination, sizeof(part.destination)) == 0);
	FUZZ_CHECK(part.family == h->family && part.command == h->command && part.version == h->version);
}

static void put_sum(uint8_t *bytes, uint32_t length, uint32_t at)
{
	uint32_t crc;

	memset(bytes + at, 0, 4);
	crc = crc32c(0, bytes, length);
	for (int i = 0; i < 4; i++)
		bytes[at + (uint32_t)i] = (uint8_t)(crc >> (24 - 8 * i));
}

/* The block sizes are stated here once more, on purpose. */
static void check_with_right_sum(const uint8_t *bytes, size_t size, const struct proxy_options *options)
{
	static const uint32_t blocks[] = { 0, 12, 36, 216 };
	uint8_t *fixed = fuzz_copy(bytes, size);
	uint32_t length = 16 + ((uint32_t)fixed[14] << 8) + fixed[15];
	uint32_t offset = 16 + blocks[(fixed[13] >> 4) & 3];
	struct proxy_tlv_summary summary;
	struct proxy_header h;

	FUZZ_CHECK(proxy_tlv_check(fixed + offset, length - offset, &summary) == NULL);
	put_sum(fixed, length, offset + summary.checksum_at);
	FUZZ_CHECK(parse(fixed, size, options, &h) == PROXY_ACCEPTED);
	FUZZ_CHECK(h.checked);
	check_accepted(fixed, size, options, &h);
	free(fixed);
}

static void try_with(const uint8_t *bytes, size_t size, const struct proxy_options *options)
{
	struct proxy_header h;
	enum proxy_result result = parse(bytes, size, options, &h);
	size_t step = size <= EACH_SPLIT_MAX ? 1 : size / EACH_SPLIT_MAX;

	if (result == PROXY_ACCEPTED)
		check_accepted(bytes, size, options, &h);
	if (result == PROXY_REFUSED) {
		FUZZ_CHECK(h.reason >= REFUSED_MISSING_HEADER && h.reason <= REFUSED_HEADER_TOO_LONG);
		FUZZ_CHECK(h.length == 0 && h.tlv_bytes == 0 && h.source.family == ADDR_NONE);
		if (h.reason == REFUSED_MALFORMED_CHECKSUM)
			check_with_right_sum(bytes, size, options);
	}
	for (size_t at = 0; at <= size; at += step)
		check_split(bytes, at, options, result, &h);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct proxy_options options[] = {
		{ .limit = HEADER_LIMIT_DEFAULT, .dotted_tail = true },
		{ .limit = HEADER_BYTES_MAX, .dotted_tail = false },
		{ .limit = 60, .dotted_tail = true },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		try_with(bytes, size, &options[i]);
	return 0;
}
