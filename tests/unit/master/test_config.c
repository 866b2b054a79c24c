/* SPDX-License-Identifier: Apache-2.0 */
#include "master/config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/handoff.h"

#define LISTENER "listener \"a\" { address = \"*:80\" pool = \"w\" trust = {\"10.0.0.0/8\"} }\n"
#define POOL "pool \"w\" { socket = \"/run/w.sock\" }\n"

static int load(const char *text, struct config **ret, struct config_error *error)
{
	return config_load_text(text, strlen(text), "f", ret, error);
}

static struct config *good(const char *text)
{
	struct config_error error = { "" };
	struct config *c = NULL;

	cr_assert_eq(load(text, &c, &error), 0, "%s", error.text);
	return c;
}

static const struct {
	const char *text;
	const char *message; /* how it begins */
} bad[] = {
	/* the text */
	{ "", "f: there is no listener: " },
	{ "\n\n# nothing", "f: there is no listener: " },
	{ POOL, "f: there is no listener: " },
	{ LISTENER, "f: there is no pool: " },
	{ "# c\n/* a\nb */ // d\n\n@", "f:5: unexpected \"@\": put text in double quotes" },
	{ "shards = 1;", "f:1: unexpected \";\": a line ends without one" },
	{ "\n/* a\n\n", "f:2: this comment is never closed" },
	{ "\n/*/\n", "f:2: this comment is never closed" },
	{ "\nuser = \"a\nb\"", "f:2: this string is not closed: \" is missing" },
	{ "user = 'a\n", "f:1: this string is not closed: ' is missing" },
	{ "user = \"a\\", "f:1: this string is not closed" },
	{ "user = \"a\\\n\"", "f:1: this string is not closed" },
	{ "user = \"a\\n\"", "f:1: unknown escape" },
	{ "user = \"a\\000\"", "f:1: unknown escape" },
	{ "user = \"a\tb\"", "f:1: a control character (0x09) in a string" },
	{ "user = \"${A\"\n\"}\"", "f:1: a variable is written" },
	{ "user = ${A}", "f:1: unexpected \"$\"" },
	{ "\xef\xbb\xbfshards = 1", "f:1: unexpected byte 0xef" },
	{ "trust += {\"any\"}", "f:1: unexpected \"+\"" },
	{ "include(\"x\")", "f:1: unexpected \"(\"" },
	{ "a { b { c { d { e { f { g { h { i {", "f:1: too many braces are open" },
	/* its structure */
	{ "listener \"a\" {\n\tproxy = off\n", "f:1: this \"{\" is never closed" },
	{ POOL "listener \"a\" {\n\n trust = {\"any\",\n\n", "f:4: this \"{\" is never closed" },
	{ "listener \"a\" {\n trust = {\"any\"\n pool = \"w\"\n}\n", "f:3: unexpected token 'pool'" },
	{ "\n}", "f:2: unexpected closing brace" },
	{ "\nlistener {\n}", "f:2: listener needs a name: listener \"web\" {" },
	{ "listener \"a\"\naddress = \"*:80\"", "f:2: missing opening brace for section 'listener'" },
	{ "shards 4", "f:1: missing equal sign after option 'shards'" },
	{ "shards =", "f:1: premature end of file" },
	{ "shards = {4}", "f:1: unexpected token '{'" },
	{ "\n\"\" = 4", "f:2: " },
	{ "= 4", "f:1: unexpected token '='" },
	/* keys and sections */
	{ "\n# c\nlistener \"https\" {\n\ttrsut = {\"any\"}\n}\n",
	  "f:4: unknown key \"trsut\" in listener \"https\" (did you mean \"trust\"?)" },
	{ "pool \"w\" { wimdow = 3 }",
	  "f:1: unknown key \"wimdow\" in pool \"w\" (did you mean \"window\"?)" },
	{ "lisener \"a\" { }", "f:1: unknown key \"lisener\" (did you mean \"listener\"?)" },
	{ "shard = 3", "f:1: unknown key \"shard\" (did you mean \"shards\"?)" },
	{ "certificate = 3", "f:1: unknown key \"certificate\"" },
	{ "trust = {\"any\"}", "f:1: unknown key \"trust\" (it belongs into a listener)" },
	{ "listener \"a\" { shards = 3 }",
	  "f:1: unknown key \"shards\" in listener \"a\" (it belongs outside sections)" },
	{ "pool \"a\" { listener \"b\" { } }", "f:1: unknown key \"listener\" in pool \"a\"" },
	{ LISTENER "\"listener=a|proxy\" = off", "f:2: \"proxy\" is not a key of this section" },
	{ "listener \"a b\" { }", "f:1: listener: expected a name of 1 to 63 letters" },
	{ "pool \"\" { }", "f:1: pool: expected a name of 1 to 63 letters" },
	{ LISTENER "\n" LISTENER, "f:3: there is already a listener \"a\", in line 1: choose another name" },
	{ POOL POOL, "f:2: there is already a pool \"w\", in line 1" },
	{ "shards = 1\nuser = \"u\"\nshards = 2", "f:3: shards was already given in line 1" },
	{ "listener \"a\" {\n trust = {\"any\"}\n trust = {\"::1\"}\n}",
	  "f:3: trust was already given in line 2" },
	{ "listener \"a\" {\n pool = \"w\"\n}\n" POOL, "f:1: listener \"a\": address is missing" },
	{ "listener \"a\" { address = \"*:80\" trust = {\"any\"} }\n" POOL,
	  "f:1: listener \"a\": pool is missing" },
	{ LISTENER "pool \"w\" { }", "f:2: pool \"w\": socket is missing" },
	/* values */
	{ "shards = 0", "f:1: shards: expected auto or a number from 1 to 253, not \"0\"" },
	{ "shards = 254", "f:1: shards: expected auto or a number" },
	{ "shards = -1", "f:1: shards: expected auto or a number" },
	{ "shards = 99999999999999999999", "f:1: shards: expected auto or a number" },
	{ "log-level = verbose", "f:1: log-level: expected error, warning, info or debug, not \"verbose\"" },
	{ "stop-deadline = 30", "f:1: stop-deadline: 30 has no unit: write for example \"30s\" or \"30ms\"" },
	{ "stop-deadline = \"25h\"", "f:1: stop-deadline: expected \"0s\" to \"24h\", not \"25h\"" },
	{ "shard-deadline = 1ms", "f:1: shard-deadline: expected \"500ms\" to \"10m\"" },
	{ "user = \"${USHER_TEST_CONTROL}\"", "f:1: user: the text has a control character" },
	{ "admin-socket = \"/23456789012345678901234567890123456789012345678901234567890123456789"
	  "0123456789012345678901234567890123456789\"",
	  "f:1: admin-socket: expected at most 103 bytes, not 109" },
	{ "listener \"a\" {\n\n proxy = requrie\n}",
	  "f:3: proxy: expected require, mixed or off, not \"requrie\" (did you mean \"require\"?)" },
	{ "listener \"a\" { dotted-tail = maybe }", "f:1: dotted-tail: expected yes or no, not \"maybe\"" },
	{ "listener \"a\" { address = *:80 }", "f:1: unexpected \"*\": put text in double quotes" },
	{ "listener \"a\" { address = 80 }", "f:1: address: expected \"ADDRESS:PORT\"" },
	{ "listener \"a\" { trust = {\"10.0.0.0/8\",\n\"10.0.0.1/8\"} }",
	  "f:2: trust: \"10.0.0.1/8\" has bits set after its prefix: write \"10.0.0.0/8\" for the network, or "
	  "\"10.0.0.1\" for the one host" },
	{ "listener \"a\" { trust = {lb.example} }", "f:1: trust: \"lb.example\" is not an IP address" },
	{ "listener \"a\" { header-limit = 231 }", "f:1: header-limit: expected a number from 232 to 65551" },
	{ "listener \"a\" { header-limit = 65552 }",
	  "f:1: header-limit: expected a number from 232 to 65551" },
	{ "listener \"a\" { header-deadline = 0s }", "f:1: header-deadline: expected \"100ms\" to \"1h\"" },
	{ "listener \"a\" { defer-accept = 1500ms }", "f:1: defer-accept: expected whole seconds" },
	{ "pool \"w\" { window = 0 }", "f:1: window: expected a number from 1 to 65536" },
	{ "pool \"w\" { queue-size = 0 }", "f:1: queue-size: expected a number from 1" },
	{ "pool \"w\" { take-back-deadline = 9ms }", "f:1: take-back-deadline: expected \"10ms\"" },
	{ "pool \"w\" { socket = \"\" }", "f:1: socket: must not be empty" },
	{ "pool \"w\" { users = {\"\"} }", "f:1: users: expected names or numbers" },
	/* what must fit together */
	{ "listener \"x\" { address = \"*:80\" pool = \"w\" }\n" POOL,
	  "f:1: listener \"x\": trust is missing: list the load balancers that may speak for clients, or write trust = "
	  "{\"any\"} to let everybody" },
	{ "\nlistener \"x\" {\n proxy = mixed address = \"*:80\" pool = \"w\" trust = {} }\n" POOL,
	  "f:2: listener \"x\": trust is missing: " },
	{ "listener \"x\" {\n address = \"*:80\"\n pool = \"wbe\"\n trust = {\"::1\"}\n}\n"
	  "pool \"web\" { socket = \"/w\" }",
	  "f:3: listener \"x\": there is no pool \"wbe\" (did you mean \"web\"?)" },
	{ LISTENER "listener \"b\" {\n address = \"[::]:80\" pool = \"w\" proxy = off }" POOL,
	  "f:3: listener \"b\": address [::]:80 is taken by listener \"a\" ([::]:80)" },
	{ LISTENER "listener \"b\" { address = \"192.0.2.1:80\" pool = \"w\" proxy = off }" POOL,
	  "f:2: listener \"b\": address 192.0.2.1:80 is taken by listener \"a\" ([::]:80)" },
	{ "listener \"a\" { address = \"192.0.2.1:80\" pool = \"w\" proxy = off }\n"
	  "listener \"b\" { address = \"[::ffff:192.0.2.1]:80\" pool = \"w\" proxy = off }\n" POOL,
	  "f:2: listener \"b\": address 192.0.2.1:80 is taken" },
	{ "listener \"a\" { address = \"192.0.2.1:80\" pool = \"w\" proxy = off\n v6-only = yes }\n" POOL,
	  "f:2: listener \"a\": v6-only needs an IPv6 address, not 192.0.2.1:80" },
	{ LISTENER POOL "pool \"v\" { socket = \"/run/w.sock\" }",
	  "f:2: socket \"/run/w.sock\" is named twice" },
	{ "admin-socket = \"/run/w.sock\"\n" LISTENER POOL, "f:3: socket \"/run/w.sock\" is named twice" },
};

