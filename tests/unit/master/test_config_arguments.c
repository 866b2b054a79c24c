/* SPDX-License-Identifier: Apache-2.0 */
#include "master/config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static const char *const two_addresses[] = { "*:8080", "192.0.2.1:81", NULL };
static const char *const two_trusts[] = { "10.0.0.0/8,192.0.2.7", "2001:db8::/32", NULL };

Test(config_arguments, whole)
{
	struct config_arguments a = { .listen = two_addresses,
		                      .trust = two_trusts,
		                      .pool = "/tmp/web.sock",
		                      .admin = "/tmp/admin.sock",
		                      .accept_local_sources = true };
	struct config_error error = { "" };
	struct config *c = NULL;

	cr_assert_eq(config_from_arguments(&a, &c, &error), 0, "%s", error.text);
	cr_assert_null(c->file);
	cr_assert_str_eq(c->admin_socket, "/tmp/admin.sock");
	cr_assert_eq(c->listener_count, 2);
	cr_assert_str_eq(c->listeners[0].name, "default");
	cr_assert_str_eq(c->listeners[1].name, "default-2");
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(c->listeners[i].proxy, CONFIG_PROXY_REQUIRE);
		cr_assert_eq(c->listeners[i].trust_count, 3);
		cr_assert_eq(c->listeners[i].range_count, 3);
		cr_assert(c->listeners[i].accept_local_sources);
		cr_assert_eq(c->listeners[i].header_limit, HEADER_LIMIT_DEFAULT);
	}
	cr_assert_eq(c->pool_count, 1);
	cr_assert_str_eq(c->pools[0].name, "default");
	cr_assert_str_eq(c->pools[0].socket, "/tmp/web.sock");
	cr_assert_eq(c->warning_count, 0, "%s", c->warnings[0]);
	config_free(c);
}

static const char *const none[] = { NULL };
static const char *const bad_address[] = { "*:8080", "8080", NULL };
static const char *const same_address[] = { "*:8080", "[::]:8080", NULL };
static const char *const bad_trust[] = { "10.0.0.0/8", "10.0.0.1/8", NULL };
static const char *const empty_trust[] = { "10.0.0.0/8,", NULL };

Test(config_arguments, bad)
{
	const struct {
		struct config_arguments a;
		const char *message;
	} bad[] = {
		{ { .listen = none, .trust = two_trusts, .pool = "/p" }, "--listen: is missing" },
		{ { .trust = two_trusts, .pool = "/p" }, "--listen: is missing" },
		{ { .listen = two_addresses, .trust = none, .pool = "/p" }, "--trust: is missing" },
		{ { .listen = two_addresses, .trust = two_trusts }, "--pool: is missing" },
		{ { .listen = two_addresses, .trust = two_trusts, .pool = "" }, "--pool: must not be empty" },
		{ { .listen = bad_address, .trust = two_trusts, .pool = "/p" },
		  "--listen: expected \"ADDRESS:PORT\"" },
		{ { .listen = same_address, .trust = two_trusts, .pool = "/p" },
		  "--listen: listener \"default-2\": address [::]:8080 is taken by listener \"default\"" },
		{ { .listen = two_addresses, .trust = bad_trust, .pool = "/p" },
		  "--trust: \"10.0.0.1/8\" has bits set after its prefix: write \"10.0.0.0/8\"" },
		{ { .listen = two_addresses, .trust = empty_trust, .pool = "/p" },
		  "--trust: \"\" is not an IP" },
		{ { .listen = two_addresses, .trust = two_trusts, .pool = "/p", .admin = "/p" },
		  "--pool: socket \"/p\"" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config_error error = { "" };
		struct config *c = NULL;

		cr_assert_eq(config_from_arguments(&bad[i].a, &c, &error), -EINVAL, "%zu", i);
		cr_assert_null(c);
		cr_assert(strncmp(error.text, bad[i].message, strlen(bad[i].message)) == 0, "%s", error.text);
	}
}

Test(config_arguments, warnings_name_the_option)
{
	static const char *const any[] = { "any", NULL };
	struct config_arguments a = { .listen = two_addresses, .trust = any, .pool = "web.sock" };
	struct config_error error = { "" };
	struct config *c = NULL;

	cr_assert_eq(config_from_arguments(&a, &c, &error), 0, "%s", error.text);
	cr_assert_eq(c->warning_count, 3);
	cr_assert(strncmp(c->warnings[0], "--trust: ", 9) == 0, "%s", c->warnings[0]);
	cr_assert(strncmp(c->warnings[2], "--pool: ", 8) == 0, "%s", c->warnings[2]);
	config_free(c);
}
