/* SPDX-License-Identifier: Apache-2.0 */
/* Answers for people: see decode_text.h. Refuses to print a foreign byte that a terminal could obey. */
#include "cli/decode_text.h"

#include <inttypes.h>

#include "base/limits.h"
#include "core/proxy_tlv.h"
#include "core/proxy_v2.h"
#include "core/proxy_vendor.h"

enum { SHOWN_BYTES_MAX = 64 };

/* By enum refused: what it means and what to do. The parser gives no other reasons. */
static const char *meaning_of(uint8_t reason)
{
	switch (reason) {
	case REFUSED_MISSING_HEADER:
		return "The first byte begins no PROXY header ('P' or 0x0d): the sender speaks TLS, HTTP or something\n"
		       "else at once. Switch the PROXY protocol on where it sends, or off on this listener.";
	case REFUSED_MALFORMED_SIGNATURE:
		return "It begins like a PROXY header and goes on differently. The sender speaks another protocol.";
	case REFUSED_MALFORMED_VERSION:
		return "The upper half of byte 13 must be 2: no other version exists.";
	case REFUSED_MALFORMED_COMMAND:
		return "The lower half of byte 13 must be 0 (LOCAL) or 1 (PROXY).";
	case REFUSED_MALFORMED_FAMILY:
		return "Version 1: the word must be TCP4, TCP6 or UNKNOWN. Version 2: the upper half of byte 14 must be\n"
		       "0 to 3, the lower half 0 to 2.";
	case REFUSED_MALFORMED_LENGTH:
		return "The stated length is too small for the two addresses of the stated family.";
	case REFUSED_MALFORMED_ADDRESS:
		return "An address or port is not written as the specification wants it: four decimal numbers of 0 to\n"
		       "255, or groups of up to four hex digits, and ports of 0 to 65535, without leading zeros.";
	case REFUSED_MALFORMED_SYNTAX:
		return "Exactly one space separates the parts of a version 1 line, and CR LF ends it.";
	case REFUSED_MALFORMED_TLV:
		return "The part behind the addresses is not a sequence of whole TLVs. The sender computes a length wrongly.";
	case REFUSED_MALFORMED_CHECKSUM:
		return "The CRC32C TLV does not fit the header: something changed it on the way, or the sender computes\n"
		       "it differently (it covers the whole header, and its most significant byte comes first).";
	case REFUSED_HEADER_TOO_LONG:
		return "Version 1: no CR LF within 107 bytes. Version 2: longer than the limit (header-limit of the\n"
		       "listener, --limit here).";
	default:
		return "";
	}
}

static void print_bytes(FILE *out, const uint8_t *bytes, size_t size)
{
	(void)fputc('"', out);
	for (size_t i = 0; i < size && i < SHOWN_BYTES_MAX; i++) {
		if (bytes[i] >= ' ' && bytes[i] <= '~' && bytes[i] != '"' && bytes[i] != '\\')
			(void)fputc(bytes[i], out);
		else
			(void)fprintf(out, "\\x%02x", bytes[i]);
	}
	(void)fputs(size > SHOWN_BYTES_MAX ? "\"…" : "\"", out);
}

static void print_vendor(FILE *out, const struct proxy_tlv *tlv, enum handoff_vendor vendor)
{
	struct proxy_vendor_value v;

	if (!proxy_vendor_decode(vendor, tlv, &v))
		return;
	(void)fprintf(out, "      %s %s: ", proxy_vendor_name(vendor), v.name);
	if (v.is_number)
		(void)fprintf(out, "%" PRIu64, v.number);
	else
		print_bytes(out, v.text, v.text_bytes);
	(void)fputc('\n', out);
}

static void print_tlv(FILE *out, const struct proxy_tlv *tlv, bool inner)
{
	const char *name = proxy_tlv_name(tlv->type, inner);

	(void)fprintf(out, "%s  TLV 0x%02x %s, %u bytes: ", inner ? "    " : "", tlv->type,
	              name ? name : "(not in the specification)", tlv->size);
	print_bytes(out, tlv->value, tlv->size);
	(void)fputc('\n', out);
}

static void print_ssl(FILE *out, const struct proxy_tlv *tlv)
{
	struct proxy_tlv_ssl ssl;
	struct proxy_tlv inner;
	bool certificate;

	if (!proxy_tlv_ssl(tlv, &ssl))
		return;
	certificate = (ssl.client & 6) != 0;
	(void)fprintf(out, "      TLS: %s; client certificate: %s\n", ssl.client & 1 ? "yes" : "no",
	              !certificate      ? "none"
	              : ssl.verify == 0 ? "verified"
	                                : "not verified");
	while (proxy_tlv_next(&ssl.inner, &inner))
		print_tlv(out, &inner, true);
}