Test(config, bad_files)
{
	cr_assert_eq(setenv("USHER_TEST_CONTROL", "a\nb", 1), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config_error error = { "" };
		struct config *c = NULL;
		int r = load(bad[i].text, &c, &error);

		cr_assert_eq(r, -EINVAL, "accepted:\n%s", bad[i].text);
		cr_assert_null(c);
		cr_assert(strncmp(error.text, bad[i].message, strlen(bad[i].message)) == 0,
		          "%s\ngives    %s\nand not  %s", bad[i].text, error.text, bad[i].message);
		cr_assert_null(strchr(error.text, '\n'));
		cr_assert_gt(strlen(error.text), strlen("f:1: "));
	}
}

Test(config, a_good_file_after_bad_ones)
{
	struct config_error error;
	struct config *c = NULL;

	/* libconfuse's scanner is global: what one text leaves behind must not reach the next. */
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_neq(load(bad[i].text, &c, &error), 0);
		c = config_free(good(LISTENER POOL));
	}
}

Test(config, nul_bytes_and_cut_texts)
{
	static const char text[] = "user = \"\\\"u\" /* c */ " LISTENER "# c\n" POOL;
	struct config_error error;
	struct config *c = NULL;

	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		char copy[sizeof(text)];

		memcpy(copy, text, sizeof(text));
		copy[i] = '\0';
		/* " c " in both comments is of no matter to anybody */
		if (config_load_text(copy, sizeof(text) - 1, "f", &c, &error) == 0)
			cr_assert(strchr(" c", text[i]) &&
			                  (text[i - 1] == '*' || text[i + 1] == '*' || text[i - 1] == '#' ||
			                   text[i + 1] == '\n' || text[i] == 'c'),
			          "NUL at %zu", i);
		c = config_free(c);
		if (config_load_text(copy, i, "f", &c, &error) == 0)
			cr_assert_geq(i, sizeof(text) - 2, "cut at %zu", i);
		c = config_free(c);
	}
}

