/* SPDX-License-Identifier: Apache-2.0 */
/* usherd's command line: see options.h. */
#include "master/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#include "master/config_schema.h"
#include "master/config_value.h"
#include "master/suggest.h"

static const char default_file[] = "/etc/usher/usher.conf";

enum {
	FIRST_LONG = 256,
	LISTEN = FIRST_LONG,
	TRUST,
	POOL,
	ADMIN,
	LOCAL_SOURCES,
	WITHOUT,
	TAKE_OVER,
	LOG_LEVEL,
	ROLE
};

static const struct option long_options[] = {
	{ "listen", required_argument, NULL, LISTEN },
	{ "trust", required_argument, NULL, TRUST },
	{ "pool", required_argument, NULL, POOL },
	{ "admin", required_argument, NULL, ADMIN },
	{ "accept-local-sources", no_argument, NULL, LOCAL_SOURCES },
	{ "without", required_argument, NULL, WITHOUT },
	{ "take-over", no_argument, NULL, TAKE_OVER },
	{ "log-level", required_argument, NULL, LOG_LEVEL },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "role", required_argument, NULL, ROLE }, /* internal: keep last, it is never suggested */
	{ NULL, 0, NULL, 0 },
};

static const char help_text[] =
	"Usage: usherd [-c FILE] [-t | -T] [--take-over] [--without FEATURE]... [--log-level LEVEL]\n"
	"       usherd --listen ADDR:PORT... --trust CIDR[,CIDR...] --pool PATH [--admin PATH]\n"
	"              [--accept-local-sources] [-t | -T] [...]\n"
	"\n"
	"Accepts TCP connections, takes the PROXY protocol header off and hands each socket to a worker.\n"
	"\n"
	"  -c FILE                  configuration (default /etc/usher/usher.conf); see usher.conf(5)\n"
	"  -t                       check the configuration and exit; opens no socket\n"
	"  -T                       the same, and print the effective configuration\n"
	"      --take-over          not in this version\n"
	"      --without FEATURE    do without a kernel feature, by the name that usherctl doctor shows\n"
	"      --log-level LEVEL    error, warning, info or debug; wins over the file\n"
	"  -h, --help               show this and exit\n"
	"  -V, --version            show the version and exit\n"
	"\n"
	"Without a file:\n"
	"      --listen ADDR:PORT   listen here, with proxy = require; may be repeated\n"
	"      --trust CIDR,...     load balancers that may speak for clients, or any; may be repeated\n"
	"      --pool PATH          socket on which workers register\n"
	"      --admin PATH         socket on which usherctl asks\n"
	"      --accept-local-sources\n"
	"                           believe headers that state this host itself as the client\n";

__attribute__((format(printf, 2, 3))) static int fail(struct options_error *error, const char *format, ...)
{
	char what[192];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	(void)snprintf(error->text, sizeof(error->text), "usherd: %s; see usherd --help", what);
	return -EINVAL;
}

static int add(const char **list, size_t max, const char *option, const char *text,
               struct options_error *reterr)
{
	size_t count = 0;

	while (list[count])
		count++;
	if (count == max)
		return fail(reterr, "%s is given more than %zu times", option, max);
	list[count] = text;
	return 0;
}

static int once(const char **field, const char *option, const char *text, struct options_error *reterr)
{
	if (*field)
		return fail(reterr, "%s is given twice", option);
	*field = text;
	return 0;
}

static int set_what(struct options *o, enum options_what what, struct options_error *reterr)
{
	if (o->what != OPTIONS_RUN && o->what != what)
		return fail(reterr, "-t and -T exclude each other: -T checks too");
	o->what = what;
	return 0;
}

static int set_log_level(struct options *o, const char *text, struct options_error *reterr)
{
	const struct config_key *key = config_key_find(CONFIG_SCOPE_TOP, "log-level");
	struct config c = { 0 };
	struct config_why why;

	if (config_value_set(key, &c, text, &why) < 0)
		return fail(reterr, "--log-level: %.128s", why.text);
	o->log_level = c.log_level;
	o->log_level_given = true;
	return 0;
}

static int set_role(struct options *o, const char *text, struct options_error *reterr)
{
	if (strcmp(text, "shard") == 0)
		o->role = OPTIONS_ROLE_SHARD;
	else if (strcmp(text, "reclaimer") == 0)
		o->role = OPTIONS_ROLE_RECLAIMER;
	else
		return fail(reterr, "--role is not for people");
	return 0;
}

