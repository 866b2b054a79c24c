/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration in the making: see config_draft.h. Refuses to judge how values fit together: config_check.c does. */
#include "master/config_draft.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "master/config_value.h"

int config_draft_begin(struct config_draft *d, const char *file, struct config_error *error)
{
	memset(d, 0, sizeof(*d));
	d->file = file;
	d->error = error;
	d->config = calloc(1, sizeof(*d->config));
	if (!d->config)
		return -ENOMEM;
	d->config->file = file ? strdup(file) : NULL;
	d->config->listeners = calloc(LISTENERS_MAX, sizeof(*d->config->listeners));
	d->config->pools = calloc(POOLS_MAX, sizeof(*d->config->pools));
	d->config->warnings = calloc(CONFIG_WARNINGS_MAX, sizeof(*d->config->warnings));
	if ((file && !d->config->file) || !d->config->listeners || !d->config->pools ||
	    !d->config->warnings) {
		d->config = config_free(d->config);
		return -ENOMEM;
	}
	return 0;
}

/* On the command line, the option that a key stands for. */
static const char *option_of(const struct config_key *key)
{
	static const char *const options[][2] = {
		{ "address", "--listen" },
		{ "trust", "--trust" },
		{ "socket", "--pool" },
		{ "admin-socket", "--admin" },
		{ "accept-local-sources", "--accept-local-sources" },
	};

	for (size_t i = 0; key && i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(key->name, options[i][0]) == 0)
			return options[i][1];
	}
	return "command line";
}

/* "FILE:LINE: " or "--listen: ", then the text. */
__attribute__((format(printf, 5, 0))) static void write_text(const struct config_draft *d,
                                                             const struct config_key *key, unsigned int line,
                                                             struct config_error *to, const char *format,
                                                             va_list ap)
{
	size_t size = sizeof(to->text);
	int used;

	if (!d->file)
		used = snprintf(to->text, size, "%s: ", option_of(key));
	else if (line == 0)
		used = snprintf(to->text, size, "%.256s: ", d->file);
	else
		used = snprintf(to->text, size, "%.256s:%u: ", d->file, line);
	if (used > 0 && (size_t)used < size)
		(void)vsnprintf(to->text + used, size - (size_t)used, format, ap);
}

int config_draft_fail(struct config_draft *d, const struct config_key *key, unsigned int line,
                      const char *format, ...)
{
	va_list ap;

	if (d->failure)
		return d->failure;
	va_start(ap, format);
	write_text(d, key, line, d->error, format, ap);
	va_end(ap);
	d->failure = -EINVAL;
	return d->failure;
}

static int out_of_memory(struct config_draft *d)
{
	if (!d->failure)
		d->failure = -ENOMEM;
	return d->failure;
}

void config_draft_warn(struct config_draft *d, const struct config_key *key, unsigned int line,
                       const char *format, ...)
{
	struct config *c = d->config;
	struct config_error warning;
	va_list ap;

	if (c->warning_count == CONFIG_WARNINGS_MAX - 1) {
		d->warnings_left_out++;
		return;
	}
	va_start(ap, format);
	write_text(d, key, line, &warning, format, ap);
	va_end(ap);
	c->warnings[c->warning_count] = strdup(warning.text);
	if (c->warnings[c->warning_count])
		c->warning_count++;
	else
		(void)out_of_memory(d);
}

static size_t row_of(const struct config_key *key)
{
	size_t count;

	return (size_t)(key - config_keys(key->scope, &count));
}

unsigned int config_place_line(const struct config_place *place, const struct config_key *key)
{
	unsigned int line = place->key_lines[row_of(key)];

	return line ? line : place->line;
}

bool config_place_has(const struct config_place *place, const struct config_key *key)
{
	return place->key_lines[row_of(key)] != 0;
}

