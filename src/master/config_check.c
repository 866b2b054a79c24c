/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold between the values of a configuration, after each was accepted by itself: defaults, sections and keys
 * that must be there, names that must exist, addresses and paths that must differ; and what deserves a warning.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/trust.h"
#include "master/config_draft.h"
#include "master/config_value.h"
#include "master/suggest.h"

static const uint64_t header_deadline_short_ns = UINT64_C(3000000000);

enum {
	BROAD_IP4_BITS = 8, /* a shorter prefix takes in more than any one operator has */
	BROAD_IP6_BITS = 16,
	BITS_BEFORE_IP4 = 96,
};

static int check_given(struct config_draft *d, enum config_scope scope, const struct config_place *place,
                       void *object, const char *name)
{
	size_t count;
	const struct config_key *keys = config_keys(scope, &count);

	for (size_t i = 0; i < count; i++) {
		struct config_why why;

		if (config_key_is_list(&keys[i]) || config_place_has(place, &keys[i]))
			continue;
		if (!keys[i].fallback)
			return config_draft_fail(d, &keys[i], place->line, "%s \"%s\": %s is missing: %s",
			                         config_scope_name(scope), name, keys[i].name, keys[i].help);
		if (config_value_set(&keys[i], object, keys[i].fallback, &why) < 0)
			return config_draft_fail(d, &keys[i], place->line,
			                         "the default of %s does not fit: %s", keys[i].name,
			                         why.text);
	}
	return 0;
}

static int check_socket(struct config_draft *d, const struct config_key *key, unsigned int line,
                        const char *path)
{
	const struct config *c = d->config;
	size_t users = 0;

	for (size_t i = 0; i < c->pool_count; i++)
		users += strcmp(c->pools[i].socket, path) == 0;
	users += strcmp(c->admin_socket, path) == 0;
	if (users > 1)
		return config_draft_fail(
			d, key, line,
			"socket \"%s\" is named twice: each pool and admin-socket needs its own", path);
	if (path[0] != '/')
		config_draft_warn(d, key, line,
		                  "\"%s\" does not begin with \"/\": it depends on where usherd is started",
		                  path);
	return 0;
}

static int check_trust(struct config_draft *d, size_t index)
{
	struct config_listener *l = &d->config->listeners[index];
	const struct config_key *trust = config_key_find(CONFIG_SCOPE_LISTENER, "trust");
	unsigned int line = config_place_line(&d->listeners[index], trust);

	if (l->proxy == CONFIG_PROXY_OFF) {
		if (l->trust_count > 0)
			config_draft_warn(
				d, trust, line,
				"listener \"%s\": trust has no effect, since proxy = off reads no headers",
				l->name);
		return 0;
	}
	if (l->trust_count == 0)
		return config_draft_fail(
			d, trust, line,
			"listener \"%s\": trust is missing: list the load balancers that may speak for clients, or write trust = {\"any\"} to let everybody",
			l->name);
	for (size_t i = 0; i < l->trust_count; i++) {
		struct trust_range range;
		unsigned int bits;

		if (trust_parse(l->trust[i], &range))
			return config_draft_fail(d, trust, line, "trust: \"%s\"", l->trust[i]);
		bits = trust_prefix_bits(&range);
		if (bits == 0)
			config_draft_warn(
				d, trust, line,
				"listener \"%s\": trust = {\"any\"}: whoever can connect can claim any client address",
				l->name);
		else if (addr_from_ip6(range.first, 0).family == ADDR_IP4 && bits >= BITS_BEFORE_IP4
		                 ? bits < BITS_BEFORE_IP4 + BROAD_IP4_BITS
		                 : bits < BROAD_IP6_BITS)
			config_draft_warn(
				d, trust, line,
				"listener \"%s\": trust \"%s\" takes in a large part of the Internet",
				l->name, l->trust[i]);
	}
	return 0;
}

static int build_ranges(struct config_draft *d, struct config_listener *l)
{
	if (l->trust_count == 0)
		return 0;
	l->ranges = calloc(l->trust_count, sizeof(*l->ranges));
	if (!l->ranges) {
		d->failure = -ENOMEM;
		return d->failure;
	}
	for (size_t i = 0; i < l->trust_count; i++)
		(void)trust_parse(l->trust[i], &l->ranges[i]); /* each was accepted when it was added */
	l->range_count = trust_build(l->ranges, l->trust_count);
	return 0;
}

static bool is_wildcard(const struct addr *a)
{
	static const uint8_t zero[16];
	size_t from = a->family == ADDR_IP4 ? 12 : 0;

	return memcmp(a->ip + from, zero + from, sizeof(zero) - from) == 0;
}

/* True if the kernel would not let both listen. */
static bool addresses_clash(const struct config_listener *a, const struct config_listener *b)
{
	if (a->address.port != b->address.port || a->address.port == 0)
		return false;
	if (addr_same_ip(&a->address, &b->address))
		return true;
	if (a->address.family == b->address.family)
		return is_wildcard(&a->address) || is_wildcard(&b->address);
	/* One is IPv6: it takes in IPv4 when it is the dual-stack wildcard. */
	if (a->address.family == ADDR_IP6)
		return is_wildcard(&a->address) && !a->v6_only;
	return is_wildcard(&b->address) && !b->v6_only;
}

