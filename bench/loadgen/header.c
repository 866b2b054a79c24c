/* SPDX-License-Identifier: Apache-2.0 */
/* PROXY headers, written: see header.h. */
#include "loadgen/header.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
	TLV_ALPN = 0x01,
	TLV_AUTHORITY = 0x02,
	TLV_CRC32C = 0x03,
	TLV_NOOP = 0x04,
	TLV_UNIQUE_ID = 0x05,
	TLV_SSL = 0x20,
	TLV_SSL_VERSION = 0x21,
	TLV_SSL_CN = 0x22,
	TLV_SSL_CIPHER = 0x23,
	TLV_AWS = 0xea,
	TLV_HEAD_BYTES = 3,
	SSL_CLIENT_AND_VERIFY = 5,
	TLVS_BYTES = 200,
	V2_FIXED_BYTES = 16,
};

/* A TLV area being written; @to holds HEADER_WRITE_MAX. */
struct area {
	uint8_t *to;
	size_t at;
};

static void put(struct area *a, const void *bytes, size_t size)
{
	assert(size <= HEADER_WRITE_MAX - a->at);
	memcpy(a->to + a->at, bytes, size);
	a->at += size;
}

static void put_tlv(struct area *a, uint8_t type, const void *value, size_t size)
{
	const uint8_t head[TLV_HEAD_BYTES] = { type, (uint8_t)(size >> 8), (uint8_t)size };

	put(a, head, sizeof(head));
	put(a, value, size);
}

static void put_text_tlv(struct area *a, uint8_t type, const char *text)
{
	put_tlv(a, type, text, strlen(text));
}

/* CRC32C (Castagnoli), reflected, half a byte at a time. */
static uint32_t crc32c(const uint8_t *bytes, size_t size)
{
	static const uint32_t table[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

static void put_ssl(struct area *a)
{
	static const uint8_t fixed[5] = { SSL_CLIENT_AND_VERIFY, 0, 0, 0, 0 };
	uint8_t value[96];
	struct area inner = { .to = value };

	put(&inner, fixed, sizeof(fixed));
	put_text_tlv(&inner, TLV_SSL_VERSION, "TLSv1.3");
	put_text_tlv(&inner, TLV_SSL_CN, "client.bench.example");
	put_text_tlv(&inner, TLV_SSL_CIPHER, "TLS_AES_128_GCM_SHA256");
	assert(inner.at <= sizeof(value));
	put_tlv(a, TLV_SSL, value, inner.at);
}

/* Returns where in @a the four bytes of the checksum are. */
static size_t put_tlvs(struct area *a, uint64_t index)
{
	static const uint8_t zeros[TLVS_BYTES] = { 0 };
	size_t start = a->at, checksum;
	char text[48];

	put_text_tlv(a, TLV_ALPN, "h2");
	(void)snprintf(text, sizeof(text), "n%llu.bench.example", (unsigned long long)index);
	put_text_tlv(a, TLV_AUTHORITY, text);
	(void)snprintf(text, sizeof(text), "%016llx", (unsigned long long)index);
	put_text_tlv(a, TLV_UNIQUE_ID, text);
	put_tlv(a, TLV_CRC32C, zeros, 4);
	checksum = a->at - 4;
	put_text_tlv(a, TLV_AWS, "\x01vpce-0123456789abcdef0");
	put_ssl(a);
	if (a->at - start + TLV_HEAD_BYTES < TLVS_BYTES)
		put_tlv(a, TLV_NOOP, zeros, TLVS_BYTES - (a->at - start) - TLV_HEAD_BYTES);
	return checksum;
}

static void put_address(struct area *a, const struct addr *addr)
{
	if (addr->family == ADDR_IP4)
		put(a, addr->ip + 12, 4);
	else
		put(a, addr->ip, 16);
}

static void put_port(struct area *a, const struct addr *addr)
{
	const uint8_t port[2] = { (uint8_t)(addr->port >> 8), (uint8_t)addr->port };

	put(a, port, sizeof(port));
}

static size_t write_v2(const struct planned *p, uint64_t index, bool with_tlvs, uint8_t *to)
{
	static const uint8_t fixed[V2_FIXED_BYTES] = { '\r', '\n', '\r', '\n', 0,    '\r', '\n',
		                                       'Q',  'U',  'I',  'T',  '\n', 0x21 };
	struct area a = { .to = to };
	size_t checksum = 0, rest;

	put(&a, fixed, sizeof(fixed));
	to[13] = p->source.family == ADDR_IP4 ? 0x11 : 0x21; /* over TCP */
	put_address(&a, &p->source);
	put_address(&a, &p->destination);
	put_port(&a, &p->source);
	put_port(&a, &p->destination);
	if (with_tlvs)
		checksum = put_tlvs(&a, index);
	rest = a.at - V2_FIXED_BYTES;
	to[14] = (uint8_t)(rest >> 8);
	to[15] = (uint8_t)rest;
	if (with_tlvs) {
		uint32_t crc = crc32c(to, a.at);

		for (size_t i = 0; i < 4; i++)
			to[checksum + i] = (uint8_t)(crc >> (24 - 8 * i));
	}
	return a.at;
}

static size_t write_v1(const struct planned *p, uint8_t *to)
{
	char source[ADDR_TEXT_BYTES], destination[ADDR_TEXT_BYTES];
	int n = snprintf((char *)to, HEADER_WRITE_MAX, "PROXY %s %s %s %u %u\r\n",
	                 p->source.family == ADDR_IP4 ? "TCP4" : "TCP6", addr_text(&p->source, source),
	                 addr_text(&p->destination, destination), p->source.port, p->destination.port);

	assert(n > 0 && n < HEADER_WRITE_MAX);
	return (size_t)n;
}

size_t header_write(enum header_kind kind, const struct planned *p, uint64_t index, uint8_t *to)
{
	switch (kind) {
	case HEADER_V1:
		return write_v1(p, to);
	case HEADER_V2:
	case HEADER_V2TLV:
		return write_v2(p, index, kind == HEADER_V2TLV, to);
	case HEADER_NONE:
	default:
		return 0;
	}
}
