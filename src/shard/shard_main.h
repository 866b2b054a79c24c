/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The shard role of usherd. @control_fd is the master's end of the control pair. Returns the exit status. */
int shard_main(int control_fd);
