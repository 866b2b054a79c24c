/* SPDX-License-Identifier: Apache-2.0 */
/* `usherctl decode`: arguments and reading. See decode.h. Refuses to know what a header looks like. */
#include "cli/decode.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "cli/decode_input.h"
#include "cli/decode_json.h"
#include "cli/decode_text.h"
#include "core/proxy_vendor.h"
#include "sys/error_text.h"

enum { EXIT_ACCEPTED = 0, EXIT_NOT_ACCEPTED = 1, EXIT_TROUBLE = 2, READ_BYTES = 65536, WHY_BYTES = 64 };

static const char usage[] =
	"usage: usherctl decode [--hex | --lines] [--json] [--limit BYTES] [--no-dotted-tail] [--vendor VENDOR]\n"
	"Explains the PROXY header that standard input begins with.\n"
	"  --hex             the input is hex text\n"
	"  --lines           each line is hex text, and is answered by one line of JSON\n"
	"  --json            the answer is one JSON object\n"
	"  --limit BYTES     most bytes a header may have, 1 to 65551 (default 4096)\n"
	"  --no-dotted-tail  refuse IPv6 with a dotted IPv4 tail in version 1\n"
	"  --vendor VENDOR   decode the TLVs of aws, azure, gcp or alibaba\n"
	"Exit code: 0 accepted, 1 refused or incomplete, 2 not decoded; with --lines 0.\n";

struct arguments {
	bool hex;
	bool lines;
	bool json;
	bool help;
	struct decode_options options;
};

static bool parse_limit(const char *text, uint32_t *ret)
{
	uint32_t limit = 0;

	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9' || limit > HEADER_BYTES_MAX)
			return false;
		limit = limit * 10 + (uint32_t)(*p - '0');
	}
	*ret = limit;
	return limit >= 1 && limit <= HEADER_BYTES_MAX;
}

static bool parse_vendor(const char *text, enum handoff_vendor *ret)
{
	for (int v = HANDOFF_VENDOR_NONE; v <= HANDOFF_VENDOR_ALIBABA; v++) {
		*ret = (enum handoff_vendor)v;
		if (strcmp(text, proxy_vendor_name(*ret)) == 0)
			return true;
	}
	return false;
}

static bool take_option(int option, const char *value, struct arguments *a)
{
	switch (option) {
	case 'x':
		a->hex = true;
		return true;
	case 'n':
		a->lines = true;
		return true;
	case 'j':
		a->json = true;
		return true;
	case 'h':
		a->help = true;
		return true;
	case 't':
		a->options.parser.dotted_tail = false;
		return true;
	case 'l':
		if (parse_limit(value, &a->options.parser.limit))
			return true;
		(void)fprintf(stderr, "usherctl decode: --limit %s: must be 1 to %d\n", value,
		              HEADER_BYTES_MAX);
		return false;
	case 'v':
		if (parse_vendor(value, &a->options.vendor))
			return true;
		(void)fprintf(stderr,
		              "usherctl decode: --vendor %s: must be none, aws, azure, gcp or alibaba\n",
		              value);
		return false;
	default:
		(void)fputs(usage, stderr);
		return false;
	}
}

