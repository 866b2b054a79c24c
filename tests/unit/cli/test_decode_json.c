/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode_json.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/proxy_vectors.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define ADDRESSES "\xc0\0\2\1\xc6\x33\x64\2\xdc\4\1\xbb"

static json_t *answer(const char *bytes, size_t size, enum handoff_vendor vendor)
{
	struct decode_options options = { .parser = { .limit = 4096, .dotted_tail = true },
		                          .vendor = vendor };
	json_t *o = decode_json((const uint8_t *)bytes, size, &options);

	cr_assert_not_null(o);
	return o;
}

/* The whole object, as text, is what is wanted: no more and no fewer members. */
static void same(const char *bytes, size_t size, enum handoff_vendor vendor, const char *wanted)
{
	json_error_t error;
	json_t *o = answer(bytes, size, vendor), *w = json_loads(wanted, 0, &error);
	char *text = json_dumps(o, JSON_COMPACT);

	cr_assert_not_null(w, "%s", error.text);
	cr_assert(json_equal(o, w), "%s", text);
	free(text);
	json_decref(o);
	json_decref(w);
}

#define SAME(b, vendor, wanted) same(b, sizeof(b) - 1, HANDOFF_VENDOR_##vendor, wanted)
#define NOTHING                                                                                        \
	"'command':null,'family':null,'src':null,'sport':null,'dst':null,'dport':null,'src_hex':null," \
	"'dst_hex':null,'tlvs':[],'consumed':0}"

/* The tests are easier to read with single quotes. */
static void same_quoted(const char *bytes, size_t size, enum handoff_vendor vendor, const char *wanted)
{
	char *text = strdup(wanted);

	cr_assert_not_null(text);
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	same(bytes, size, vendor, text);
	free(text);
}

#define QUOTED(b, vendor, wanted) same_quoted(b, sizeof(b) - 1, HANDOFF_VENDOR_##vendor, wanted)

Test(decode_json, not_accepted)
{
	QUOTED("", NONE, "{'result':'incomplete','reason':null,'version':null," NOTHING);
	QUOTED("PROXY TC", NONE, "{'result':'incomplete','reason':null,'version':1," NOTHING);
	QUOTED("GET", NONE, "{'result':'reject','reason':'missing_header','version':null," NOTHING);
	QUOTED("PROXY TCP4 256", NONE,
	       "{'result':'reject','reason':'malformed_address','version':1," NOTHING);
	QUOTED(SIG "\x21\x41", NONE, "{'result':'reject','reason':'malformed_family','version':2," NOTHING);
}

Test(decode_json, tcp4)
{
	QUOTED("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nGET", NONE,
	       "{'result':'accept','reason':null,'version':1,'command':'PROXY','family':'TCP4','src':'192.0.2.1',"
	       "'sport':56324,'dst':'198.51.100.2','dport':443,'src_hex':'c0000201','dst_hex':'c6336402',"
	       "'tlvs':[],'consumed':45}");
	QUOTED(SIG "\x21\x12\0\x14" ADDRESSES "\2\0\2h\xff\4\0\0"
	           "tail",
	       NONE,
	       "{'result':'accept','reason':null,'version':2,'command':'PROXY','family':'UDP4','src':'192.0.2.1',"
	       "'sport':56324,'dst':'198.51.100.2','dport':443,'src_hex':'c0000201','dst_hex':'c6336402',"
	       "'tlvs':[{'type':2,'value_hex':'68ff'},{'type':4,'value_hex':''}],'consumed':36}");
}

Test(decode_json, mapped_is_shown_as_ip4_and_its_bytes_stay)
{
	QUOTED("PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 0 65535\r\n", NONE,
	       "{'result':'accept','reason':null,'version':1,'command':'PROXY','family':'TCP6','src':'192.0.2.1',"
	       "'sport':0,'dst':'2001:db8::2','dport':65535,'src_hex':'00000000000000000000ffffc0000201',"
	       "'dst_hex':'20010db8000000000000000000000002','tlvs':[],'consumed':49}");
	QUOTED(SIG
	       "\x21\x21\0\x24\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\0\0\xff\xff",
	       NONE,
	       "{'result':'accept','reason':null,'version':2,'command':'PROXY','family':'TCP6','src':'192.0.2.1',"
	       "'sport':0,'dst':'2001:db8::2','dport':65535,'src_hex':'00000000000000000000ffffc0000201',"
	       "'dst_hex':'20010db8000000000000000000000002','tlvs':[],'consumed':52}");
}

Test(decode_json, no_addresses)
{
	QUOTED(SIG "\x20\x11\0\x0c" ADDRESSES, NONE,
	       "{'result':'accept','reason':null,'version':2,'command':'LOCAL','family':null,'src':null,'sport':null,"
	       "'dst':null,'dport':null,'src_hex':null,'dst_hex':null,'tlvs':[],'consumed':28}");
	QUOTED("PROXY UNKNOWN\r\n", NONE,
	       "{'result':'accept','reason':null,'version':1,'command':'PROXY','family':'UNKNOWN','src':null,"
	       "'sport':null,'dst':null,'dport':null,'src_hex':null,'dst_hex':null,'tlvs':[],'consumed':15}");
	QUOTED(SIG "\x21\x10\0\x0f" ADDRESSES "\4\0\0", NONE,
	       "{'result':'accept','reason':null,'version':2,'command':'PROXY','family':'UNSPEC','src':null,"
	       "'sport':null,'dst':null,'dport':null,'src_hex':null,'dst_hex':null,"
	       "'tlvs':[{'type':4,'value_hex':''}],'consumed':31}");
}