Test(config, defaults)
{
	struct config *c = good(LISTENER POOL);
	const struct config_listener *l = &c->listeners[0];
	const struct config_pool *p = &c->pools[0];

	cr_assert_str_eq(c->file, "f");
	cr_assert_null(c->state_directory);
	cr_assert_null(c->user);
	cr_assert_eq(c->shards, 0);
	cr_assert_eq(c->log_level, CONFIG_LOG_INFO);
	cr_assert_eq(c->stop_deadline_ns, UINT64_C(30000000000));
	cr_assert_eq(c->orphan_deadline_ns, UINT64_C(30000000000));
	cr_assert_eq(c->shard_deadline_ns, UINT64_C(5000000000));
	cr_assert_eq(l->proxy, CONFIG_PROXY_REQUIRE);
	cr_assert_eq(l->accept, CONFIG_ACCEPT_AUTO);
	cr_assert_eq(l->local, CONFIG_LOCAL_DELIVER);
	cr_assert_eq(l->vendor, HANDOFF_VENDOR_NONE);
	cr_assert_not(l->v6_only || l->accept_local_sources);
	cr_assert(l->dotted_tail);
	cr_assert_eq(l->header_deadline_ns, UINT64_C(10000000000));
	cr_assert_eq(l->header_limit, HEADER_LIMIT_DEFAULT);
	cr_assert_eq(l->backlog, 65535);
	cr_assert_eq(l->defer_accept_s, 0);
	cr_assert_eq(p->choose, CONFIG_CHOOSE_LEAST_CONNECTIONS);
	cr_assert_eq(p->window, 256);
	cr_assert_eq(p->queue_size, 4096);
	cr_assert_eq(p->queue_deadline_ns, UINT64_C(5000000000));
	cr_assert_eq(p->take_back_deadline_ns, UINT64_C(500000000));
	cr_assert_eq(p->user_count + p->group_count + c->warning_count, 0);
	config_free(c);
}

