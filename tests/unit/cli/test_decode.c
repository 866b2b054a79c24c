/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char output[1 << 20];
static char errors[4096];

static void read_back(FILE *f, char *to, size_t room)
{
	size_t n;

	rewind(f);
	n = fread(to, 1, room - 1, f);
	to[n] = '\0';
	(void)fclose(f);
}

/* Each test is a process of its own, so that it may keep the descriptors. */
static int run(const char *input, size_t size, ...)
{
	FILE *in = tmpfile(), *out = tmpfile(), *err = tmpfile();
	char *argv[8] = { (char *)"decode" };
	int argc = 1, code;
	va_list more;

	va_start(more, size);
	while ((argv[argc] = va_arg(more, char *)) != NULL)
		argc++;
	va_end(more);
	cr_assert(in && out && err);
	cr_assert_eq(fwrite(input, 1, size, in), size);
	rewind(in);
	cr_assert_geq(dup2(fileno(in), STDIN_FILENO), 0);
	fflush(stdout);
	fflush(stderr);
	cr_assert_geq(dup2(fileno(out), STDOUT_FILENO), 0);
	cr_assert_geq(dup2(fileno(err), STDERR_FILENO), 0);
	code = decode_main(argc, argv);
	fflush(stdout);
	fflush(stderr);
	read_back(out, output, sizeof(output));
	read_back(err, errors, sizeof(errors));
	(void)fclose(in);
	return code;
}

#define LINE "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"
#define RUN(bytes, ...) run(bytes, sizeof(bytes) - 1, __VA_ARGS__, NULL)

Test(decode, raw)
{
	cr_assert_eq(RUN(LINE "GET /", "--json"), 0);
	cr_assert(strstr(output, "\"result\":\"accept\""), "%s", output);
	cr_assert(strstr(output, "\"consumed\":45}\n"), "%s", output);
	cr_assert_eq(RUN("PROXY TCP", "--json"), 1);
	cr_assert(strstr(output, "\"incomplete\""));
	cr_assert_eq(RUN("GET /", "--json"), 1);
	cr_assert(strstr(output, "\"missing_header\""));
	cr_assert_eq(RUN("", "--json"), 1);
}

Test(decode, for_people)
{
	cr_assert_eq(RUN(LINE "GET /", "--limit", "107"), 0);
	cr_assert(strstr(output, "192.0.2.1:56324"), "%s", output);
	cr_assert(strstr(output, "5 bytes follow"), "%s", output);
	cr_assert_eq(RUN("PROXY TCP4 192.0.2.256 1", "--limit", "107"), 1);
	cr_assert(strstr(output, "refused: malformed_address at byte 22: \"6\""), "%s", output);
	cr_assert_eq(RUN("PROXY TCP4 1\x1b[2J", "--limit", "107"), 1);
	cr_assert_not(strchr(output, '\x1b'));
	cr_assert_eq(RUN("PROXY", "--limit", "107"), 1);
	cr_assert(strstr(output, "incomplete"), "%s", output);
}

Test(decode, for_people_tlvs)
{
	cr_assert_eq(
		RUN("0d0a0d0a000d0a515549540a 2111 0031 c0000201 c6336402 dc04 01bb"
	            "02000161 20000f 07 00000000 210007 544c5376312e33 ea0009 01767063652d3132 33 040000",
	            "--hex", "--vendor", "aws"),
		0);
	cr_assert(strstr(output, "TLV 0x02 AUTHORITY, 1 bytes: \"a\""), "%s", output);
	cr_assert(strstr(output, "client certificate: verified"), "%s", output);
	cr_assert(strstr(output, "aws vpc_endpoint_id: \"vpce-123\""), "%s", output);
	cr_assert_eq(
		RUN("0d0a0d0a000d0a515549540a 2111 0011 c0000201 c6336402 dc04 01bb 040000 0400", "--hex"),
		1);
	cr_assert(strstr(output, "malformed_tlv at byte 32: one or two stray"), "%s", output);
	cr_assert_eq(RUN("0d0a0d0a000d0a515549540a 2111 0013 c0000201 c6336402 dc04 01bb 030004 00000000",
	                 "--hex"),
	             1);
	cr_assert(strstr(output, "refused: malformed_checksum\n"), "%s", output);
}

