/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys, and what is written about it: usher.conf(5) and deploy/usher.conf. */
#include "master/config_schema.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "master/config.h"
#include "master/config_value.h"

Test(config_schema, table_is_sound)
{
	for (enum config_scope s = CONFIG_SCOPE_TOP; s < CONFIG_SCOPE_COUNT; s++) {
		size_t count;
		const struct config_key *keys = config_keys(s, &count);

		for (size_t i = 0; i < count; i++) {
			cr_assert_eq(keys[i].scope, s, "%s", keys[i].name);
			cr_assert_eq(config_key_find(s, keys[i].name), &keys[i], "%s is there twice",
			             keys[i].name);
			cr_assert(keys[i].help && keys[i].help[0]);
			cr_assert_eq(keys[i].kind == CONFIG_KIND_DURATION, keys[i].unit != 0, "%s",
			             keys[i].name);
			cr_assert_eq(keys[i].kind == CONFIG_KIND_CHOICE, keys[i].words != NULL, "%s",
			             keys[i].name);
		}
	}
}

static char *read_file(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "re");

	cr_assert_not_null(file, "%s", path);
	cr_assert_gt(getdelim(&text, &size, '\0', file), 0, "%s", path);
	(void)fclose(file);
	return text;
}

/* A line of the page that ends the entry before it; within an entry, lists have no " No = ". */
static bool begins_another(const char *line)
{
	size_t size = strcspn(line, "\n");

	if (strncmp(line, ".Ss ", 4) == 0 || strncmp(line, ".Sh ", 4) == 0)
		return true;
	return strncmp(line, ".It Cm ", 7) == 0 && memmem(line, size, " No = ", 6) != NULL;
}

/* What the page says about a key, from the line behind its ".It". To be freed. */
static char *entry_of(const char *page, const struct config_key *key)
{
	char tag[64], title[64];
	const char *start, *end;

	(void)snprintf(title, sizeof(title),
	               key->scope == CONFIG_SCOPE_TOP ? "Keys outside sections" : "Keys of a %s",
	               config_scope_name(key->scope));
	start = strstr(page, title);
	cr_assert_not_null(start, "usher.conf.5: no \"%s\"", title);
	(void)snprintf(tag, sizeof(tag), "\n.It Cm %s No = ", key->name);
	start = strstr(start, tag);
	cr_assert_not_null(start, "usher.conf.5: says nothing about %s in \"%s\"", key->name, title);
	end = start + 1;
	do
		end = strchrnul(end, '\n') + 1;
	while (end[-1] && !begins_another(end));
	return strndup(start, (size_t)(end - start));
}

static void says(const struct config_key *key, const char *entry, const char *text)
{
	cr_assert_not_null(strstr(entry, text), "usher.conf.5: %s: \"%s\" is missing in:%s", key->name, text,
	                   entry);
}

static void check_default(const struct config_key *key, const char *entry)
{
	const char *word = key->fallback_words ? key->fallback_words : key->fallback;
	char text[64];

	if (!word && !config_key_is_list(key)) {
		says(key, entry, "\nMust be given.");
		return;
	}
	(void)snprintf(text, sizeof(text), "\nDefault: %s", word ? word : "none");
	says(key, entry, text);
	cr_assert_not_null(strchr(".,;:", entry[(size_t)(strstr(entry, text) - entry) + strlen(text)]), "%s",
	                   text);
}

static void check_range(const struct config_key *key, const char *entry)
{
	char text[96], least[CONFIG_DURATION_BYTES], most[CONFIG_DURATION_BYTES];

	if (key->kind == CONFIG_KIND_NUMBER || key->kind == CONFIG_KIND_SHARDS)
		(void)snprintf(text, sizeof(text), "\nRange: %" PRIu64 " to %" PRIu64 ".", key->min,
		               key->max);
	else if (key->kind == CONFIG_KIND_DURATION)
		(void)snprintf(text, sizeof(text), "\nRange: %s to %s.",
		               config_duration_text(key->min, least), config_duration_text(key->max, most));
	else if (key->kind == CONFIG_KIND_LIST)
		(void)snprintf(text, sizeof(text), "\nAt most %" PRIu64 ".", key->max);
	else
		return;
	says(key, entry, text);
}

Test(config_schema, manual_has_every_key_with_default_and_range)
{
	char *page = read_file(USHER_SOURCE_ROOT "/docs/usher.conf.5");

	for (enum config_scope s = CONFIG_SCOPE_TOP; s < CONFIG_SCOPE_COUNT; s++) {
		size_t count;
		const struct config_key *keys = config_keys(s, &count);

		for (size_t i = 0; i < count; i++) {
			char *entry = entry_of(page, &keys[i]);

			check_default(&keys[i], entry);
			check_range(&keys[i], entry);
			for (size_t w = 0; keys[i].words && keys[i].words[w]; w++)
				says(&keys[i], entry, keys[i].words[w]);
			cr_assert_eq(strstr(entry, "\nA reload does not change it.") != NULL, keys[i].fixed,
			             "%s", keys[i].name);
			free(entry);
		}
	}
	free(page);
}

static void accepted(const char *text, size_t size, const char *name)
{
	struct config_error error = { "" };
	struct config *c = NULL;

	cr_assert_eq(config_load_text(text, size, name, &c, &error), 0, "%s", error.text);
	cr_assert_eq(c->warning_count, 0, "%s", c->warnings[0]);
	config_free(c);
}

Test(config_schema, examples_of_the_manual_are_accepted)
{
	static const char begin[] = ".Bd -literal -offset indent\n", end[] = ".Ed\n";
	char *page = read_file(USHER_SOURCE_ROOT "/docs/usher.conf.5");
	size_t examples = 0;

	for (const char *at = strstr(page, begin); at; at = strstr(at, begin)) {
		at += strlen(begin);
		accepted(at, (size_t)(strstr(at, end) - at), "usher.conf.5");
		examples++;
	}
	cr_assert_geq(examples, 3);
	free(page);
}

/* "# KEY = VALUE" in the example: VALUE is the default. */
static void check_commented(const char *text, const struct config_key *key)
{
	char tag[64], value[64] = "";
	const char *word = key->fallback_words ? key->fallback_words : key->fallback;
	const char *at;

	(void)snprintf(tag, sizeof(tag), "# %s = ", key->name);
	at = strstr(text, tag);
	if (!at || !word || strcmp(word, "none") == 0)
		return;
	at += strlen(tag);
	at += *at == '"';
	(void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\" \n"), at);
	cr_assert_str_eq(value, word, "deploy/usher.conf: %s", key->name);
}

Test(config_schema, example_file_is_accepted_and_shows_every_key)
{
	char *text = read_file(USHER_SOURCE_ROOT "/deploy/usher.conf");

	accepted(text, strlen(text), "deploy/usher.conf");
	for (enum config_scope s = CONFIG_SCOPE_TOP; s < CONFIG_SCOPE_COUNT; s++) {
		size_t count;
		const struct config_key *keys = config_keys(s, &count);

		for (size_t i = 0; i < count; i++) {
			char assignment[64];

			(void)snprintf(assignment, sizeof(assignment), "%s = ", keys[i].name);
			cr_assert_not_null(strstr(text, assignment), "deploy/usher.conf: %s is missing",
			                   keys[i].name);
			check_commented(text, &keys[i]);
		}
	}
	free(text);
}