/* The section that values go to, and where it was written. */
static void *current(struct config_draft *d, struct config_place **ret_place)
{
	if (d->scope == CONFIG_SCOPE_LISTENER) {
		*ret_place = &d->listeners[d->config->listener_count - 1];
		return &d->config->listeners[d->config->listener_count - 1];
	}
	if (d->scope == CONFIG_SCOPE_POOL) {
		*ret_place = &d->pools[d->config->pool_count - 1];
		return &d->config->pools[d->config->pool_count - 1];
	}
	*ret_place = &d->top;
	return d->config;
}

static int section_known(struct config_draft *d, enum config_scope scope, const char *name, unsigned int line)
{
	bool listener = scope == CONFIG_SCOPE_LISTENER;
	size_t count = listener ? d->config->listener_count : d->config->pool_count;

	for (size_t i = 0; i < count; i++) {
		const char *other = listener ? d->config->listeners[i].name : d->config->pools[i].name;

		if (strcmp(name, other) == 0)
			return config_draft_fail(
				d, NULL, line,
				"there is already a %s \"%s\", in line %u: choose another name",
				config_scope_name(scope), name,
				listener ? d->listeners[i].line : d->pools[i].line);
	}
	if (count >= (listener ? (size_t)LISTENERS_MAX : (size_t)POOLS_MAX))
		return config_draft_fail(d, NULL, line, "more than %d %ss",
		                         listener ? LISTENERS_MAX : POOLS_MAX, config_scope_name(scope));
	return 0;
}

int config_draft_section(struct config_draft *d, enum config_scope scope, const char *name, unsigned int line)
{
	char checked[NAME_BYTES_MAX] = { 0 };
	struct config_why why;
	struct config *c = d->config;

	if (d->failure)
		return d->failure;
	if (config_name_parse(name, checked, &why) < 0)
		return config_draft_fail(d, NULL, line, "%s: %s", config_scope_name(scope), why.text);
	if (section_known(d, scope, checked, line) < 0)
		return d->failure;
	d->scope = scope;
	if (scope == CONFIG_SCOPE_LISTENER) {
		memcpy(c->listeners[c->listener_count].name, checked, sizeof(checked));
		d->listeners[c->listener_count++].line = line;
	} else {
		memcpy(c->pools[c->pool_count].name, checked, sizeof(checked));
		d->pools[c->pool_count++].line = line;
	}
	return 0;
}

void config_draft_top(struct config_draft *d)
{
	d->scope = CONFIG_SCOPE_TOP;
}

int config_draft_value(struct config_draft *d, const struct config_key *key, const char *text,
                       unsigned int line, bool first)
{
	struct config_place *place;
	struct config_why why;
	unsigned int *known;
	void *object;
	int r;

	if (d->failure)
		return d->failure;
	object = current(d, &place);
	known = &place->key_lines[row_of(key)];
	if (first && *known)
		return config_draft_fail(d, key, line, "%s was already given in line %u", key->name, *known);
	if (first)
		*known = line;
	r = config_value_set(key, object, text, &why);
	if (r == -ENOMEM)
		return out_of_memory(d);
	if (r < 0)
		return d->file ? config_draft_fail(d, key, line, "%s: %s", key->name, why.text)
		               : config_draft_fail(d, key, line, "%s", why.text);
	if (key->kind == CONFIG_KIND_TRUST && ++d->trust_count > TRUST_RANGES_MAX)
		return config_draft_fail(d, key, line, "%s: more than %d entries over all listeners",
		                         key->name, TRUST_RANGES_MAX);
	return 0;
}

int config_draft_finish(struct config_draft *d, struct config **ret_config)
{
	struct config_error more;

	if (!d->failure && d->warnings_left_out > 0) {
		(void)snprintf(more.text, sizeof(more.text), "%zu more warnings", d->warnings_left_out);
		d->config->warnings[d->config->warning_count] = strdup(more.text);
		if (d->config->warnings[d->config->warning_count])
			d->config->warning_count++;
	}
	if (d->failure)
		d->config = config_free(d->config);
	else
		*ret_config = d->config;
	d->config = NULL;
	return d->failure;
}