Test(decode, hex)
{
	cr_assert_eq(RUN("50 52 4f58\n5920\t554e4b4E4f574E\r\n0d0a", "--hex", "--json"), 0);
	cr_assert(strstr(output, "\"UNKNOWN\""));
	cr_assert_eq(RUN("505", "--hex", "--json"), 2);
	cr_assert(strstr(errors, "odd"), "%s", errors);
	cr_assert_eq(RUN("0x50", "--hex"), 2);
	cr_assert(strstr(errors, "character 2 is 0x78"), "%s", errors);
	cr_assert_eq(output[0], '\0');
}

Test(decode, options)
{
	cr_assert_eq(RUN("PROXY TCP6 ::ffff:1.2.3.4 ::1 1 2\r\n", "--json"), 0);
	cr_assert_eq(RUN("PROXY TCP6 ::ffff:1.2.3.4 ::1 1 2\r\n", "--json", "--no-dotted-tail"), 1);
	cr_assert(strstr(output, "malformed_address"));
	cr_assert_eq(RUN(LINE, "--json", "--limit", "44"), 1);
	cr_assert(strstr(output, "header_too_long"));
	cr_assert_eq(RUN(LINE, "--limit", "0"), 2);
	cr_assert(strstr(errors, "--limit 0"));
	cr_assert_eq(RUN(LINE, "--limit", "65552"), 2);
	cr_assert_eq(RUN(LINE, "--limit", "99999999999999999999"), 2);
	cr_assert_eq(RUN(LINE, "--limit", "-1"), 2);
	cr_assert_eq(RUN(LINE, "--limit", ""), 2);
	cr_assert_eq(RUN(LINE, "--limit", "65551"), 0);
	cr_assert_eq(RUN(LINE, "--vendor", "oracle"), 2);
	cr_assert_eq(RUN(LINE, "--nonsense"), 2);
	cr_assert_eq(RUN(LINE, "file"), 2);
	cr_assert_eq(RUN(LINE, "--help"), 0);
	cr_assert(strstr(output, "usage:"));
}

static unsigned count_lines(void)
{
	unsigned n = 0;

	for (const char *p = output; *p; p++)
		n += *p == '\n';
	return n;
}

Test(decode, lines)
{
	cr_assert_eq(RUN("50524f585920554e4b4e4f574e0d0a\r\n\n4745\nxyz\n505\n\r\n50", "--lines", "--json"),
	             0);
	cr_assert_eq(count_lines(), 7, "%s", output);
	cr_assert(
		strstr(output, "{\"error\":\"not hex: character 1 is 0x78\"}\n{\"error\":\"not hex: an odd"),
		"%s", output);
	cr_assert_eq(strncmp(output, "{\"result\":\"accept\"", 18), 0);
	cr_assert_eq(RUN("", "--lines"), 0);
	cr_assert_eq(output[0], '\0');
	cr_assert_eq(RUN("zz\n", "--lines"), 0);
}

/* Longer than the longest header, again and again: memory is fixed, and one line does not leak into the next. */
Test(decode, long_lines)
{
	enum { HEADER = 65551, EXTRA = 1000, LINES = 3 };
	size_t size = LINES * (2 * (HEADER + EXTRA) + 1);
	char *input = malloc(size), *p = input;

	cr_assert_not_null(input);
	for (int i = 0; i < LINES; i++) {
		memset(p, '0', 2 * (HEADER + EXTRA));
		memcpy(p, "0d0a0d0a000d0a515549540a2111ffff", 32);
		memcpy(p + 56, "04fff0", 6);
		p += 2 * (HEADER + EXTRA);
		*p++ = '\n';
	}
	cr_assert_eq(run(input, size, "--lines", "--limit", "65551", NULL), 0);
	cr_assert_eq(count_lines(), LINES);
	cr_assert(strstr(output, "\"consumed\":65551}\n"));
	cr_assert_eq(strncmp(output, "{\"result\":\"accept\"", 18), 0);
	cr_assert_eq(run(input, 2 * (HEADER + EXTRA), "--hex", "--json", "--limit", "65551", NULL), 0);
	free(input);
}
