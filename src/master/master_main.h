/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The master role of usherd: runs until it is told to stop. Takes the configuration. Returns the exit status. */
#include <stdint.h>

struct config;

/* @without: a mask of sys/probe.h's features to do without. */
int master_run(struct config *config, uint32_t without);