/* Every key with a value that is not its default. */
static const char full[] =
	"admin-socket = \"/a\" state-directory = \"/s\" user = \"u\" shards = 3 log-level = debug\n"
	"stop-deadline = 1h orphan-deadline = 90s shard-deadline = 1500ms\n"
	"listener one {\n"
	"  address = [::1]:443 pool = v trust = {10.0.0.0/8, '2001:db8::/32', \"10.1.0.0/16\",}\n"
	"  proxy = mixed v6-only = TRUE accept = window accept-local-sources = on local = close dotted-tail = off\n"
	"  vendor = gcp header-deadline = 4s header-limit = 65551 backlog = 7 defer-accept = 2s\n"
	"}\n"
	"listener \"two\" { address = \"192.0.2.1:0\" pool = \"w\" proxy = off }\n"
	"pool \"w\" { socket = \"/run/w $HOME \\${HOME} \\\"\\\\.sock\" }\n"
	"pool \"v\" { socket = \"/run/v\\$.sock\" users = {www-data, 33} groups = \"adm\" choose = round-robin\n"
	"  window = 1 queue-size = 2 queue-deadline = 3s take-back-deadline = 10ms }\n";

Test(config, every_key)
{
	struct config *c = good(full);
	const struct config_listener *l = &c->listeners[0];
	struct addr nested = addr_from_ip4((const uint8_t[]){ 10, 1, 2, 3 }, 0);

	cr_assert_eq(c->listener_count, 2);
	cr_assert_eq(l->trust_count, 3);
	cr_assert_eq(l->range_count, 2);
	cr_assert(trust_contains(l->ranges, l->range_count, &nested));
	cr_assert_eq(l->pool_index, 1);
	cr_assert_eq(c->listeners[1].pool_index, 0);
	cr_assert(l->v6_only && l->accept_local_sources && !l->dotted_tail);
	cr_assert_eq(l->vendor, HANDOFF_VENDOR_GCP);
	cr_assert_eq(l->defer_accept_s, 2);
	cr_assert_eq(l->header_limit, HEADER_BYTES_MAX);
	cr_assert_str_eq(c->pools[0].socket, "/run/w $HOME ${HOME} \"\\.sock");
	cr_assert_str_eq(c->pools[1].users[1], "33");
	cr_assert_null(c->pools[1].users[2]);
	cr_assert_str_eq(c->pools[1].groups[0], "adm");
	cr_assert_eq(c->shards, 3);
	cr_assert_eq(c->shard_deadline_ns, UINT64_C(1500000000));
	config_free(c);
}

static char *print(const struct config *c)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	cr_assert_eq(config_print(c, file), 0);
	(void)fclose(file);
	return text;
}

static void same_texts(char *const *a, char *const *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		cr_assert_str_eq(a[i], b[i]);
}

