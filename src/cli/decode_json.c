/* SPDX-License-Identifier: Apache-2.0 */
/* Answers as JSON: see decode_json.h. Refuses to parse anything itself. */
#include "cli/decode_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/proxy_tlv.h"
#include "core/proxy_v2.h"
#include "core/proxy_vendor.h"

enum { NUMBER_TEXT_BYTES = 24 };

/* Every value goes through here: a NULL (no memory) fails the object, which then comes out as NULL. */
static bool put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static json_t *text_or_null(const char *text)
{
	return text && text[0] ? json_string(text) : json_null();
}

static json_t *hex(const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * size + 1);
	json_t *string;

	if (!text)
		return NULL;
	for (size_t i = 0; i < size; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	string = json_stringn(text, 2 * size);
	free(text);
	return string;
}

size_t decode_unix_path_bytes(const uint8_t *address)
{
	return strnlen((const char *)address, PROXY_V2_UNIX_BYTES);
}

/* A path can hold any bytes, JSON can't. */
static json_t *path_text(const uint8_t *address)
{
	static const char replacement[] = "\xef\xbf\xbd";
	char text[PROXY_V2_UNIX_BYTES * (sizeof(replacement) - 1)];
	size_t size = decode_unix_path_bytes(address), used = 0;
	json_t *exact;

	if (size == 0)
		return json_null();
	exact = json_stringn((const char *)address, size);
	if (exact)
		return exact;
	for (size_t i = 0; i < size; i++) {
		size_t bytes = address[i] < 0x80 ? 1 : sizeof(replacement) - 1;

		memcpy(text + used, address[i] < 0x80 ? (const char *)address + i : replacement, bytes);
		used += bytes;
	}
	return json_stringn(text, used);
}

static json_t *address_text(const struct addr *a, const uint8_t *unix_address)
{
	char text[ADDR_TEXT_BYTES];

	return a->family == ADDR_UNIX ? path_text(unix_address) : text_or_null(addr_text(a, text));
}

static json_t *address_port(const struct addr *a)
{
	return a->family == ADDR_IP4 || a->family == ADDR_IP6 ? json_integer(a->port) : json_null();
}

/* The bytes as the header has them: a mapped IPv6 address keeps its 16. */
static json_t *address_hex(const struct proxy_header *h, const struct addr *a, const uint8_t *unix_address)
{
	if (a->family == ADDR_NONE)
		return json_null();
	if (a->family == ADDR_UNIX)
		return hex(unix_address, PROXY_V2_UNIX_BYTES);
	if (h->family == PROXY_FAMILY_TCP4 || h->family == PROXY_FAMILY_UDP4)
		return hex(a->ip + 12, 4);
	return hex(a->ip, 16);
}

static json_t *plain_tlv(const struct proxy_tlv *tlv)
{
	return json_pack("{s:i, s:o}", "type", tlv->type, "value_hex", hex(tlv->value, tlv->size));
}

static json_t *ssl_of(const struct proxy_tlv *tlv)
{
	json_t *list = json_array();
	struct proxy_tlv_ssl ssl;
	struct proxy_tlv inner;
	bool whole = list && proxy_tlv_ssl(tlv, &ssl);

	while (whole && proxy_tlv_next(&ssl.inner, &inner))
		whole = json_array_append_new(list, plain_tlv(&inner)) == 0;
	if (!whole) {
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:i, s:I, s:o}", "client", ssl.client, "verify", (json_int_t)ssl.verify, "sub",
	                 list);
}

static json_t *vendor_value(const struct proxy_vendor_value *v)
{
	char number[NUMBER_TEXT_BYTES];

	if (!v->is_number)
		return json_pack("{s:s%}", v->name, v->text, v->text_bytes);
	if (v->number <= UINT32_MAX && strcmp(v->name, "psc_connection_id") != 0)
		return json_pack("{s:I}", v->name, (json_int_t)v->number);
	/* 64 bits are more than most readers of JSON keep of a number */
	(void)snprintf(number, sizeof(number), "%" PRIu64, v->number);
	return json_pack("{s:s}", v->name, number);
}

static json_t *tlv_object(const struct proxy_tlv *tlv, enum handoff_vendor vendor)
{
	json_t *object = plain_tlv(tlv);
	struct proxy_vendor_value value;
	bool whole = object != NULL;

	if (whole && tlv->type == PROXY_TLV_SSL)
		whole = put(object, "ssl", ssl_of(tlv));
	if (whole && proxy_vendor_decode(vendor, tlv, &value))
		whole = put(object, "vendor", vendor_value(&value));
	if (whole)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *tlv_list(const uint8_t *area, size_t size, enum handoff_vendor vendor)
{
	struct cursor c = cursor_over(area, size);
	json_t *list = json_array();
	struct proxy_tlv tlv;
	bool whole = list != NULL;

	while (whole && proxy_tlv_next(&c, &tlv))
		whole = json_array_append_new(list, tlv_object(&tlv, vendor)) == 0;
	if (whole)
		return list;
	json_decref(list);
	return NULL;
}

static const char *result_name(enum proxy_result result)
{
	switch (result) {
	case PROXY_ACCEPTED:
		return "accept";
	case PROXY_REFUSED:
		return "reject";
	case PROXY_INCOMPLETE:
		break;
	}
	return "incomplete";
}

static const char *family_text(const struct proxy_header *h)
{
	return h->command == PROXY_COMMAND_LOCAL ? NULL : proxy_family_name(h->family);
}

static bool put_answer(json_t *o, enum proxy_result result, const struct proxy_header *h)
{
	bool accepted = result == PROXY_ACCEPTED;
	const char *command = h->command == PROXY_COMMAND_LOCAL ? "LOCAL" : "PROXY";

	return put(o, "result", json_string(result_name(result))) &&
	       put(o, "reason", text_or_null(result == PROXY_REFUSED ? refused_name(h->reason) : NULL)) &&
	       put(o, "version", h->version ? json_integer(h->version) : json_null()) &&
	       put(o, "command", text_or_null(accepted ? command : NULL)) &&
	       put(o, "family", text_or_null(accepted ? family_text(h) : NULL));
}

static bool put_content(json_t *o, const uint8_t *bytes, const struct proxy_header *h,
                        enum handoff_vendor vendor)
{
	const uint8_t *unix_source = bytes + h->unix_offset;
	const uint8_t *unix_destination = unix_source + (h->unix_offset ? PROXY_V2_UNIX_BYTES : 0);

	return put(o, "src", address_text(&h->source, unix_source)) &&
	       put(o, "sport", address_port(&h->source)) &&
	       put(o, "dst", address_text(&h->destination, unix_destination)) &&
	       put(o, "dport", address_port(&h->destination)) &&
	       put(o, "src_hex", address_hex(h, &h->source, unix_source)) &&
	       put(o, "dst_hex", address_hex(h, &h->destination, unix_destination)) &&
	       put(o, "tlvs", tlv_list(bytes + h->tlv_offset, h->tlv_bytes, vendor)) &&
	       put(o, "consumed", json_integer(h->length));
}

json_t *decode_json(const uint8_t *bytes, size_t size, const struct decode_options *options)
{
	struct proxy_header h;
	enum proxy_result result = proxy_header_parse(bytes, size, &options->parser, &h);
	json_t *object = json_object();

	if (object && put_answer(object, result, &h) && put_content(object, bytes, &h, options->vendor))
		return object;
	json_decref(object);
	return NULL;
}
