/* SPDX-License-Identifier: Apache-2.0 */
/* What each listener would do with one peer: see answer_explain.h. Decides by the functions that shards decide by. */
#include "master/answer_explain.h"

#include <string.h>

#include "core/ledger.h"
#include "master/config_value.h"

bool explain_address(const char *text, struct addr *ret)
{
	struct config_why why;
	uint8_t ip[16];

	if (addr_parse_ip4(text, strlen(text), ip))
		*ret = addr_from_ip4(ip, 0);
	else if (addr_parse_ip6(text, strlen(text), ip))
		*ret = addr_from_ip6(ip, 0);
	else
		return text[0] != '*' && config_address_parse(text, ret, &why) == 0;
	return true;
}

/* The first entry, as written, that takes in @a; NULL when none does. */
static const char *entry_of(const struct config_listener *l, const struct addr *a)
{
	struct trust_range range;

	for (size_t i = 0; i < l->trust_count; i++)
		if (!trust_parse(l->trust[i], &range) && trust_contains(&range, 1, a))
			return l->trust[i];
	return NULL;
}

static json_t *listener_row(const struct plan *plan, const struct plan_listener *l,
                            const struct config_listener *c, const struct addr *a)
{
	static const char *const proxy[] = { "require", "mixed", "off" };
	bool off = l->proxy == PLAN_PROXY_OFF, trusted = !off && plan_trusts(plan, l, a);
	bool refused = l->proxy == PLAN_PROXY_REQUIRE && !trusted;
	bool source_refused = !off && plan_refuses_source(plan, l, a);

	return json_pack("{ss ss sb ss? sb ss? ss?}", "listener", c->name, "proxy", proxy[l->proxy],
	                 "trusted", trusted, "entry", trusted ? entry_of(c, a) : NULL, "header_read", trusted,
	                 "refused", refused ? refused_name(REFUSED_UNTRUSTED_SOURCE) : NULL, "source_refused",
	                 source_refused ? refused_name(REFUSED_LOCAL_SOURCE) : NULL);
}

json_t *answer_explain(const struct config *config, const struct plan *plan, const char *text)
{
	char shown[ADDR_TEXT_BYTES];
	json_t *rows;
	struct addr a;
	bool trusted = false;

	if (!explain_address(text, &a))
		return json_pack(
			"{ss}", "error",
			"explain takes one address, like 192.0.2.1, 2001:db8::1 or [2001:db8::1]:443 (names and zones are not resolved)");
	rows = json_array();
	for (uint32_t i = 0; i < plan->listener_count; i++) {
		json_t *row = listener_row(plan, &plan->listeners[i], &config->listeners[i], &a);

		trusted = trusted || json_is_true(json_object_get(row, "trusted"));
		(void)json_array_append_new(rows, row);
	}
	return json_pack("{ss sb so}", "address", addr_text(&a, shown), "trusted", trusted, "listeners",
	                 rows);
}
