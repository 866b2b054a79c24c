/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The plan: one generation's configuration as shards get it, resolved and immutable (a sealed memfd). No pointers, no
 * paths, no names to look up; the master made it from a checked struct config, and a shard checks only its shape.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "core/addr.h"
#include "core/trust.h"

enum plan_proxy { PLAN_PROXY_REQUIRE, PLAN_PROXY_MIXED, PLAN_PROXY_OFF };
enum plan_accept { PLAN_ACCEPT_AUTO, PLAN_ACCEPT_MULTISHOT, PLAN_ACCEPT_WINDOW };
enum plan_local { PLAN_LOCAL_DELIVER, PLAN_LOCAL_CLOSE };
enum plan_choose { PLAN_CHOOSE_LEAST_CONNECTIONS, PLAN_CHOOSE_ROUND_ROBIN };

struct plan_listener {
	char name[NAME_BYTES_MAX];
	struct addr address;
	uint32_t pool;
	uint8_t proxy; /* enum plan_proxy */
	uint8_t accept; /* enum plan_accept */
	uint8_t local; /* enum plan_local */
	uint8_t vendor; /* enum handoff_vendor */
	bool accept_local_sources;
	bool dotted_tail;
	uint32_t header_limit;
	uint64_t header_deadline_ns;
	uint32_t trust_first; /* into ranges */
	uint32_t trust_count;
};

struct plan_pool {
	char name[NAME_BYTES_MAX];
	uint8_t choose; /* enum plan_choose */
	uint32_t window;
	uint32_t queue_size;
	uint64_t queue_deadline_ns;
	uint64_t take_back_deadline_ns;
};

struct plan {
	uint64_t size; /* of the whole blob */
	uint32_t listener_count;
	uint32_t pool_count;
	uint32_t range_count;
	uint32_t own_first; /* this host's addresses: ranges too */
	uint32_t own_count;
	uint32_t zero;
	uint64_t stop_deadline_ns;
	uint64_t orphan_deadline_ns;
	struct plan_listener listeners[LISTENERS_MAX];
	struct plan_pool pools[POOLS_MAX];
	struct trust_range ranges[];
};

/* True if @bytes holds a plan whose every index lies inside it. */
bool plan_check(const void *bytes, size_t size);

/* True if @peer is on @l's trust list. */
bool plan_trusts(const struct plan *plan, const struct plan_listener *l, const struct addr *peer);

/* True if @l refuses a header that states @source, for local_source. */
bool plan_refuses_source(const struct plan *plan, const struct plan_listener *l, const struct addr *source);