/* All but pointers, byte by byte; then what the pointers lead to. */
static void same(const struct config *a, const struct config *b)
{
	cr_assert_eq(a->listener_count, b->listener_count);
	cr_assert_eq(a->pool_count, b->pool_count);
	for (size_t i = 0; i < a->listener_count; i++) {
		struct config_listener x = a->listeners[i], y = b->listeners[i];

		cr_assert_eq(x.trust_count, y.trust_count);
		cr_assert_eq(x.range_count, y.range_count);
		same_texts(x.trust, y.trust, x.trust_count);
		if (x.range_count > 0)
			cr_assert_eq(memcmp(x.ranges, y.ranges, x.range_count * sizeof(x.ranges[0])), 0);
		x.trust = y.trust = NULL;
		x.ranges = y.ranges = NULL;
		cr_assert_eq(memcmp(&x, &y, sizeof(x)), 0, "listener %s", x.name);
	}
	for (size_t i = 0; i < a->pool_count; i++) {
		struct config_pool x = a->pools[i], y = b->pools[i];

		cr_assert_str_eq(x.socket, y.socket);
		same_texts(x.users, y.users, x.user_count);
		same_texts(x.groups, y.groups, x.group_count);
		x.socket = y.socket = NULL;
		x.users = y.users = x.groups = y.groups = NULL;
		cr_assert_eq(memcmp(&x, &y, sizeof(x)), 0, "pool %s", x.name);
	}
	cr_assert_eq(a->shards, b->shards);
	cr_assert_eq(a->log_level, b->log_level);
	cr_assert_eq(a->stop_deadline_ns, b->stop_deadline_ns);
	cr_assert_eq(a->orphan_deadline_ns, b->orphan_deadline_ns);
	cr_assert_eq(a->shard_deadline_ns, b->shard_deadline_ns);
	cr_assert_str_eq(a->admin_socket, b->admin_socket);
	cr_assert_str_eq(a->user ? a->user : "", b->user ? b->user : "");
	cr_assert_str_eq(a->state_directory ? a->state_directory : "",
	                 b->state_directory ? b->state_directory : "");
}

Test(config, what_is_printed_is_read_back)
{
	static const char *const texts[] = { full, LISTENER POOL };

	for (size_t i = 0; i < 2; i++) {
		struct config *c = good(texts[i]), *again;
		char *printed = print(c);

		again = good(printed);
		same(c, again);
		config_free(again);
		config_free(c);
		free(printed);
	}
}

Test(config, warnings)
{
	struct config *c =
		good("admin-socket = \"a.sock\"\n"
	             "listener \"a\" {\n address = \"*:1\" pool = \"w\"\n trust = {\"any\", \"0.0.0.0/0\", "
	             "\"2000::/3\", \"10.0.0.0/8\"}\n"
	             " header-deadline = 2999ms }\n"
	             "listener \"b\" { address = \"*:2\" pool = \"w\" proxy = off\n trust = {\"::1\"}\n"
	             " header-deadline = 1s }\n" POOL "pool \"v\" { socket = \"/v\" }");
	static const char *const expected[] = {
		"f:4: listener \"a\": trust = {\"any\"}: whoever",
		"f:4: listener \"a\": trust \"0.0.0.0/0\" takes in a large part",
		"f:4: listener \"a\": trust \"2000::/3\" takes in a large part",
		"f:5: listener \"a\": header-deadline below 3s: ",
		"f:7: listener \"b\": trust has no effect",
		"f:10: pool \"v\" is named by no listener",
		"f:1: \"a.sock\" does not begin with \"/\"",
	};

	for (size_t i = 0; i < c->warning_count && i < 7; i++)
		cr_assert(strncmp(c->warnings[i], expected[i], strlen(expected[i])) == 0, "%s",
		          c->warnings[i]);
	cr_assert_eq(c->warning_count, 7);
	config_free(c);
}

/* @before, then @count times @format with the number from 0, then @after. To be freed. */
static char *repeated(const char *before, const char *format, int count, const char *after)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	(void)fputs(before, file);
	for (int i = 0; i < count; i++)
		(void)fprintf(file, format, i);
	(void)fputs(after, file);
	(void)fclose(file);
	return text;
}

static void refused(char *text, const char *message)
{
	struct config *c = NULL;
	struct config_error error = { "" };

	cr_assert_eq(load(text, &c, &error), -EINVAL);
	cr_assert_str_eq(error.text, message);
	free(text);
}

