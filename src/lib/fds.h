/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* File descriptors out of a received message's control data, so that none of them is ever forgotten. */
#include <stdint.h>
#include <sys/socket.h>

/*
 * Moves the fds of @message into @ret_fds, which holds @max, in the order in which they came. Those beyond @max and
 * those of any other kind (a pidfd) are closed. Returns how many there are.
 */
uint32_t fds_take(struct msghdr *message, int *ret_fds, uint32_t max);

void fds_close(int *fds, uint32_t count);