/* 0 for short options. */
static const struct option *long_option(int value)
{
	for (const struct option *l = long_options; l->name; l++) {
		if (l->val == value)
			return l;
	}
	return NULL;
}

/* What getopt did not take: optopt says which option, and is 0 for a long one that is unknown: @argument. */
static int bad_option(const char *argument, bool lacks_value, struct options_error *reterr)
{
	const struct option *known = optopt ? long_option(optopt) : NULL;
	struct suggest near;
	char name[NAME_BYTES_MAX], suggestion[SUGGEST_TEXT_BYTES];

	if (known && lacks_value)
		return fail(reterr, "--%s needs a value", known->name);
	if (known)
		return fail(reterr, "--%s takes no value", known->name);
	if (lacks_value)
		return fail(reterr, "-%c needs a value", optopt);
	if (optopt > ' ' && optopt < 0x7f)
		return fail(reterr, "unknown option -%c", optopt);
	if (optopt)
		return fail(reterr, "unknown option, byte 0x%02x", (unsigned int)optopt & 0xffU);
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
	near = (struct suggest){ .word = name };
	for (const struct option *l = long_options; l->val != ROLE; l++)
		suggest_offer(&near, l->name);
	return fail(reterr, "unknown option --%s%s", name, suggest_text(&near, suggestion));
}

static int take_option(struct options *o, int option, const char *value, struct options_error *reterr)
{
	switch (option) {
	case 'c':
		return once(&o->file, "-c", value, reterr);
	case 't':
		return set_what(o, OPTIONS_CHECK, reterr);
	case 'T':
		return set_what(o, OPTIONS_PRINT, reterr);
	case LISTEN:
		return add(o->listen, LISTENERS_MAX, "--listen", value, reterr);
	case TRUST:
		return add(o->trust, OPTIONS_TRUST_MAX, "--trust", value, reterr);
	case POOL:
		return once(&o->pool, "--pool", value, reterr);
	case ADMIN:
		return once(&o->admin, "--admin", value, reterr);
	case LOCAL_SOURCES:
		o->accept_local_sources = true;
		return 0;
	case WITHOUT:
		return add(o->without, OPTIONS_WITHOUT_MAX, "--without", value, reterr);
	case TAKE_OVER:
		o->take_over = true;
		return 0;
	case LOG_LEVEL:
		return set_log_level(o, value, reterr);
	default: /* ROLE */
		return set_role(o, value, reterr);
	}
}

/* A file and the options that stand for one do not mix. */
static int check_mix(struct options *o, struct options_error *reterr)
{
	bool arguments = o->listen[0] || o->trust[0] || o->pool || o->accept_local_sources;

	if (o->file && (arguments || o->admin))
		return fail(reterr, "-c and %s exclude each other: write it into the file",
		            o->listen[0]  ? "--listen"
		            : o->trust[0] ? "--trust"
		            : o->pool     ? "--pool"
		            : o->admin    ? "--admin"
		                          : "--accept-local-sources");
	if (!arguments && o->admin)
		return fail(reterr, "--admin goes with --listen: with a file, write admin-socket into it");
	if (!arguments && !o->file)
		o->file = default_file;
	return 0;
}

int options_parse(int argc, char *const *argv, struct options *ret, struct options_error *reterr)
{
	int option;

	memset(ret, 0, sizeof(*ret));
	optind = 0; /* glibc: begin anew, whatever was parsed before */
	opterr = 0;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): the command line is read before anything else */
	while ((option = getopt_long(argc, argv, "+:c:tThV", long_options, NULL)) != -1) {
		if (option == 'h' || option == 'V') {
			ret->what = option == 'h' ? OPTIONS_HELP : OPTIONS_VERSION;
			return 0;
		}
		if (option == '?' || option == ':')
			return bad_option(argv[optind - 1], option == ':', reterr);
		if (take_option(ret, option, optarg, reterr) < 0)
			return -EINVAL;
	}
	if (optind < argc)
		return fail(reterr, "unexpected argument \"%.64s\"", argv[optind]);
	return check_mix(ret, reterr);
}

struct config_arguments options_arguments(const struct options *o)
{
	return (struct config_arguments){ .listen = o->listen,
		                          .trust = o->trust,
		                          .pool = o->pool,
		                          .admin = o->admin,
		                          .accept_local_sources = o->accept_local_sources };
}

void options_print_help(FILE *file)
{
	(void)fputs(help_text, file);
}
