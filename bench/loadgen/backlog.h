/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The backlog run: opens all connections, sends header and payload on each, says "ready N", waits for a line on
 * standard input, takes the answers, says "answered N", and closes nothing before a second line. Between the first line
 * and the last answer it sleeps, and it reads afterwards from the kernel's stamps when each answer came, so that the
 * client's own work does not slow what is measured.
 */
#include "loadgen/engine.h"

void backlog_run(struct engine *e);
