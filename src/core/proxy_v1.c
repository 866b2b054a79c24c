/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line of PROXY v1, read strictly from left to right: see proxy_v1.h. A byte is either possible where it stands
 * or refuses the line, with a reason that later bytes can't change. Refuses to repair: no second space, no leading
 * zero, no lone LF.
 *
 * Each step answers like the whole: PROXY_ACCEPTED means "go on".
 */
#include "core/proxy_v1.h"

#include "base/limits.h"
#include "core/addr_scan.h"

struct line {
	const uint8_t *bytes;
	size_t size;
	size_t max; /* bytes that the line may have */
	size_t at;
	uint8_t reason; /* enum refused */
};

struct ports {
	uint16_t source;
	uint16_t destination;
};

static enum proxy_result refuse(struct line *l, enum refused reason)
{
	l->reason = (uint8_t)reason;
	return PROXY_REFUSED;
}

static enum proxy_result next_byte(struct line *l, uint8_t *ret)
{
	*ret = 0;
	if (l->at >= l->max)
		return refuse(l, REFUSED_HEADER_TOO_LONG);
	if (l->at >= l->size)
		return PROXY_INCOMPLETE;
	*ret = l->bytes[l->at++];
	return PROXY_ACCEPTED;
}

static enum proxy_result expect(struct line *l, uint8_t wanted, enum refused reason)
{
	uint8_t byte;
	enum proxy_result r = next_byte(l, &byte);

	if (r != PROXY_ACCEPTED)
		return r;
	return byte == wanted ? PROXY_ACCEPTED : refuse(l, reason);
}

/*
 * @byte can't be inside a word, address or number. A space behind a part of one says that it is too short, which is
 * the fault of what stands there (@reason); any other white space is a fault of the spacing.
 */
static enum proxy_result refuse_byte(struct line *l, uint8_t byte, bool part_before, enum refused reason)
{
	bool spacing = byte == '\t' || byte == '\r' || byte == '\n' || (byte == ' ' && !part_before);

	return refuse(l, spacing ? REFUSED_MALFORMED_SYNTAX : reason);
}

static enum proxy_result scan_word(struct line *l, const char *word)
{
	for (const char *w = word; *w; w++) {
		uint8_t byte;
		enum proxy_result r = next_byte(l, &byte);

		if (r != PROXY_ACCEPTED)
			return r;
		if (byte != (uint8_t)*w)
			return refuse_byte(l, byte, true, REFUSED_MALFORMED_FAMILY);
	}
	return PROXY_ACCEPTED;
}

static enum proxy_result scan_start(struct line *l)
{
	for (const char *w = "PROXY"; *w; w++) {
		enum proxy_result r = expect(l, (uint8_t)*w, REFUSED_MALFORMED_SIGNATURE);

		if (r != PROXY_ACCEPTED)
			return r;
	}
	return expect(l, ' ', REFUSED_MALFORMED_SYNTAX);
}

/* "TCP4 ", "TCP6 " or "UNKNOWN". */
static enum proxy_result scan_family(struct line *l, enum proxy_family *ret_family)
{
	uint8_t byte;
	enum proxy_result r = next_byte(l, &byte);

	*ret_family = PROXY_FAMILY_UNKNOWN;
	if (r != PROXY_ACCEPTED)
		return r;
	if (byte == 'U')
		return scan_word(l, "NKNOWN");
	if (byte != 'T')
		return refuse_byte(l, byte, false, REFUSED_MALFORMED_FAMILY);
	r = scan_word(l, "CP");
	if (r == PROXY_ACCEPTED)
		r = next_byte(l, &byte);
	if (r != PROXY_ACCEPTED)
		return r;
	if (byte != '4' && byte != '6')
		return refuse_byte(l, byte, true, REFUSED_MALFORMED_FAMILY);
	*ret_family = byte == '4' ? PROXY_FAMILY_TCP4 : PROXY_FAMILY_TCP6;
	return scan_word(l, " ");
}

static enum proxy_result scan_address(struct line *l, struct addr_scan *s)
{
	for (bool part_before = false;; part_before = true) {
		uint8_t byte;
		enum proxy_result r = next_byte(l, &byte);

		if (r != PROXY_ACCEPTED)
			return r;
		if (byte == ' ' && addr_scan_whole(s))
			return PROXY_ACCEPTED;
		if (!addr_scan_byte(s, byte))
			return refuse_byte(l, byte, part_before, REFUSED_MALFORMED_ADDRESS);
	}
}

