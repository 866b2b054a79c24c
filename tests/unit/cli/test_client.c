/* SPDX-License-Identifier: Apache-2.0 */
/* Asks a fake master: a thread that accepts once, reads a line and answers as the test says. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "cli/client.h"

enum { PLENTY_MS = 20000, SOON_MS = 50 };

static char directory[] = "/tmp/usher-client-XXXXXX";
static char path[64];
static struct client_error error;

struct master {
	int listener;
	pthread_t thread;
	const char *answer; /* NULL: hold the connection until the client leaves */
	size_t repeat; /* how often the answer is written */
	char request[ADMIN_REQUEST_BYTES_MAX];
};

static void set_up(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/admin.sock", directory);
}

static void tear_down(void)
{
	unlink(path);
	rmdir(directory);
}

TestSuite(client, .init = set_up, .fini = tear_down, .timeout = 30);

/* Stays open until the test's process ends. */
static int listen_at(int type, int backlog)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	cr_assert_eq(listen(fd, backlog), 0);
	return fd;
}

static void *serve(void *argument)
{
	struct master *master = argument;
	_cleanup_close_ int fd = accept4(master->listener, NULL, NULL, SOCK_CLOEXEC);
	char rest;
	size_t got = 0;

	while (got + 1 < sizeof(master->request) && recv(fd, master->request + got, 1, 0) == 1 &&
	       master->request[got++] != '\n')
		;
	if (!master->answer)
		(void)!recv(fd, &rest, 1, 0);
	for (size_t i = 0; master->answer && i < master->repeat; i++) {
		if (send(fd, master->answer, strlen(master->answer), MSG_NOSIGNAL) < 0)
			break;
	}
	return NULL;
}

static int ask_master(struct master *master, uint32_t wait_ms, json_t **ret)
{
	int r;

	master->listener = listen_at(SOCK_STREAM, 4);
	cr_assert_eq(pthread_create(&master->thread, NULL, serve, master), 0);
	r = client_ask(path, "status", wait_ms, ret, &error);
	pthread_join(master->thread, NULL);
	close(master->listener);
	return r;
}

static void expect_text(const char *part)
{
	cr_expect(strstr(error.text, part), "wants \"%s\" in: %s", part, error.text);
}

Test(client, asks_one_line_and_returns_the_object)
{
	struct master master = { .answer = "{\"state\": \"running\"}\n", .repeat = 1 };
	json_t *answer = NULL;

	cr_assert_eq(ask_master(&master, PLENTY_MS, &answer), 0, "%s", error.text);
	cr_expect_str_eq(master.request, "status\n");
	cr_expect_str_eq(json_string_value(json_object_get(answer, "state")), "running");
	json_decref(answer);
}

Test(client, an_answer_comes_in_any_number_of_pieces)
{
	static char large[300 * 1024];
	struct master master = { .answer = large, .repeat = 1 };
	json_t *answer = NULL;

	memset(large, ' ', sizeof(large) - 1);
	memcpy(large, "{\"a\":", 5);
	memcpy(large + sizeof(large) - 4, "1}", 2);
	cr_assert_eq(ask_master(&master, PLENTY_MS, &answer), 0, "%s", error.text);
	cr_expect_eq(json_integer_value(json_object_get(answer, "a")), 1);
	json_decref(answer);
}

Test(client, the_master_s_error_is_passed_on)
{
	struct master master = { .answer = "{\"error\": \"no such command\"}", .repeat = 1 };
	json_t *answer = NULL;

	cr_expect_eq(ask_master(&master, PLENTY_MS, &answer), -EREMOTEIO);
	expect_text("no such command");
	cr_expect_null(answer);
}

Test(client, only_an_object_is_an_answer)
{
	struct master master = { .answer = "[1]", .repeat = 1 };
	json_t *answer = NULL;

	cr_expect_eq(ask_master(&master, PLENTY_MS, &answer), -EPROTO);
	expect_text("not a JSON object");
}

