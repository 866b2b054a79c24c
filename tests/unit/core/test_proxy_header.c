/* SPDX-License-Identifier: Apache-2.0 */
#include "core/proxy_header.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "core/proxy_exact.h"
#include "core/proxy_vectors.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"

static const struct {
	const char *bytes;
	size_t size;
} tails[] = {
	{ "\4\0\0", 3 }, /* looks like a TLV */
	{ "\4\xff\xff\xff", 4 }, /* looks like one that overruns */
	{ "\3\0\4\0\0\0\0", 7 }, /* looks like a checksum */
	{ SIG "\x21\x11\0\x0c\1\2\3\4\5\6\7\x08\0\1\0\2", 28 }, /* a second header */
	{ "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n", 32 },
	{ "GET / HTTP/1.1\r\n\r\n", 18 },
	{ "\r\n", 2 },
	{ "\n", 1 },
	{ " ", 1 },
	{ "0", 1 },
	{ ".", 1 },
	{ ":", 1 },
	{ "\0", 1 },
};

static struct proxy_options options_of(const struct proxy_vector *v)
{
	return (struct proxy_options){ .limit = v->limit ? v->limit : HEADER_LIMIT_DEFAULT,
		                       .dotted_tail = !v->no_dotted_tail };
}

static void check_address(const struct proxy_vector *v, const struct addr *a, const char *wanted)
{
	char text[ADDR_TEXT_BYTES];

	if (strcmp(wanted, "unix") == 0)
		cr_assert_eq(a->family, ADDR_UNIX, "%s", v->name);
	else if (wanted[0] == '\0')
		cr_assert_eq(a->family, ADDR_NONE, "%s", v->name);
	else
		cr_assert_str_eq(addr_port_text(a, text), wanted, "%s: %s", v->name, text);
}

static void check_answer(const struct proxy_vector *v, enum proxy_result result, const struct proxy_header *h)
{
	cr_assert_eq(result, v->result, "%s: result %d, reason %s", v->name, result, refused_name(h->reason));
	if (v->result == PROXY_REFUSED) {
		cr_assert_eq(h->reason, v->reason, "%s: %s", v->name, refused_name(h->reason));
		cr_assert_eq(h->length + h->tlv_bytes + h->source.family + h->destination.family, 0, "%s",
		             v->name);
		return;
	}
	cr_assert_eq(h->length, v->size, "%s: %u of %zu", v->name, h->length, v->size);
	cr_assert_eq(h->version, v->version, "%s", v->name);
	cr_assert_eq(h->command, v->command, "%s", v->name);
	cr_assert_eq(h->family, v->family, "%s: %s", v->name, proxy_family_name(h->family));
	cr_assert_eq(h->checked, v->checked, "%s", v->name);
	cr_assert_eq(h->tlv_bytes, v->tlv_bytes, "%s: %u", v->name, h->tlv_bytes);
	if (h->tlv_bytes)
		cr_assert_eq(h->tlv_offset + h->tlv_bytes, h->length, "%s", v->name);
	cr_assert_eq(h->unix_offset, h->source.family == ADDR_UNIX ? 16U : 0U, "%s", v->name);
	check_address(v, &h->source, v->source);
	check_address(v, &h->destination, v->destination);
}

static void each_vector(void (*check)(const struct proxy_vector *))
{
	for (size_t i = 0; i < proxy_vectors_v1_count; i++)
		check(&proxy_vectors_v1[i]);
	for (size_t i = 0; i < proxy_vectors_v2_count; i++)
		check(&proxy_vectors_v2[i]);
	for (size_t i = 0; i < proxy_vectors_captured_count; i++)
		check(&proxy_vectors_captured[i]);
}

static void whole(const struct proxy_vector *v)
{
	struct proxy_options options = options_of(v);
	struct proxy_header h;

	check_answer(v, proxy_parse_exact(v->bytes, v->size, &options, &h), &h);
}

Test(proxy_header, vectors_whole)
{
	cr_assert_geq(proxy_vectors_v1_count + proxy_vectors_v2_count, 250);
	each_vector(whole);
}

