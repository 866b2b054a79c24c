/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration from the command line instead of a file: proxy = require, one pool named "default". */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "master/config.h"
#include "master/config_draft.h"

static int set(struct config_draft *d, const char *name, const char *text, bool first)
{
	return config_draft_value(d, config_key_find(d->scope, name), text, 1, first);
}

/* Each entry of "CIDR[,CIDR…]". */
static int set_trust(struct config_draft *d, const char *list, bool first)
{
	char *entries = strdup(list), *rest = entries;

	if (!entries) {
		d->failure = -ENOMEM;
		return d->failure;
	}
	for (const char *entry = strsep(&rest, ","); entry && !d->failure; entry = strsep(&rest, ",")) {
		(void)set(d, "trust", entry, first);
		first = false;
	}
	free(entries);
	return d->failure;
}

static int set_listener(struct config_draft *d, const struct config_arguments *a, size_t index)
{
	char name[NAME_BYTES_MAX];

	(void)snprintf(name, sizeof(name), index == 0 ? "default" : "default-%zu", index + 1);
	(void)config_draft_section(d, CONFIG_SCOPE_LISTENER, name, 1);
	if (d->failure)
		return d->failure;
	(void)set(d, "address", a->listen[index], true);
	(void)set(d, "pool", "default", true);
	for (size_t i = 0; a->trust[i] && !d->failure; i++)
		(void)set_trust(d, a->trust[i], i == 0);
	if (a->accept_local_sources)
		(void)set(d, "accept-local-sources", "yes", true);
	return d->failure;
}

static int missing(struct config_draft *d, enum config_scope scope, const char *name, const char *hint)
{
	return config_draft_fail(d, config_key_find(scope, name), 1, "is missing: %s", hint);
}

static int fill(struct config_draft *d, const struct config_arguments *a)
{
	if (!a->listen || !a->listen[0])
		return missing(d, CONFIG_SCOPE_LISTENER, "address",
		               "say where to listen, for example --listen '*:8080'");
	if (!a->trust || !a->trust[0])
		return missing(
			d, CONFIG_SCOPE_LISTENER, "trust",
			"list the load balancers that may speak for clients, or --trust any to let everybody");
	if (!a->pool)
		return missing(d, CONFIG_SCOPE_POOL, "socket",
		               "say where workers register, for example --pool /run/usher/web.sock");
	if (a->admin)
		(void)set(d, "admin-socket", a->admin, true);
	for (size_t i = 0; a->listen[i] && !d->failure; i++)
		(void)set_listener(d, a, i);
	if (!d->failure && config_draft_section(d, CONFIG_SCOPE_POOL, "default", 1) == 0)
		(void)set(d, "socket", a->pool, true);
	return d->failure;
}

int config_from_arguments(const struct config_arguments *arguments, struct config **ret,
                          struct config_error *reterr)
{
	_cleanup_free_ struct config_draft *d = malloc(sizeof(*d));

	if (!d || config_draft_begin(d, NULL, reterr) < 0)
		return -ENOMEM;
	if (fill(d, arguments) == 0)
		(void)config_check(d);
	return config_draft_finish(d, ret);
}
