/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY v2: see proxy_v2.h. The 16 bytes of the head are judged one by one as they come; nothing behind them is read
 * before all of the block is there. Refuses to decode any address of a header that it does not accept.
 */
#include "core/proxy_v2.h"

#include <string.h>

#include "base/cursor.h"
#include "base/limits.h"
#include "core/crc32c.h"
#include "core/proxy_tlv.h"

enum {
	SIGNATURE_BYTES = 12,
	VERSION = 2,
	FAMILIES = 4, /* UNSPEC, INET, INET6, UNIX */
	TRANSPORTS = 3, /* UNSPEC, STREAM, DGRAM */
};

static const uint8_t signature[SIGNATURE_BYTES] = "\r\n\r\n\0\r\nQUIT\n";

static const uint8_t families[FAMILIES][TRANSPORTS] = {
	{ PROXY_FAMILY_UNSPEC, PROXY_FAMILY_UNSPEC, PROXY_FAMILY_UNSPEC },
	{ PROXY_FAMILY_UNSPEC, PROXY_FAMILY_TCP4, PROXY_FAMILY_UDP4 },
	{ PROXY_FAMILY_UNSPEC, PROXY_FAMILY_TCP6, PROXY_FAMILY_UDP6 },
	{ PROXY_FAMILY_UNSPEC, PROXY_FAMILY_UNIX_STREAM, PROXY_FAMILY_UNIX_DGRAM },
};

uint8_t proxy_v2_block_bytes(uint8_t family)
{
	static const uint8_t bytes[FAMILIES] = { 0, 12, 36, 2 * PROXY_V2_UNIX_BYTES };

	return family >> 4 < FAMILIES ? bytes[family >> 4] : 0;
}

struct head {
	uint8_t command; /* enum proxy_command */
	uint8_t family; /* enum proxy_family */
	uint8_t block; /* bytes of addresses */
	uint32_t length; /* of the whole header */
};

static enum proxy_result refuse(struct proxy_header *ret, enum refused reason)
{
	ret->reason = (uint8_t)reason;
	return PROXY_REFUSED;
}

static enum proxy_result read_family(uint8_t byte, struct head *head, struct proxy_header *ret)
{
	uint8_t family = byte >> 4, transport = byte & 15;

	if (head->command == PROXY_COMMAND_LOCAL)
		return PROXY_ACCEPTED; /* to be discarded with the rest of the block */
	if (family >= FAMILIES || transport >= TRANSPORTS)
		return refuse(ret, REFUSED_MALFORMED_FAMILY);
	head->family = families[family][transport];
	head->block = proxy_v2_block_bytes(byte);
	return PROXY_ACCEPTED;
}

/* @bytes are the one or two bytes of the length that are there: the first alone can already be too much. */
static enum proxy_result read_length(const uint8_t *bytes, size_t size, uint32_t limit, struct head *head,
                                     struct proxy_header *ret)
{
	uint32_t length = (uint32_t)bytes[0] << 8;

	if (size > 1)
		length |= bytes[1];
	head->length = HEADER_V2_BYTES_MIN + length;
	if (head->length > limit)
		return refuse(ret, REFUSED_HEADER_TOO_LONG);
	if (size > 1 && length < head->block)
		return refuse(ret, REFUSED_MALFORMED_LENGTH);
	return PROXY_ACCEPTED;
}

/* Each byte of the head as soon as it is there. */
static enum proxy_result read_head(const uint8_t *bytes, size_t size, uint32_t limit, struct head *head,
                                   struct proxy_header *ret)
{
	enum proxy_result r;

	if (memcmp(bytes, signature, size < SIGNATURE_BYTES ? size : SIGNATURE_BYTES) != 0)
		return refuse(ret, REFUSED_MALFORMED_SIGNATURE);
	if (size > 12) {
		if (bytes[12] >> 4 != VERSION)
			return refuse(ret, REFUSED_MALFORMED_VERSION);
		ret->version = VERSION;
		head->command = bytes[12] & 15;
		if (head->command > PROXY_COMMAND_PROXY)
			return refuse(ret, REFUSED_MALFORMED_COMMAND);
	}
	if (size > 13) {
		r = read_family(bytes[13], head, ret);
		if (r != PROXY_ACCEPTED)
			return r;
	}
	if (size > 14) {
		r = read_length(bytes + 14, size - 14, limit, head, ret);
		if (r != PROXY_ACCEPTED)
			return r;
	}
	if (size < HEADER_V2_BYTES_MIN) {
		ret->need = HEADER_V2_BYTES_MIN;
		return PROXY_INCOMPLETE;
	}
	return PROXY_ACCEPTED;
}

