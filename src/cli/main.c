/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usherctl: one row of a table per command. Owns the command line and the exit status. Refuses to decide anything that
 * the master decides: an answer is shown, or added up again.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "cli/check.h"
#include "cli/client.h"
#include "cli/decode.h"
#include "cli/doctor.h"
#include "cli/escape.h"
#include "cli/explain.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/verdict.h"
#include "sys/paths.h"
#include "wire/admin.h"

struct options {
	const char *path; /* of the admin socket; NULL: the default */
	const char *argument; /* of a command that takes one */
	bool json;
	bool help;
	bool version;
};

/* Asked of the master, or answered here. */
struct command {
	const char *name;
	const char *help;
	const char *request; /* as in wire/admin.h, or NULL */
	void (*print)(json_t *answer, FILE *out);
	enum verdict (*judge)(json_t *answer); /* NULL: an answer is a yes */
	enum verdict (*run)(const struct options *options); /* without @request */
	int (*main)(int argc, char **argv); /* takes all words from its name on */
	bool has_argument; /* one word, which goes behind @request */
};

static enum verdict run_doctor(const struct options *options)
{
	return doctor_main(options->json);
}

static enum verdict run_version(const struct options *options);
static enum verdict run_help(const struct options *options);

static const struct command commands[] = {
	{ "status", "what runs, and what became of the connections", ADMIN_STATUS, report_status },
	{ "listeners", "each listener's settings and counters", ADMIN_LISTENERS, report_listeners },
	{ "workers", "each registered worker", ADMIN_WORKERS, report_workers },
	{ "shards", "each shard process", ADMIN_SHARDS, report_shards },
	{ "check", "does the ledger hold? (exit 0: yes, 1: no)", ADMIN_CHECK, check_print, check_judge },
	{ "explain", "explain ADDR: does a listener trust that peer? (exit 0: yes, 1: no)", ADMIN_EXPLAIN,
	  report_explain, explain_judge, .has_argument = true },
	{ "doctor", "can this host run usherd? (needs no instance)", .run = run_doctor },
	{ "decode", "a PROXY header on standard input (needs no instance; decode --help)",
	  .main = decode_main },
	{ "version", "usherctl's version", .run = run_version },
	{ "help", "this text", .run = run_help },
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void print_usage(FILE *out)
{
	(void)fputs("usherctl [-s PATH] COMMAND [--json]\n\n", out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
	(void)fputs("\n  -s PATH    the running usherd's admin socket\n"
	            "  --json     the answer as JSON\n\n"
	            "exit: 0 yes, 1 the answer is no, 2 could not ask; more in usherctl(1)\n",
	            out);
}

static enum verdict run_help(const struct options *options)
{
	print_usage(stdout);
	return VERDICT_YES;
}

static enum verdict run_version(const struct options *options)
{
	if (options->json)
		puts("{\"version\":\"" USHER_VERSION "\"}");
	else
		puts("usherctl " USHER_VERSION);
	return VERDICT_YES;
}

/* Takes the options up to the first word, which is the command or follows it. Returns false on a wrong one. */
static bool take_options(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	/* NOLINTNEXTLINE(concurrency-mt-unsafe): usherctl has one thread */
	while ((option = getopt_long(argc, argv, "+s:hV", names, NULL)) != -1) {
		if (option == 's')
			options->path = optarg;
		else if (option == 'j')
			options->json = true;
		else if (option == 'h')
			options->help = true;
		else if (option == 'V')
			options->version = true;
		else
			return false; /* getopt has said why */
	}
	return true;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

/* Says why there is no answer: always to people, and to programs in the shape that they expect. */
static enum verdict not_asked(const struct options *options, const char *why)
{
	char safe[ESCAPE_GROWTH * CLIENT_ERROR_BYTES];

	fprintf(stderr, "usherctl: %s\n", escape_text(why, CLIENT_ERROR_BYTES, safe, sizeof(safe)));
	if (options->json)
		output_error(why, stdout);
	return VERDICT_NOT_ASKED;
}

static enum verdict show(const struct options *options, const struct command *command, json_t *answer)
{
	enum verdict verdict = command->judge ? command->judge(answer) : VERDICT_YES;

	if (verdict == VERDICT_NOT_ASKED)
		return not_asked(options,
		                 "the answer lacks what this usherctl needs: another version runs there");
	if (options->json)
		output_json(answer, stdout);
	else
		command->print(answer, stdout);
	return verdict;
}

static enum verdict ask(const struct options *options, const struct command *command)
{
	_cleanup_free_ char *default_path = options->path ? NULL : admin_socket_default();
	const char *path = options->path ? options->path : default_path;
	char request[ADMIN_REQUEST_BYTES_MAX];
	struct client_error error;
	json_t *answer = NULL;
	enum verdict result;
	int size = snprintf(request, sizeof(request), "%s%s%s", command->request,
	                    options->argument ? " " : "", options->argument ? options->argument : "");

	if (!path)
		return not_asked(options, "no memory");
	if (size < 0 || (size_t)size >= sizeof(request))
		return not_asked(options, "the address is too long to be one");
	if (client_ask(path, request, CLIENT_WAIT_MS, &answer, &error) < 0)
		return not_asked(options, error.text);
	result = show(options, command, answer);
	json_decref(answer);
	return result;
}

static const struct command *wrong_usage(const char *what, const char *word)
{
	char safe[256];

	fprintf(stderr, "usherctl: %s%s: see `usherctl help`\n", what,
	        escape_text(word, sizeof(safe) / ESCAPE_GROWTH, safe, sizeof(safe)));
	return NULL;
}

static enum verdict run(const struct options *options, const struct command *command)
{
	enum verdict result = command->request ? ask(options, command) : command->run(options);

	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "usherctl: cannot write the answer\n");
		return VERDICT_NOT_ASKED;
	}
	return result;
}

/*
 * What the words up to the command, and behind it unless it takes them itself, ask for; NULL, after saying so, when
 * they make no sense.
 */
static const struct command *take_words(int argc, char **argv, struct options *options)
{
	const struct command *command = NULL;

	if (!take_options(argc, argv, options))
		return wrong_usage("wrong option", "");
	if (optind < argc) {
		command = find_command(argv[optind]);
		if (!command)
			return wrong_usage("no such command: ", argv[optind]);
		if (command->main && !options->help && !options->version)
			return command;
		optind++;
		if (!take_options(argc, argv, options))
			return wrong_usage("wrong option", "");
		if (command->has_argument && optind < argc) {
			options->argument = argv[optind++];
			if (!take_options(argc, argv, options))
				return wrong_usage("wrong option", "");
		}
	}
	if (optind < argc)
		return wrong_usage("too many words: ", argv[optind]);
	if (options->help || options->version)
		return find_command(options->help ? "help" : "version");
	if (command && command->has_argument && !options->argument)
		return wrong_usage("an address is missing after ", command->name);
	return command ? command : wrong_usage("a command is missing", "");
}

/* A --json that came before the command goes along, in the place of the word before it. */
static int hand_over(const struct command *command, bool json, int argc, char **argv)
{
	static char json_option[] = "--json";
	int first = optind;

	if (json) {
		argv[first - 1] = argv[first];
		argv[first] = json_option;
		first--;
	}
	return command->main(argc - first, argv + first);
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	const struct command *command = take_words(argc, argv, &options);

	if (!command)
		return VERDICT_NOT_ASKED;
	if (command->main)
		return hand_over(command, options.json, argc, argv);
	return (int)run(&options, command);
}
