/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The roles of usherd's binary besides the master, and where each finds its control socket. */

enum { ROLE_CONTROL_FD = 3 };

#define ROLE_SHARD "shard"
#define ROLE_RECLAIMER "reclaimer"