Test(client, half_an_answer_is_none)
{
	struct master master = { .answer = "{\"ok\": true", .repeat = 1 };
	json_t *answer = NULL;

	cr_expect_eq(ask_master(&master, PLENTY_MS, &answer), -EPROTO);
}

Test(client, a_member_twice_is_no_answer)
{
	struct master master = { .answer = "{\"ok\": false, \"ok\": true}", .repeat = 1 };
	json_t *answer = NULL;

	cr_expect_eq(ask_master(&master, PLENTY_MS, &answer), -EPROTO);
}

Test(client, closed_without_an_answer)
{
	struct master master = { .answer = "", .repeat = 0 };
	json_t *answer = NULL;

	cr_expect_eq(ask_master(&master, PLENTY_MS, &answer), -EPROTO);
	expect_text("closed without an answer");
}

Test(client, does_not_wait_for_ever)
{
	struct master master = { .answer = NULL };
	json_t *answer = NULL;

	cr_expect_eq(ask_master(&master, SOON_MS, &answer), -ETIMEDOUT);
	expect_text("no answer in time");
}

Test(client, does_not_wait_for_ever_to_be_accepted)
{
	_cleanup_close_ int first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	json_t *answer = NULL;

	(void)listen_at(SOCK_STREAM, 0);
	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	cr_assert_eq(connect(first, (struct sockaddr *)&name, sizeof(name)), 0);
	cr_expect_eq(client_ask(path, "status", SOON_MS, &answer, &error), -ETIMEDOUT);
	expect_text("no answer in time");
}

Test(client, does_not_read_without_end)
{
	static char block[1 << 20];
	struct master master = { .answer = block, .repeat = 64 };
	json_t *answer = NULL;

	memset(block, ' ', sizeof(block) - 1);
	cr_expect_eq(ask_master(&master, PLENTY_MS, &answer), -EMSGSIZE);
	expect_text("larger than");
}

Test(client, nothing_there)
{
	json_t *answer = NULL;

	cr_expect_eq(client_ask(path, "status", PLENTY_MS, &answer, &error), -ENOENT);
	expect_text("usherd is not running");
	expect_text(path);
}

Test(client, a_socket_that_was_left_behind)
{
	json_t *answer = NULL;

	close(listen_at(SOCK_STREAM, 1));
	cr_expect_eq(client_ask(path, "status", PLENTY_MS, &answer, &error), -ECONNREFUSED);
	expect_text("nobody listens");
}

Test(client, a_pool_s_socket_is_told_apart)
{
	json_t *answer = NULL;

	(void)listen_at(SOCK_SEQPACKET, 1);
	cr_expect_eq(client_ask(path, "status", PLENTY_MS, &answer, &error), -EPROTOTYPE);
	expect_text("pool");
}

Test(client, without_permission)
{
	json_t *answer = NULL;
	int r;

	(void)listen_at(SOCK_STREAM, 1);
	cr_assert_eq(chmod(path, 0600), 0);
	cr_assert_eq(chmod(directory, 0755), 0);
	if (geteuid() != 0)
		cr_skip_test("needs root, to become somebody else");
	cr_assert_eq(seteuid(65534), 0);
	r = client_ask(path, "status", PLENTY_MS, &answer, &error);
	cr_assert_eq(seteuid(0), 0);
	cr_expect_eq(r, -EACCES);
	expect_text("permission denied");
}

Test(client, a_path_has_to_fit)
{
	char longer[200];
	json_t *answer = NULL;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	cr_expect_eq(client_ask(longer, "status", PLENTY_MS, &answer, &error), -ENAMETOOLONG);
}

Test(client, a_request_is_one_bounded_line)
{
	char longer[ADMIN_REQUEST_BYTES_MAX + 1];
	json_t *answer = NULL;

	(void)listen_at(SOCK_STREAM, 2);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	cr_expect_eq(client_ask(path, longer, PLENTY_MS, &answer, &error), -EINVAL);
	cr_expect_eq(client_ask(path, "status\ncheck", PLENTY_MS, &answer, &error), -EINVAL);
}
