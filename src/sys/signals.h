/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a process of ours does with signals that it does not read from a signalfd. */
#include <signal.h>
#include <stddef.h>

/* SIG_IGN or SIG_DFL for @signal. */
static inline void signals_set(int signal, void (*what)(int))
{
	const struct sigaction action = { .sa_handler = what };

	(void)sigaction(signal, &action, NULL);
}

/*
 * For shards and the reclaimer: a terminal's Ctrl-C reaches the whole group, and when to stop is the master's decision;
 * it is told over the control socket.
 */
static inline void signals_leave_to_master(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signals_set(ignored[i], SIG_IGN);
}