static bool parse_arguments(int argc, char **argv, struct arguments *ret)
{
	static const struct option options[] = {
		{ "hex", no_argument, NULL, 'x' },
		{ "lines", no_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "limit", required_argument, NULL, 'l' },
		{ "no-dotted-tail", no_argument, NULL, 't' },
		{ "vendor", required_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	*ret = (struct arguments){
		.options.parser = { .limit = HEADER_LIMIT_DEFAULT, .dotted_tail = true },
	};
	optind = 0; /* whoever called us has parsed arguments too */
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take_option(option, optarg, ret))
			return false;
	if (optind == argc)
		return true;
	(void)fprintf(stderr, "usherctl decode: %s: it reads standard input and takes no names\n%s",
	              argv[optind], usage);
	return false;
}

/* Reads again when interrupted. Returns the bytes read, 0 at the end, or a negative errno. */
static ssize_t read_some(uint8_t *buffer)
{
	ssize_t n;

	do {
		n = read(STDIN_FILENO, buffer, READ_BYTES);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int dump(json_t *object)
{
	int r = object ? json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) : -1;

	json_decref(object);
	if (r < 0 || fputc('\n', stdout) == EOF)
		return -EIO;
	return 0;
}

static int answer_line(struct decode_input *input, const struct decode_options *options)
{
	char why[WHY_BYTES];
	json_t *object;

	if (decode_input_finish(input, why, sizeof(why)))
		object = decode_json(input->bytes, input->size, options);
	else
		object = json_pack("{s:s}", "error", why);
	decode_input_reset(input);
	return dump(object);
}

/* Answers are flushed before each wait for input, so that a program can hold a conversation. */
static int answer_lines(struct decode_input *input, uint8_t *buffer, const struct decode_options *options)
{
	bool line_begun = false;
	ssize_t n;
	int r = 0;

	while ((n = read_some(buffer)) > 0) {
		for (ssize_t i = 0; i < n && r == 0; i++) {
			line_begun = buffer[i] != '\n';
			if (line_begun)
				decode_input_hex(input, buffer[i]);
			else
				r = answer_line(input, options);
		}
		if (r < 0 || fflush(stdout) == EOF)
			return -EIO;
	}
	return n == 0 && line_begun ? answer_line(input, options) : (int)n;
}

static int read_all(struct decode_input *input, uint8_t *buffer, bool hex)
{
	ssize_t n;

	while ((n = read_some(buffer)) > 0) {
		if (!hex)
			decode_input_raw(input, buffer, (size_t)n);
		for (ssize_t i = 0; hex && i < n; i++)
			decode_input_hex(input, buffer[i]);
	}
	return (int)n;
}

static int answer_one(struct decode_input *input, const struct arguments *a)
{
	struct proxy_header h;
	char why[WHY_BYTES];
	enum proxy_result result;

	if (!decode_input_finish(input, why, sizeof(why))) {
		(void)fprintf(stderr, "usherctl decode: standard input: %s\n", why);
		return EXIT_TROUBLE;
	}
	if (a->json) {
		result = proxy_header_parse(input->bytes, input->size, &a->options.parser, &h);
		if (dump(decode_json(input->bytes, input->size, &a->options)) < 0)
			return EXIT_TROUBLE;
	} else {
		result = decode_text(stdout, input->bytes, input->size, &a->options);
	}
	return result == PROXY_ACCEPTED ? EXIT_ACCEPTED : EXIT_NOT_ACCEPTED;
}

static int decode(const struct arguments *a, struct decode_input *input, uint8_t *buffer)
{
	int code = EXIT_ACCEPTED;
	int r = a->lines ? answer_lines(input, buffer, &a->options) : read_all(input, buffer, a->hex);

	if (r == 0 && !a->lines)
		code = answer_one(input, a);
	if (r == 0 && fflush(stdout) == EOF)
		r = -errno;
	if (r < 0) {
		(void)fprintf(stderr, "usherctl decode: input or output failed: %s\n", error_text(-r));
		return EXIT_TROUBLE;
	}
	return code;
}

int decode_main(int argc, char **argv)
{
	struct decode_input *input;
	struct arguments a;
	uint8_t *buffer;
	int code = EXIT_TROUBLE;

	if (!parse_arguments(argc, argv, &a))
		return EXIT_TROUBLE;
	if (a.help)
		return fputs(usage, stdout) == EOF ? EXIT_TROUBLE : EXIT_ACCEPTED;
	input = calloc(1, sizeof(*input));
	buffer = malloc(READ_BYTES);
	if (input && buffer)
		code = decode(&a, input, buffer);
	else
		(void)fputs("usherctl decode: out of memory\n", stderr);
	free(buffer);
	free(input);
	return code;
}
