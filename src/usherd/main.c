/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usherd: one program, three roles. The master is what a user starts; it starts the others from the same file with
 * --role, so that an upgrade of the file on disk never mixes versions.
 *
 * Exit status: 0 a clean stop, or the configuration is fine; 1 it could not start or run; 2 wrong use.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "master/config.h"
#include "master/master_main.h"
#include "master/options.h"
#include "master/reclaimer.h"
#include "master/roles.h"
#include "shard/shard_main.h"
#include "sys/probe.h"

static int wrong_use(const char *text)
{
	(void)fprintf(stderr, "%s\n", text);
	return OPTIONS_EXIT_USAGE;
}

static int load(const struct options *o, struct config **ret)
{
	const struct config_arguments arguments = options_arguments(o);
	struct config_error error = { .text = "out of memory" };
	int r = o->file ? config_load(o->file, ret, &error) : config_from_arguments(&arguments, ret, &error);

	if (r < 0)
		(void)fprintf(stderr, "usherd: %s\n", error.text);
	else if (o->log_level_given)
		(*ret)->log_level = o->log_level;
	return r;
}

/* The mask of features to do without; false: one of them is unknown. */
static bool without_mask(const struct options *o, uint32_t *ret)
{
	*ret = 0;
	for (size_t i = 0; o->without[i]; i++) {
		int feature = feature_by_name(o->without[i]);

		if (feature < 0) {
			(void)fprintf(stderr,
			              "usherd: --without %s: no such feature; usherctl doctor lists them\n",
			              o->without[i]);
			return false;
		}
		*ret |= feature_bit((enum feature)feature);
	}
	return true;
}

static int check(struct config *config)
{
	for (size_t i = 0; i < config->warning_count; i++)
		(void)fprintf(stderr, "usherd: warning: %s\n", config->warnings[i]);
	(void)printf("the configuration is fine: %zu listeners, %zu pools\n", config->listener_count,
	             config->pool_count);
	(void)config_free(config);
	return EXIT_SUCCESS;
}

static int print(struct config *config)
{
	int r = config_print(config, stdout);

	(void)config_free(config);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(const struct options *o)
{
	struct config *config;
	uint32_t without;

	if (!without_mask(o, &without))
		return OPTIONS_EXIT_USAGE;
	if (o->take_over && o->what == OPTIONS_RUN)
		return wrong_use(
			"usherd: --take-over is not in this version: stop the running instance first");
	if (load(o, &config) < 0)
		return EXIT_FAILURE;
	if (o->what == OPTIONS_CHECK)
		return check(config);
	if (o->what == OPTIONS_PRINT)
		return print(config);
	return master_run(config, without);
}

/*
 * A standard stream that is closed would be the next socket's or board's number, and the log would be written into
 * it.
 */
static bool fill_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close_fd(&fd);
	return fcntl(STDERR_FILENO, F_GETFD) >= 0;
}

int main(int argc, char **argv)
{
	struct options options;
	struct options_error error;

	if (!fill_standard_streams())
		return EXIT_FAILURE;
	if (options_parse(argc, argv, &options, &error) < 0)
		return wrong_use(error.text);
	if (options.role == OPTIONS_ROLE_SHARD)
		return shard_main(ROLE_CONTROL_FD);
	if (options.role == OPTIONS_ROLE_RECLAIMER)
		return reclaimer_main(ROLE_CONTROL_FD);
	switch (options.what) {
	case OPTIONS_HELP:
		options_print_help(stdout);
		return EXIT_SUCCESS;
	case OPTIONS_VERSION:
		(void)printf("usherd %s\n", USHER_VERSION);
		return EXIT_SUCCESS;
	case OPTIONS_RUN:
	case OPTIONS_CHECK:
	case OPTIONS_PRINT:
		break;
	}
	return run(&options);
}
