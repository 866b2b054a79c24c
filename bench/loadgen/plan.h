/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Who connection number @index pretends to be: a pure function of the number, so that whoever sees the connection at
 * the other end can tell which one it is, and a run can be repeated. Stated sources do not repeat within a run.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/addr.h"

enum { PLAN_PEERS_MAX = 65534 };

struct plan {
	bool target6; /* the target is ::1: every connection comes from ::1 */
	bool stated6; /* the header states IPv6 addresses */
	uint32_t peers; /* how many addresses of 127.0.0.0/8 to connect from */
};

struct planned {
	struct sockaddr_storage bind; /* port 0 */
	socklen_t bind_size;
	struct addr source;
	struct addr destination;
};

struct planned plan_at(const struct plan *p, uint64_t index);