static int check_address(struct config_draft *d, size_t index)
{
	const struct config_listener *l = &d->config->listeners[index];
	const struct config_key *address = config_key_find(CONFIG_SCOPE_LISTENER, "address");
	const struct config_key *v6_only = config_key_find(CONFIG_SCOPE_LISTENER, "v6-only");
	char mine[ADDR_TEXT_BYTES], theirs[ADDR_TEXT_BYTES];

	if (l->v6_only && l->address.family == ADDR_IP4)
		return config_draft_fail(d, v6_only, config_place_line(&d->listeners[index], v6_only),
		                         "listener \"%s\": v6-only needs an IPv6 address, not %s", l->name,
		                         addr_port_text(&l->address, mine));
	for (size_t i = 0; i < index; i++) {
		const struct config_listener *other = &d->config->listeners[i];

		if (addresses_clash(l, other))
			return config_draft_fail(
				d, address, config_place_line(&d->listeners[index], address),
				"listener \"%s\": address %s is taken by listener \"%s\" (%s)", l->name,
				addr_port_text(&l->address, mine), other->name,
				addr_port_text(&other->address, theirs));
	}
	return 0;
}

static int find_pool(struct config_draft *d, size_t index)
{
	struct config_listener *l = &d->config->listeners[index];
	const struct config_key *pool = config_key_find(CONFIG_SCOPE_LISTENER, "pool");
	struct suggest near = { .word = l->pool };
	char suggestion[SUGGEST_TEXT_BYTES];

	for (size_t i = 0; i < d->config->pool_count; i++) {
		if (strcmp(d->config->pools[i].name, l->pool) == 0) {
			l->pool_index = (uint32_t)i;
			return 0;
		}
		suggest_offer(&near, d->config->pools[i].name);
	}
	return config_draft_fail(d, pool, config_place_line(&d->listeners[index], pool),
	                         "listener \"%s\": there is no pool \"%s\"%s", l->name, l->pool,
	                         suggest_text(&near, suggestion));
}

static int check_listener(struct config_draft *d, size_t index)
{
	struct config_listener *l = &d->config->listeners[index];
	const struct config_place *place = &d->listeners[index];
	const struct config_key *deadline = config_key_find(CONFIG_SCOPE_LISTENER, "header-deadline");

	if (check_given(d, CONFIG_SCOPE_LISTENER, place, l, l->name) < 0 || check_trust(d, index) < 0 ||
	    check_address(d, index) < 0 || find_pool(d, index) < 0 || build_ranges(d, l) < 0)
		return d->failure;
	if (l->header_deadline_ns < header_deadline_short_ns && l->proxy != CONFIG_PROXY_OFF)
		config_draft_warn(
			d, deadline, config_place_line(place, deadline),
			"listener \"%s\": header-deadline below 3s: some load balancers send the header only with the client's first bytes",
			l->name);
	return d->failure;
}

static int check_pool(struct config_draft *d, size_t index)
{
	struct config_pool *p = &d->config->pools[index];
	const struct config_place *place = &d->pools[index];
	const struct config_key *socket = config_key_find(CONFIG_SCOPE_POOL, "socket");
	bool named = false;

	if (check_socket(d, socket, config_place_line(place, socket), p->socket) < 0)
		return d->failure;
	for (size_t i = 0; i < d->config->listener_count; i++)
		named = named || d->config->listeners[i].pool_index == index;
	if (!named)
		config_draft_warn(d, NULL, place->line, "pool \"%s\" is named by no listener", p->name);
	return d->failure;
}

static int check_top(struct config_draft *d)
{
	struct config *c = d->config;
	const struct config_key *admin = config_key_find(CONFIG_SCOPE_TOP, "admin-socket");
	struct config_why why;
	_cleanup_free_ char *fallback = NULL;

	if (check_given(d, CONFIG_SCOPE_TOP, &d->top, c, "") < 0)
		return d->failure;
	if (c->listener_count == 0)
		return config_draft_fail(
			d, NULL, 0,
			"there is no listener: add one, listener \"web\" { address = \"*:8080\" … }");
	if (c->pool_count == 0)
		return config_draft_fail(
			d, NULL, 0,
			"there is no pool: add one, pool \"web\" { socket = \"/run/usher/web.sock\" }");
	if (c->admin_socket)
		return 0;
	fallback = config_default_admin_socket();
	if (!fallback) {
		d->failure = -ENOMEM;
		return d->failure;
	}
	if (config_value_set(admin, c, fallback, &why) < 0)
		return config_draft_fail(d, admin, 0, "admin-socket: the default \"%s\" does not fit: %s",
		                         fallback, why.text);
	return 0;
}

int config_check(struct config_draft *d)
{
	struct config *c = d->config;
	const struct config_key *admin = config_key_find(CONFIG_SCOPE_TOP, "admin-socket");

	if (d->failure || check_top(d) < 0)
		return d->failure;
	/* Pools first: listeners name them, and comparing sockets needs every one. */
	for (size_t i = 0; i < c->pool_count; i++) {
		if (check_given(d, CONFIG_SCOPE_POOL, &d->pools[i], &c->pools[i], c->pools[i].name) < 0)
			return d->failure;
	}
	for (size_t i = 0; i < c->listener_count; i++) {
		if (check_listener(d, i) < 0)
			return d->failure;
	}
	for (size_t i = 0; i < c->pool_count; i++) {
		if (check_pool(d, i) < 0)
			return d->failure;
	}
	return check_socket(d, admin, config_place_line(&d->top, admin), c->admin_socket);
}
