/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* SIGTERM and SIGINT as something to wait for beside connections. */
#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>

/* A descriptor, readable when this process is asked to stop; the caller owns it. -1 and errno on failure. */
static inline int stop_signals_open(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}
