/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file parser: see config_parse.h. libconfuse finds sections, keys and values; each value goes to the draft from
 * its callback, while the line is known, and libconfuse itself keeps none. Refuses includes and functions.
 */
#include "master/config_parse.h"

#include <confuse.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "master/suggest.h"

/*
 * An option that no file can name (the text has no control characters outside strings, and none within), whose
 * default is parsed whenever a section is created: this tells us that it begins, and where.
 */
static const char begin_name[] = "\001begin";
static char begin_default[] = "-";

/* For the time of one config_parse(): libconfuse's callbacks carry no pointer of ours. */
static struct config_draft *draft;
static unsigned int open_line;

static enum config_scope scope_of(const cfg_t *section)
{
	for (enum config_scope s = CONFIG_SCOPE_LISTENER; s < CONFIG_SCOPE_COUNT; s++) {
		if (strcmp(section->name, config_scope_name(s)) == 0)
			return s;
	}
	return CONFIG_SCOPE_TOP;
}

static unsigned int line_of(const cfg_t *section)
{
	return section->line > 0 ? (unsigned int)section->line : 0;
}

/* ` in listener "web"`, or nothing at the top. */
static const char *where_of(const cfg_t *section, char *text, size_t size)
{
	text[0] = '\0';
	if (scope_of(section) != CONFIG_SCOPE_TOP)
		(void)snprintf(text, size, " in %s \"%.63s\"", section->name,
		               section->title ? section->title : "");
	return text;
}

static int on_begin(cfg_t *section, cfg_opt_t *option, const char *value, void *result)
{
	*(void **)result = NULL;
	/* Must succeed: libconfuse aborts the process when a default does not parse. The draft remembers the failure. */
	(void)config_draft_section(draft, scope_of(section), section->title ? section->title : "",
	                           line_of(section));
	return 0;
}

/* A quoted key can be a path into another section ("listener|address"): libconfuse follows it, we do not. */
static bool belongs(const cfg_t *section, const cfg_opt_t *option)
{
	for (const cfg_opt_t *o = section->opts; o->name; o++) {
		if (o == option)
			return true;
	}
	return false;
}

static int on_value(cfg_t *section, cfg_opt_t *option, const char *value, void *result)
{
	enum config_scope scope = scope_of(section);
	const struct config_key *key = config_key_find(scope, option->name);

	*(void **)result = NULL;
	if (!key || !belongs(section, option))
		return config_draft_fail(draft, NULL, line_of(section),
		                         "\"%.64s\" is not a key of this section", option->name);
	if (scope == CONFIG_SCOPE_TOP)
		config_draft_top(draft);
	return config_draft_value(draft, key, value, line_of(section), option->nvalues == 1);
}

/* "(it belongs into a listener)", or the nearest word, or nothing. */
static const char *hint_for(enum config_scope scope, const char *name, char *text, size_t size)
{
	struct suggest near = { .word = name };
	char suggestion[SUGGEST_TEXT_BYTES];

	for (enum config_scope s = CONFIG_SCOPE_TOP; s < CONFIG_SCOPE_COUNT; s++) {
		size_t count;
		const struct config_key *keys = config_keys(s, &count);

		if (s != scope && config_key_find(s, name)) {
			(void)snprintf(text, size, " (it belongs %s%s)",
			               s == CONFIG_SCOPE_TOP ? "outside" : "into a ",
			               s == CONFIG_SCOPE_TOP ? " sections" : config_scope_name(s));
			return text;
		}
		for (size_t i = 0; s == scope && i < count; i++)
			suggest_offer(&near, keys[i].name);
		if (scope == CONFIG_SCOPE_TOP && s != CONFIG_SCOPE_TOP)
			suggest_offer(&near, config_scope_name(s));
	}
	(void)snprintf(text, size, "%s", suggest_text(&near, suggestion));
	return text;
}

