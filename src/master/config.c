/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as a whole: reading a file, printing, freeing. See config.h. */
#include "master/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "master/config_draft.h"
#include "master/config_parse.h"
#include "master/config_text.h"
#include "master/config_value.h"

static int load(const char *path, const struct config_text *text, struct config **ret,
                struct config_error *reterr)
{
	_cleanup_free_ struct config_draft *d = malloc(sizeof(*d));

	if (!d || config_draft_begin(d, path, reterr) < 0)
		return -ENOMEM;
	if (config_parse(text, d) == 0)
		(void)config_check(d);
	return config_draft_finish(d, ret);
}

int config_load(const char *path, struct config **ret, struct config_error *reterr)
{
	struct config_text text;
	int r = config_text_read(path, &text, reterr);

	if (r == 0)
		r = load(path, &text, ret, reterr);
	config_text_free(&text);
	return r;
}

int config_load_text(const char *text, size_t size, const char *name, struct config **ret,
                     struct config_error *reterr)
{
	struct config_text t = { .bytes = malloc(size + 1), .size = size };
	int r = -ENOMEM;

	if (t.bytes) {
		memcpy(t.bytes, text, size);
		t.bytes[size] = '\0';
		r = config_text_clean(&t, name, reterr);
	}
	if (r == 0)
		r = load(name, &t, ret, reterr);
	config_text_free(&t);
	return r;
}

static void free_values(enum config_scope scope, void *object)
{
	size_t count;
	const struct config_key *keys = config_keys(scope, &count);

	for (size_t i = 0; i < count; i++)
		config_value_free(&keys[i], object);
}

struct config *config_free(struct config *config)
{
	if (!config)
		return NULL;
	for (size_t i = 0; i < config->listener_count; i++) {
		free_values(CONFIG_SCOPE_LISTENER, &config->listeners[i]);
		free(config->listeners[i].ranges);
	}
	for (size_t i = 0; i < config->pool_count; i++)
		free_values(CONFIG_SCOPE_POOL, &config->pools[i]);
	for (size_t i = 0; i < config->warning_count; i++)
		free(config->warnings[i]);
	free_values(CONFIG_SCOPE_TOP, config);
	free(config->listeners);
	free(config->pools);
	free(config->warnings);
	free(config->file);
	free(config);
	return NULL;
}

static void print_values(enum config_scope scope, const void *object, const char *indent, FILE *file)
{
	size_t count;
	const struct config_key *keys = config_keys(scope, &count);

	for (size_t i = 0; i < count; i++) {
		(void)fprintf(file, "%s%s = ", indent, keys[i].name);
		config_value_print(&keys[i], object, file);
		(void)fputc('\n', file);
	}
}

static void print_section(enum config_scope scope, const char *name, const void *object, FILE *file)
{
	(void)fprintf(file, "\n%s \"%s\" {\n", config_scope_name(scope), name);
	print_values(scope, object, "\t", file);
	(void)fputs("}\n", file);
}

int config_print(const struct config *config, FILE *file)
{
	print_values(CONFIG_SCOPE_TOP, config, "", file);
	for (size_t i = 0; i < config->listener_count; i++)
		print_section(CONFIG_SCOPE_LISTENER, config->listeners[i].name, &config->listeners[i], file);
	for (size_t i = 0; i < config->pool_count; i++)
		print_section(CONFIG_SCOPE_POOL, config->pools[i].name, &config->pools[i], file);
	if (fflush(file) != 0)
		return errno ? -errno : -EIO;
	return ferror(file) ? -EIO : 0;
}

char *config_default_admin_socket(void)
{
	const char *runtime = geteuid() == 0 ? NULL : secure_getenv("XDG_RUNTIME_DIR");
	char *path;

	if (!runtime || runtime[0] != '/')
		return strdup("/run/usher/admin.sock");
	return asprintf(&path, "%s/usher/admin.sock", runtime) < 0 ? NULL : path;
}