/* The sum is over the whole header with the four bytes of the sum as zeros. */
static bool checksum_right(const uint8_t *bytes, uint32_t length, uint32_t at)
{
	static const uint8_t zeros[PROXY_TLV_CRC32C_BYTES];
	struct cursor stated = cursor_over(bytes + at, PROXY_TLV_CRC32C_BYTES);
	uint32_t crc = crc32c(0, bytes, at);

	crc = crc32c(crc, zeros, sizeof(zeros));
	crc = crc32c(crc, bytes + at + sizeof(zeros), length - at - sizeof(zeros));
	return crc == cursor_u32be(&stated);
}

static enum proxy_result check_tlvs(const uint8_t *bytes, const struct head *head, struct proxy_header *ret)
{
	uint32_t offset = (uint32_t)HEADER_V2_BYTES_MIN + head->block;
	struct proxy_tlv_summary summary;

	if (proxy_tlv_check(bytes + offset, head->length - offset, &summary) != NULL)
		return refuse(ret, REFUSED_MALFORMED_TLV);
	if (summary.has_checksum) {
		if (!checksum_right(bytes, head->length, offset + summary.checksum_at))
			return refuse(ret, REFUSED_MALFORMED_CHECKSUM);
		ret->checked = true;
	}
	if (head->length > offset) {
		ret->tlv_offset = offset;
		ret->tlv_bytes = head->length - offset;
	}
	return PROXY_ACCEPTED;
}

static void take_ip(const uint8_t *block, uint8_t size, struct proxy_header *ret)
{
	struct cursor c = cursor_over(block, 2U * size + 4);
	const uint8_t *source = cursor_take(&c, size), *destination = cursor_take(&c, size);
	uint16_t source_port = cursor_u16be(&c), destination_port = cursor_u16be(&c);

	if (size == 4) {
		ret->source = addr_from_ip4(source, source_port);
		ret->destination = addr_from_ip4(destination, destination_port);
	} else {
		ret->source = addr_from_ip6(source, source_port);
		ret->destination = addr_from_ip6(destination, destination_port);
	}
}

static void take_addresses(const uint8_t *block, struct proxy_header *ret)
{
	switch ((enum proxy_family)ret->family) {
	case PROXY_FAMILY_TCP4:
	case PROXY_FAMILY_UDP4:
		take_ip(block, 4, ret);
		break;
	case PROXY_FAMILY_TCP6:
	case PROXY_FAMILY_UDP6:
		take_ip(block, 16, ret);
		break;
	case PROXY_FAMILY_UNIX_STREAM:
	case PROXY_FAMILY_UNIX_DGRAM:
		ret->source.family = ADDR_UNIX;
		ret->destination.family = ADDR_UNIX;
		ret->unix_offset = HEADER_V2_BYTES_MIN;
		break;
	case PROXY_FAMILY_UNSPEC:
	case PROXY_FAMILY_UNKNOWN:
		break;
	}
}

enum proxy_result proxy_v2_parse(const uint8_t *bytes, size_t size, const struct proxy_options *options,
                                 struct proxy_header *ret)
{
	struct head head = { 0 };
	enum proxy_result r = read_head(bytes, size, options->limit, &head, ret);

	if (r != PROXY_ACCEPTED)
		return r;
	if (size < head.length) {
		ret->need = head.length;
		return PROXY_INCOMPLETE;
	}
	if (head.command == PROXY_COMMAND_PROXY) {
		r = check_tlvs(bytes, &head, ret);
		if (r != PROXY_ACCEPTED)
			return r;
	}
	ret->command = head.command;
	ret->family = head.family;
	ret->length = head.length;
	take_addresses(bytes + HEADER_V2_BYTES_MIN, ret);
	return PROXY_ACCEPTED;
}