static void unknown_key(const cfg_t *section, const char *name)
{
	char where[128], hint[SUGGEST_TEXT_BYTES];

	(void)config_draft_fail(draft, NULL, line_of(section), "unknown key \"%.64s\"%s%s", name,
	                        where_of(section, where, sizeof(where)),
	                        hint_for(scope_of(section), name, hint, sizeof(hint)));
}

/* libconfuse's messages by their formats (3.3); one that we do not know is passed on as it is. */
__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *section, const char *format, va_list ap)
{
	char text[256];

	if (strcmp(format, "no such option '%s'") == 0) {
		unknown_key(section, va_arg(ap, const char *));
	} else if (strcmp(format, "missing title for section '%s'") == 0) {
		const char *name = va_arg(ap, const char *);

		(void)config_draft_fail(draft, NULL, line_of(section), "%.64s needs a name: %.64s \"web\" {",
		                        name, name);
	} else if (open_line && strcmp(format, "premature end of file") == 0) {
		(void)config_draft_fail(draft, NULL, open_line, "this \"{\" is never closed");
	} else {
		(void)vsnprintf(text, sizeof(text), format, ap);
		(void)config_draft_fail(draft, NULL, line_of(section), "%s", text);
	}
}

/* Fills @options, which holds CONFIG_KEYS_MAX + 2, with the keys of one section. */
static void section_options(enum config_scope scope, cfg_opt_t *options, size_t *ret_count)
{
	size_t count;
	const struct config_key *keys = config_keys(scope, &count);

	for (size_t i = 0; i < count; i++)
		options[i] =
			config_key_is_list(&keys[i])
				? (cfg_opt_t)CFG_PTR_LIST_CB(keys[i].name, NULL, CFGF_NONE, on_value, NULL)
				: (cfg_opt_t)CFG_PTR_CB(keys[i].name, NULL, CFGF_NONE, on_value, NULL);
	if (scope != CONFIG_SCOPE_TOP)
		options[count++] =
			(cfg_opt_t)CFG_PTR_CB(begin_name, begin_default, CFGF_NONE, on_begin, NULL);
	*ret_count = count;
	options[count] = (cfg_opt_t)CFG_END();
}

static cfg_t *parser_new(void)
{
	cfg_opt_t top[CONFIG_KEYS_MAX + 4], listener[CONFIG_KEYS_MAX + 2], pool[CONFIG_KEYS_MAX + 2];
	size_t count;

	section_options(CONFIG_SCOPE_LISTENER, listener, &count);
	section_options(CONFIG_SCOPE_POOL, pool, &count);
	section_options(CONFIG_SCOPE_TOP, top, &count);
	top[count++] = (cfg_opt_t)CFG_SEC("listener", listener, CFGF_MULTI | CFGF_TITLE);
	top[count++] = (cfg_opt_t)CFG_SEC("pool", pool, CFGF_MULTI | CFGF_TITLE);
	top[count] = (cfg_opt_t)CFG_END();
	return cfg_init(top, CFGF_NONE);
}

int config_parse(const struct config_text *text, struct config_draft *d)
{
	_cleanup_fclose_ FILE *file = fmemopen(text->bytes, text->size, "r");
	cfg_t *parser;
	int r;

	parser = parser_new();
	if (!file || !parser) {
		d->failure = -ENOMEM;
		if (parser)
			(void)cfg_free(parser);
		return d->failure;
	}
	(void)cfg_set_error_function(parser, on_error);
	draft = d;
	open_line = text->open_line;
	r = cfg_parse_fp(parser, file);
	if (!d->failure && open_line) /* libconfuse takes the end of the file for the end of a section */
		(void)config_draft_fail(d, NULL, open_line, "this \"{\" is never closed");
	if (!d->failure && r != CFG_SUCCESS)
		(void)config_draft_fail(d, NULL, line_of(parser), "syntax error");
	draft = NULL;
	(void)cfg_free(parser);
	return d->failure;
}