static void print_tlvs(FILE *out, const uint8_t *area, size_t size, enum handoff_vendor vendor)
{
	struct cursor c = cursor_over(area, size);
	struct proxy_tlv tlv;

	while (proxy_tlv_next(&c, &tlv)) {
		print_tlv(out, &tlv, false);
		if (tlv.type == PROXY_TLV_SSL)
			print_ssl(out, &tlv);
		print_vendor(out, &tlv, vendor);
	}
}

static void print_address(FILE *out, const char *label, const struct addr *a, const uint8_t *unix_address)
{
	char text[ADDR_TEXT_BYTES];

	(void)fprintf(out, "  %s ", label);
	if (a->family == ADDR_UNIX && unix_address[0] == '\0')
		(void)fputs("abstract or empty", out);
	else if (a->family == ADDR_UNIX)
		print_bytes(out, unix_address, decode_unix_path_bytes(unix_address));
	else
		(void)fputs(a->family == ADDR_NONE ? "none: the connection's own" : addr_port_text(a, text),
		            out);
	(void)fputc('\n', out);
}

static void print_accepted(FILE *out, const uint8_t *bytes, size_t size, const struct proxy_header *h,
                           enum handoff_vendor vendor)
{
	bool local = h->command == PROXY_COMMAND_LOCAL;
	const uint8_t *unix_source = bytes + h->unix_offset;

	(void)fprintf(out, "accepted: version %u, %u bytes of %zu%s\n", h->version, h->length, size,
	              h->checked ? ", checksum right" : "");
	(void)fprintf(out, "  command %s\n", local ? "LOCAL: the sender speaks for itself" : "PROXY");
	if (!local)
		(void)fprintf(out, "  family %s\n", proxy_family_name(h->family));
	print_address(out, "source", &h->source, unix_source);
	print_address(out, "destination", &h->destination,
	              unix_source + (h->unix_offset ? PROXY_V2_UNIX_BYTES : 0));
	print_tlvs(out, bytes + h->tlv_offset, h->tlv_bytes, vendor);
	if (size > h->length)
		(void)fprintf(out, "  %zu bytes follow: the application's\n", size - h->length);
}

/* How many bytes it takes to be refused: the last of them is the impossible one. */
static size_t bytes_to_refusal(const uint8_t *bytes, size_t size, const struct proxy_options *options)
{
	struct proxy_header h;
	size_t n = 1;

	while (n < size && proxy_header_parse(bytes, n, options, &h) != PROXY_REFUSED)
		n++;
	return n;
}

static void print_refused(FILE *out, const uint8_t *bytes, size_t size, const struct proxy_header *h,
                          const struct proxy_options *options)
{
	size_t at = bytes_to_refusal(bytes, size, options);

	(void)fprintf(out, "refused: %s", refused_name(h->reason));
	if (h->reason == REFUSED_MALFORMED_TLV) {
		size_t offset = HEADER_V2_BYTES_MIN + proxy_v2_block_bytes(bytes[13]);
		struct proxy_tlv_summary summary;
		const char *why = proxy_tlv_check(bytes + offset, at - offset, &summary);

		(void)fprintf(out, " at byte %zu: %s", offset + summary.fault_at + 1, why ? why : "");
	} else if (h->reason != REFUSED_MALFORMED_CHECKSUM) {
		(void)fprintf(out, " at byte %zu: ", at);
		print_bytes(out, bytes + at - 1, 1);
		if (at > 1) {
			size_t shown = at - 1 < SHOWN_BYTES_MAX ? at - 1 : SHOWN_BYTES_MAX;

			(void)fputs(" behind ", out);
			print_bytes(out, bytes + at - 1 - shown, shown);
		}
	}
	(void)fprintf(out, "\n%s\n", meaning_of(h->reason));
}

enum proxy_result decode_text(FILE *out, const uint8_t *bytes, size_t size,
                              const struct decode_options *options)
{
	struct proxy_header h;
	enum proxy_result result = proxy_header_parse(bytes, size, &options->parser, &h);

	switch (result) {
	case PROXY_ACCEPTED:
		print_accepted(out, bytes, size, &h, options->vendor);
		break;
	case PROXY_REFUSED:
		print_refused(out, bytes, size, &h, &options->parser);
		break;
	case PROXY_INCOMPLETE:
		(void)fprintf(out,
		              "incomplete: %zu bytes are right so far; an answer takes %u or more\n"
		              "A listener waits for the rest until its header-deadline.\n",
		              size, h.need);
		break;
	}
	return result;
}