static enum proxy_result scan_port(struct line *l, uint8_t end, uint16_t *ret_port)
{
	uint32_t port = 0;

	for (bool digit_before = false;; digit_before = true) {
		uint8_t byte;
		enum proxy_result r = next_byte(l, &byte);

		if (r != PROXY_ACCEPTED)
			return r;
		if (byte == end && digit_before) {
			*ret_port = (uint16_t)port;
			return PROXY_ACCEPTED;
		}
		if (byte < '0' || byte > '9')
			return refuse_byte(l, byte, false, REFUSED_MALFORMED_ADDRESS);
		if (digit_before && port == 0)
			return refuse(l, REFUSED_MALFORMED_ADDRESS); /* a leading zero */
		port = port * 10 + (byte - '0');
		if (port > UINT16_MAX)
			return refuse(l, REFUSED_MALFORMED_ADDRESS);
	}
}

/* A lone CR or LF in what is to be ignored is ignored as well. */
static enum proxy_result scan_unknown(struct line *l)
{
	uint8_t before, byte;
	enum proxy_result r = next_byte(l, &byte);

	if (r != PROXY_ACCEPTED)
		return r;
	if (byte == '\r')
		return expect(l, '\n', REFUSED_MALFORMED_SYNTAX);
	if (byte != ' ')
		return refuse_byte(l, byte, true, REFUSED_MALFORMED_FAMILY);
	do {
		before = byte;
		r = next_byte(l, &byte);
	} while (r == PROXY_ACCEPTED && !(before == '\r' && byte == '\n'));
	return r;
}

static enum proxy_result scan_addresses(struct line *l, struct addr_scan *source,
                                        struct addr_scan *destination, struct ports *ret_ports)
{
	enum proxy_result r = scan_address(l, source);

	if (r == PROXY_ACCEPTED)
		r = scan_address(l, destination);
	if (r == PROXY_ACCEPTED)
		r = scan_port(l, ' ', &ret_ports->source);
	if (r == PROXY_ACCEPTED)
		r = scan_port(l, '\r', &ret_ports->destination);
	if (r == PROXY_ACCEPTED)
		r = expect(l, '\n', REFUSED_MALFORMED_SYNTAX);
	return r;
}

static struct addr take_address(const struct addr_scan *s, uint16_t port)
{
	uint8_t ip[16];

	if (s->ip6) {
		addr_scan_take_ip6(s, ip);
		return addr_from_ip6(ip, port);
	}
	addr_scan_take_ip4(s, ip);
	return addr_from_ip4(ip, port);
}

static enum proxy_result scan_line(struct line *l, bool dotted_tail, struct proxy_header *ret)
{
	struct addr_scan source, destination;
	struct ports ports = { 0 };
	enum proxy_family family;
	enum proxy_result r = scan_start(l);

	if (r != PROXY_ACCEPTED)
		return r;
	ret->version = 1;
	r = scan_family(l, &family);
	if (r != PROXY_ACCEPTED)
		return r;
	source = family == PROXY_FAMILY_TCP6 ? addr_scan_ip6(dotted_tail) : addr_scan_ip4();
	destination = source;
	if (family == PROXY_FAMILY_UNKNOWN)
		r = scan_unknown(l);
	else
		r = scan_addresses(l, &source, &destination, &ports);
	if (r != PROXY_ACCEPTED)
		return r;
	ret->command = PROXY_COMMAND_PROXY;
	ret->family = (uint8_t)family;
	ret->length = (uint32_t)l->at;
	if (family != PROXY_FAMILY_UNKNOWN) {
		ret->source = take_address(&source, ports.source);
		ret->destination = take_address(&destination, ports.destination);
	}
	return PROXY_ACCEPTED;
}

enum proxy_result proxy_v1_parse(const uint8_t *bytes, size_t size, const struct proxy_options *options,
                                 struct proxy_header *ret)
{
	struct line line = { .bytes = bytes, .size = size, .max = HEADER_V1_BYTES_MAX };
	enum proxy_result r;

	if (options->limit < line.max)
		line.max = options->limit;
	r = scan_line(&line, options->dotted_tail, ret);
	if (r == PROXY_REFUSED)
		ret->reason = line.reason;
	if (r == PROXY_INCOMPLETE)
		ret->need = (uint32_t)size + 1;
	return r;
}
