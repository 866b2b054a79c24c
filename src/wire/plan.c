/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of a plan, and what it says of an address: see plan.h. */
#include "wire/plan.h"

static bool ranges_inside(const struct plan *plan, uint32_t first, uint32_t count)
{
	return (uint64_t)first + count <= plan->range_count;
}

static bool listener_check(const struct plan *plan, const struct plan_listener *l)
{
	return l->pool < plan->pool_count && l->header_limit >= HEADER_V1_BYTES_MAX &&
	       l->header_limit <= HEADER_BYTES_MAX && ranges_inside(plan, l->trust_first, l->trust_count);
}

bool plan_check(const void *bytes, size_t size)
{
	const struct plan *plan = bytes;

	if (size < sizeof(*plan) || plan->size > size || plan->listener_count > LISTENERS_MAX ||
	    plan->pool_count > POOLS_MAX)
		return false;
	if (plan->size < sizeof(*plan) + (uint64_t)plan->range_count * sizeof(struct trust_range))
		return false;
	if (!ranges_inside(plan, plan->own_first, plan->own_count))
		return false;
	for (uint32_t i = 0; i < plan->listener_count; i++)
		if (!listener_check(plan, &plan->listeners[i]))
			return false;
	return true;
}

bool plan_trusts(const struct plan *plan, const struct plan_listener *l, const struct addr *peer)
{
	return trust_contains(plan->ranges + l->trust_first, l->trust_count, peer);
}

bool plan_refuses_source(const struct plan *plan, const struct plan_listener *l, const struct addr *source)
{
	return !l->accept_local_sources &&
	       (addr_is_local(source) ||
	        trust_contains(plan->ranges + plan->own_first, plan->own_count, source));
}