Test(config, lists_are_bounded)
{
	static const char before[] = LISTENER "pool \"w\" { socket = \"/w\" users = {";
	char *text = repeated(before, "%d, ", POOL_USERS_MAX, "} }");

	config_free(good(text));
	free(text);
	refused(repeated(before, "%d, ", POOL_USERS_MAX + 1, "} }"), "f:2: users: more than 32 entries");
}

Test(config, warnings_are_bounded)
{
	char *text = repeated("listener \"a\" { address = \"*:1\" pool = \"w\" trust = {", "\"64.0.0.0/6\", ",
	                      41, "} }\n" POOL);
	struct config *c = good(text);

	cr_assert_eq(c->warning_count, CONFIG_WARNINGS_MAX);
	cr_assert_str_eq(c->warnings[CONFIG_WARNINGS_MAX - 1], "10 more warnings");
	config_free(c);
	free(text);
}

Test(config, sections_are_bounded)
{
	refused(repeated("", "pool \"p%d\" { }\n", POOLS_MAX + 1, ""), "f:33: more than 32 pools");
	refused(repeated("", "listener \"l%d\" { }\n", LISTENERS_MAX + 1, ""),
	        "f:65: more than 64 listeners");
}

Test(config, addresses_that_go_together)
{
	config_free(good("listener \"a\" { address = \"[::]:80\" v6-only = yes pool = \"w\" proxy = off }\n"
	                 "listener \"b\" { address = \"0.0.0.0:80\" pool = \"w\" proxy = off }\n"
	                 "listener \"c\" { address = \"*:81\" pool = \"w\" proxy = off }\n"
	                 "listener \"d\" { address = \"127.0.0.1:0\" pool = \"w\" proxy = off }\n"
	                 "listener \"e\" { address = \"127.0.0.1:0\" pool = \"w\" proxy = off }\n" POOL));
}

Test(config, variables_of_the_environment)
{
	struct config *c;

	cr_assert_eq(setenv("USHER_TEST_PORT", "8443", 1), 0);
	c = good(
		"listener \"a\" { address = \"*:${USHER_TEST_PORT}\" pool = \"${USHER_TEST_NONE:-w}\" proxy = off }\n" POOL);
	cr_assert_eq(c->listeners[0].address.port, 8443);
	config_free(c);
}

Test(config, files)
{
	char path[] = "/tmp/usher-test-XXXXXX", longest[300];
	int fd = mkstemp(path);
	struct config_error error = { "" };
	struct config *c = NULL;
	FILE *file = fdopen(fd, "w");

	cr_assert_not_null(file);
	(void)fputs(LISTENER POOL, file);
	(void)fclose(file);
	cr_assert_eq(config_load(path, &c, &error), 0, "%s", error.text);
	cr_assert_str_eq(c->file, path);
	c = config_free(c);
	cr_assert_eq(truncate(path, CONFIG_FILE_BYTES_MAX + 1), 0);
	cr_assert_eq(config_load(path, &c, &error), -EINVAL);
	cr_assert(strstr(error.text, "too large"), "%s", error.text);
	(void)unlink(path);
	cr_assert_eq(config_load(path, &c, &error), -EINVAL);
	cr_assert(strstr(error.text, ": cannot be opened: No such file"), "%s", error.text);
	cr_assert_eq(config_load("/tmp", &c, &error), -EINVAL);
	cr_assert_str_eq(error.text, "/tmp: cannot be read: Is a directory");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	cr_assert_eq(config_load(longest, &c, &error), -EINVAL);
	cr_assert_null(c);
}

Test(config, long_trust_lists)
{
	enum { EACH = 4096, LISTS = TRUST_RANGES_MAX / EACH };
	char *entries = repeated("", "2001:db8::%x:0/112,\n", EACH, ""), *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	struct config *c;

	(void)fputs(POOL, file);
	for (int i = 0; i < LISTS; i++)
		(void)fprintf(file, "listener l%d { address = \"*:%d\" pool = w trust = {%s} }\n", i, i + 1,
		              entries);
	(void)fflush(file);
	c = good(text);
	cr_assert_eq(c->listeners[LISTS - 1].trust_count, EACH);
	cr_assert_eq(c->listeners[LISTS - 1].range_count, 1, "all neighbours");
	config_free(c);
	(void)fputs("listener more {\ntrust = {::1} }", file);
	(void)fclose(file);
	refused(text, "f:65555: trust: more than 65536 entries over all listeners");
	free(entries);
}
