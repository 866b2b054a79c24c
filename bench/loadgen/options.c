/* SPDX-License-Identifier: Apache-2.0 */
/* loadgen's command line: see options.h. */
#include "loadgen/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/meter.h"
#include "common/number.h"

static const char usage[] =
	"usage: loadgen --target ADDRESS:PORT [option…]\n"
	"  --header none|v1|v2|v2tlv  PROXY header (v2)\n"
	"  --stated 4|6               family of the addresses in it (4)\n"
	"  --peers N                  connect from N addresses of 127.0.0.0/8 (256)\n"
	"  --payload N                bytes after the header (1)\n"
	"  --separate                 payload in a segment of its own\n"
	"  --close fin|rst            how to close (fin)\n"
	"  --check-source             the answer must be the stated source, \"ADDRESS:PORT\\n\"\n"
	"  --at-once N                connections open at once (64)\n"
	"  --total M                  connections in all (at-once)\n"
	"  --first I                  number of the first connection (0)\n"
	"  --timeout-ms T             for one connection (5000)\n"
	"  --limit-s S                for the run (60)\n"
	"  --backlog                  open all, print \"ready N\", wait for a line on standard input, take the\n"
	"                             answers, print \"answered N\", wait for a line, close all\n"
	"  --no-answer                with --backlog: nobody will answer, take none\n"
	"  --print-header             only write the header of connection --first to standard output\n"
	"Prints one JSON object. Exit: 0 all served, 1 not all, 2 could not run.\n";

static void exit_with(const char *what)
{
	(void)fprintf(stderr, "loadgen: %s\n%s", what, usage);
	exit(2);
}

const char *options_header_name(enum header_kind kind)
{
	static const char *const names[] = { "none", "v1", "v2", "v2tlv" };

	return names[kind];
}

static enum header_kind header_kind_of(const char *text)
{
	for (int kind = HEADER_NONE; kind <= HEADER_V2TLV; kind++)
		if (strcmp(text, options_header_name((enum header_kind)kind)) == 0)
			return (enum header_kind)kind;
	exit_with("--header is none, v1, v2 or v2tlv");
	return HEADER_NONE;
}

static bool is_second(const char *text, const char *first, const char *second, const char *what)
{
	if (strcmp(text, first) != 0 && strcmp(text, second) != 0)
		exit_with(what);
	return strcmp(text, second) == 0;
}

static void take_flag(struct options *o, int c)
{
	if (c == 's')
		o->payload_separate = true;
	else if (c == 'k')
		o->check_source = true;
	else if (c == 'n')
		o->no_answer = true;
	else if (c == 'b')
		o->mode = RUN_BACKLOG;
	else if (c == 'p')
		o->mode = RUN_PRINT_HEADER;
	else
		exit_with("an option that it does not know, or one without its argument");
}

static void take_option(struct options *o, int c, const char *text)
{
	if (c == 't' && !endpoint_parse(text, &o->target))
		exit_with("--target is 127.x.y.z:PORT or [::1]:PORT; load goes to loopback only");
	else if (c == 'h')
		o->header = header_kind_of(text);
	else if (c == 'f')
		o->plan.stated6 = is_second(text, "4", "6", "--stated is 4 or 6");
	else if (c == 'c')
		o->close_rst = is_second(text, "fin", "rst", "--close is fin or rst");
	else if (c == 'P')
		o->plan.peers = (uint32_t)number_option("peers", text, 1, PLAN_PEERS_MAX);
	else if (c == 'y')
		o->payload_bytes = (uint32_t)number_option("payload", text, 1, PAYLOAD_BYTES_MAX);
	else if (c == 'a')
		o->at_once = (uint32_t)number_option("at-once", text, 1, AT_ONCE_MAX);
	else if (c == 'm')
		o->total = number_option("total", text, 1, TOTAL_MAX);
	else if (c == 'i')
		o->first = number_option("first", text, 0, UINT32_MAX);
	else if (c == 'T')
		o->timeout_ns = number_option("timeout-ms", text, 1, TIMEOUT_MS_MAX) * NS_PER_MS;
	else if (c == 'L')
		o->limit_ns = number_option("limit-s", text, 1, RUN_SECONDS_MAX) * NS_PER_S;
}

static void settle(struct options *o)
{
	if (o->target.size == 0 && o->mode != RUN_PRINT_HEADER)
		exit_with("--target is missing");
	if (o->check_source && o->header == HEADER_NONE)
		exit_with("--check-source needs a header that states one");
	if (o->no_answer && o->mode != RUN_BACKLOG)
		exit_with("--no-answer needs --backlog");
	if (o->total == 0)
		o->total = o->at_once;
	if (o->mode == RUN_BACKLOG && o->total != o->at_once)
		exit_with("--backlog opens all at once: give only --at-once");
	if (o->total < o->at_once)
		o->at_once = (uint32_t)o->total;
	o->plan.target6 = o->target.address.ss_family == AF_INET6;
}

struct options options_parse(int argc, char **argv)
{
	static const struct option known[] = {
		{ "target", required_argument, NULL, 't' },
		{ "header", required_argument, NULL, 'h' },
		{ "stated", required_argument, NULL, 'f' },
		{ "close", required_argument, NULL, 'c' },
		{ "peers", required_argument, NULL, 'P' },
		{ "payload", required_argument, NULL, 'y' },
		{ "at-once", required_argument, NULL, 'a' },
		{ "total", required_argument, NULL, 'm' },
		{ "first", required_argument, NULL, 'i' },
		{ "timeout-ms", required_argument, NULL, 'T' },
		{ "limit-s", required_argument, NULL, 'L' },
		{ "separate", no_argument, NULL, 's' },
		{ "check-source", no_argument, NULL, 'k' },
		{ "no-answer", no_argument, NULL, 'n' },
		{ "backlog", no_argument, NULL, 'b' },
		{ "print-header", no_argument, NULL, 'p' },
		{ 0 },
	};
	struct options o = {
		.header = HEADER_V2,
		.plan.peers = 256,
		.payload_bytes = 1,
		.at_once = 64,
		.timeout_ns = 5ULL * NS_PER_S,
		.limit_ns = 60ULL * NS_PER_S,
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (optarg)
			take_option(&o, c, optarg);
		else
			take_flag(&o, c);
	}
	if (optind != argc)
		exit_with("a word that is no option");
	settle(&o);
	return o;
}