static void prefixes(const struct proxy_vector *v)
{
	struct proxy_options options = options_of(v);
	struct proxy_header h;

	for (size_t size = 0; size < v->size; size++) {
		enum proxy_result result = proxy_parse_exact(v->bytes, size, &options, &h);

		cr_assert_eq(result, PROXY_INCOMPLETE, "%s: %zu bytes: %d, %s", v->name, size, result,
		             refused_name(h.reason));
		if (v->result == PROXY_ACCEPTED)
			cr_assert_leq(h.need, v->size, "%s: needs %u of %zu", v->name, h.need, v->size);
	}
}

Test(proxy_header, every_prefix_is_incomplete)
{
	each_vector(prefixes);
}

static void with_tails(const struct proxy_vector *v)
{
	struct proxy_options options = options_of(v);
	uint8_t bytes[1024];
	struct proxy_header h;

	cr_assert_leq(v->size, 512, "%s", v->name);
	memcpy(bytes, v->bytes, v->size);
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		memcpy(bytes + v->size, tails[i].bytes, tails[i].size);
		check_answer(v, proxy_parse_exact(bytes, v->size + tails[i].size, &options, &h), &h);
	}
}

Test(proxy_header, what_follows_is_not_looked_at)
{
	each_vector(with_tails);
}

/* As a reader does it: more bytes come in any portions, and it asks again until there is an answer. */
static void in_portions(const struct proxy_vector *v, unsigned *seed, size_t portion_max)
{
	struct proxy_options options = options_of(v);
	uint8_t bytes[1024];
	size_t size = 0, end = v->size + tails[3].size;
	enum proxy_result result = PROXY_INCOMPLETE;
	struct proxy_header h;

	memcpy(bytes, v->bytes, v->size);
	memcpy(bytes + v->size, tails[3].bytes, tails[3].size);
	while (result == PROXY_INCOMPLETE && size < end) {
		size += 1 + (size_t)rand_r(seed) % portion_max;
		if (size > end)
			size = end;
		result = proxy_parse_exact(bytes, size, &options, &h);
	}
	check_answer(v, result, &h);
}

static void random_splits(const struct proxy_vector *v)
{
	unsigned seed = 20260427;

	in_portions(v, &seed, 1);
	for (int i = 0; i < 20; i++)
		in_portions(v, &seed, 40);
}

Test(proxy_header, any_split_gives_the_same_answer)
{
	each_vector(random_splits);
}

/* A reader that waits for as many bytes as it was told to gets to the same answer. */
static void as_needed(const struct proxy_vector *v)
{
	struct proxy_options options = options_of(v);
	uint8_t bytes[1024] = { 0 };
	size_t size = 0;
	struct proxy_header h;
	enum proxy_result result;

	memcpy(bytes, v->bytes, v->size);
	while ((result = proxy_parse_exact(bytes, size, &options, &h)) == PROXY_INCOMPLETE) {
		size = h.need;
		cr_assert_leq(size, 512, "%s", v->name);
	}
	check_answer(v, result, &h);
}

Test(proxy_header, need_leads_to_the_answer)
{
	each_vector(as_needed);
}

Test(proxy_header, every_first_byte)
{
	for (unsigned byte = 0; byte < 256; byte++) {
		struct proxy_options options = { .limit = HEADER_LIMIT_DEFAULT };
		uint8_t first = (uint8_t)byte;
		struct proxy_header h;
		enum proxy_result result = proxy_parse_exact(&first, 1, &options, &h);

		cr_assert_eq(result, byte == 'P' || byte == '\r' ? PROXY_INCOMPLETE : PROXY_REFUSED, "%02x",
		             byte);
		if (result == PROXY_REFUSED)
			cr_assert_eq(h.reason, REFUSED_MISSING_HEADER);
	}
}

Test(proxy_header, family_names)
{
	cr_assert_str_eq(proxy_family_name(PROXY_FAMILY_UNSPEC), "UNSPEC");
	cr_assert_str_eq(proxy_family_name(PROXY_FAMILY_UNIX_DGRAM), "UNIX_DGRAM");
	cr_assert_str_eq(proxy_family_name((enum proxy_family)8), "?");
}
