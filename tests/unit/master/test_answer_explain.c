/* SPDX-License-Identifier: Apache-2.0 */
#include "master/answer_explain.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char *entries[] = { (char[]){ "10.0.0.0/8" }, (char[]){ "10.1.0.0/16" }, NULL };
static struct config_listener configured = { .name = "main", .trust = entries, .trust_count = 2 };
static struct config config = { .listeners = &configured, .listener_count = 1 };
static struct plan *plan;

static void setup(void)
{
	plan = calloc(1, sizeof(*plan) + 2 * sizeof(plan->ranges[0]));
	cr_assert_not_null(plan);
	plan->listener_count = 1;
	plan->listeners[0].trust_count = 1;
	plan->own_first = plan->own_count = 1;
	plan->range_count = 2;
	cr_assert_null(trust_parse("10.0.0.0/8", &plan->ranges[0]));
	cr_assert_null(trust_parse("10.9.9.9", &plan->ranges[1]));
}

static void teardown(void)
{
	free(plan);
}

TestSuite(answer_explain, .init = setup, .fini = teardown);

/* The only row, compact. */
static void expect_row(const char *address, const char *wanted)
{
	json_t *answer = answer_explain(&config, plan, address);
	json_t *row = json_array_get(json_object_get(answer, "listeners"), 0);
	char *text = row ? json_dumps(row, JSON_COMPACT) : NULL;

	cr_expect_eq(json_object_get(answer, "trusted"), json_object_get(row, "trusted"));
	cr_expect(text && strcmp(text, wanted) == 0, "%s: %s", address, text ? text : "no row");
	free(text);
	json_decref(answer);
}

Test(answer_explain, a_trusted_peer_by_the_first_entry)
{
	expect_row("10.1.2.3",
	           "{\"listener\":\"main\",\"proxy\":\"require\",\"trusted\":true,\"entry\":\"10.0.0.0/8\","
	           "\"header_read\":true,\"refused\":null,\"source_refused\":null}");
}

Test(answer_explain, own_and_loopback_addresses_are_refused_as_sources)
{
	expect_row("[::ffff:10.9.9.9]:1",
	           "{\"listener\":\"main\",\"proxy\":\"require\",\"trusted\":true,\"entry\":\"10.0.0.0/8\","
	           "\"header_read\":true,\"refused\":null,\"source_refused\":\"local_source\"}");
	plan->listeners[0].proxy = PLAN_PROXY_MIXED;
	expect_row("::1", "{\"listener\":\"main\",\"proxy\":\"mixed\",\"trusted\":false,\"entry\":null,"
	                  "\"header_read\":false,\"refused\":null,\"source_refused\":\"local_source\"}");
	plan->listeners[0].accept_local_sources = true;
	expect_row("::1", "{\"listener\":\"main\",\"proxy\":\"mixed\",\"trusted\":false,\"entry\":null,"
	                  "\"header_read\":false,\"refused\":null,\"source_refused\":null}");
}

Test(answer_explain, an_untrusted_peer_is_refused_where_headers_are_required)
{
	expect_row("192.0.2.1:443",
	           "{\"listener\":\"main\",\"proxy\":\"require\",\"trusted\":false,\"entry\":null,"
	           "\"header_read\":false,\"refused\":\"untrusted_source\",\"source_refused\":null}");
}

Test(answer_explain, a_listener_without_headers_trusts_nobody)
{
	plan->listeners[0].proxy = PLAN_PROXY_OFF;
	expect_row("10.9.9.9", "{\"listener\":\"main\",\"proxy\":\"off\",\"trusted\":false,\"entry\":null,"
	                       "\"header_read\":false,\"refused\":null,\"source_refused\":null}");
}

Test(answer_explain, only_one_exact_address_is_taken)
{
	static const char *const wrong[] = { "",
		                             "*:80",
		                             "localhost",
		                             "10.0.0.01",
		                             "10.0.0.0/8",
		                             "10.0.0.1 ",
		                             "10.0.0.1 10.0.0.2",
		                             "[::1]",
		                             "fe80::1%eth0",
		                             "10.0.0.1:65536" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		json_t *answer = answer_explain(&config, plan, wrong[i]);

		cr_expect_str_eq(json_string_value(json_object_get(answer, "error")) ? "error" : "none",
		                 "error", "%s", wrong[i]);
		json_decref(answer);
	}
}