Test(decode_json, ssl)
{
	json_t *o, *ssl,
		*wanted = json_pack("{s:i, s:I, s:[{s:i, s:s}, {s:i, s:s}]}", "client", 5, "verify",
	                            (json_int_t)UINT32_MAX, "sub", "type", 0x21, "value_hex", "5431", "type",
	                            0x22, "value_hex", "");

	o = answer(SIG "\x21\x11\0\x1c" ADDRESSES "\x20\0\x0d\5\xff\xff\xff\xff\x21\0\2T1\x22\0\0", 44,
	           HANDOFF_VENDOR_NONE);
	ssl = json_object_get(json_array_get(json_object_get(o, "tlvs"), 0), "ssl");
	cr_assert(json_equal(ssl, wanted), "%s", json_dumps(o, 0));
	json_decref(o);
	json_decref(wanted);
}

static const char *unix_text(const char *source, size_t size)
{
	static char kept[512];
	char bytes[16 + 216] = SIG "\x21\x31\0\xd8";
	const char *text;
	json_t *o;

	memcpy(bytes + 16, source, size);
	o = answer(bytes, sizeof(bytes), HANDOFF_VENDOR_NONE);
	cr_assert_eq(json_string_length(json_object_get(o, "src_hex")), 216);
	cr_assert(json_is_null(json_object_get(o, "sport")));
	text = json_string_value(json_object_get(o, "src"));
	(void)snprintf(kept, sizeof(kept), "%s", text ? text : "null");
	json_decref(o);
	return kept;
}

Test(decode_json, unix_paths)
{
	char full[108];

	memset(full, 'a', sizeof(full));
	cr_assert_str_eq(unix_text("/run/a\0b", 8), "/run/a");
	cr_assert_str_eq(unix_text("\0abstract", 9), "null");
	cr_assert_str_eq(unix_text("", 0), "null");
	cr_assert_eq(strlen(unix_text(full, sizeof(full))), 108);
	cr_assert_str_eq(unix_text("/\xc3\xa4", 3), "/\xc3\xa4");
	cr_assert_str_eq(unix_text("/\xff/b", 4), "/\xef\xbf\xbd/b");
	memset(full, '\xfe', sizeof(full));
	cr_assert_eq(strlen(unix_text(full, sizeof(full))), 3 * 108);
}

static void vendor_is(const char *tlv, size_t size, enum handoff_vendor vendor, const char *wanted)
{
	char bytes[128] = SIG "\x21\x11\0\0" ADDRESSES;
	json_t *o, *value;
	char *text;

	bytes[15] = (char)(12 + size);
	memcpy(bytes + 28, tlv, size);
	o = answer(bytes, 28 + size, vendor);
	value = json_object_get(json_array_get(json_object_get(o, "tlvs"), 0), "vendor");
	text = value ? json_dumps(value, JSON_COMPACT) : NULL;
	cr_assert_str_eq(text ? text : "none", wanted);
	free(text);
	json_decref(o);
}

Test(decode_json, vendors)
{
	vendor_is("\xea\0\7\1vpce-1", 10, HANDOFF_VENDOR_AWS, "{\"vpc_endpoint_id\":\"vpce-1\"}");
	vendor_is("\xea\0\7\1vpce-1", 10, HANDOFF_VENDOR_NONE, "none");
	vendor_is("\xea\0\7\2vpce-1", 10, HANDOFF_VENDOR_AWS, "none");
	vendor_is("\xee\0\5\1\1\0\0\x80", 8, HANDOFF_VENDOR_AZURE, "{\"link_id\":2147483649}");
	vendor_is("\xe0\0\x08\0\x22\x6b\xcf\x0a\0\0\2", 11, HANDOFF_VENDOR_GCP,
	          "{\"psc_connection_id\":\"9688686178336770\"}");
	vendor_is("\xe1\0\3\2ep", 6, HANDOFF_VENDOR_ALIBABA, "{\"endpoint_id\":\"ep\"}");
}

/* Each vector can be said in JSON, and says what the parser said. */
Test(decode_json, all_vectors)
{
	for (size_t i = 0; i < proxy_vectors_v2_count; i++) {
		const struct proxy_vector *v = &proxy_vectors_v2[i];
		json_t *o = answer(v->bytes, v->size, HANDOFF_VENDOR_AWS);
		const char *result = json_string_value(json_object_get(o, "result"));

		if (v->result == PROXY_ACCEPTED) {
			cr_assert_str_eq(result, "accept", "%s", v->name);
			cr_assert_eq(json_integer_value(json_object_get(o, "consumed")), (json_int_t)v->size,
			             "%s", v->name);
			cr_assert_eq(json_array_size(json_object_get(o, "tlvs")) > 0, v->tlv_bytes > 0, "%s",
			             v->name);
		}
		cr_assert_eq(json_object_size(o), 13, "%s", v->name);
		json_decref(o);
	}
}
