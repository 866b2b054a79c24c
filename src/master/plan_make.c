/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan that shards get, made of a checked configuration and this host's own addresses. Those are read once per
 * generation: an address that the host gets later is known after the next reload.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "master/master.h"
#include "sys/shm.h"

static bool own_address(const struct ifaddrs *i, struct addr *ret)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	uint8_t ip[4];

	if (!i->ifa_addr)
		return false;
	if (i->ifa_addr->sa_family == AF_INET) {
		memcpy(&v4, i->ifa_addr, sizeof(v4));
		memcpy(ip, &v4.sin_addr, sizeof(ip));
		*ret = addr_from_ip4(ip, 0);
		return true;
	}
	if (i->ifa_addr->sa_family == AF_INET6) {
		memcpy(&v6, i->ifa_addr, sizeof(v6));
		*ret = addr_from_ip6(v6.sin6_addr.s6_addr, 0);
		return true;
	}
	return false;
}

/* Appends them at @ranges, sorted; returns how many. */
static uint32_t own_ranges(struct trust_range *ranges)
{
	struct ifaddrs *list = NULL;
	size_t count = 0;
	struct addr a;

	if (getifaddrs(&list) < 0)
		return 0;
	for (const struct ifaddrs *i = list; i && count < OWN_ADDRESSES_MAX; i = i->ifa_next)
		if (own_address(i, &a))
			ranges[count++] = trust_range_of(&a);
	freeifaddrs(list);
	return (uint32_t)trust_build(ranges, count);
}

static void plan_listener_of(const struct config_listener *c, const struct addr *address,
                             struct plan_listener *ret)
{
	*ret = (struct plan_listener){
		.address = *address,
		.pool = c->pool_index,
		.proxy = (uint8_t)c->proxy,
		.accept = (uint8_t)c->accept,
		.local = (uint8_t)c->local,
		.vendor = c->vendor,
		.accept_local_sources = c->accept_local_sources,
		.dotted_tail = c->dotted_tail,
		.header_limit = c->header_limit,
		.header_deadline_ns = c->header_deadline_ns,
	};
	memcpy(ret->name, c->name, sizeof(ret->name));
}

static void plan_pool_of(const struct config_pool *c, struct plan_pool *ret)
{
	*ret = (struct plan_pool){
		.choose = (uint8_t)c->choose,
		.window = c->window,
		.queue_size = c->queue_size,
		.queue_deadline_ns = c->queue_deadline_ns,
		.take_back_deadline_ns = c->take_back_deadline_ns,
	};
	memcpy(ret->name, c->name, sizeof(ret->name));
}

static void fill(const struct master *m, struct plan *plan)
{
	const struct config *c = m->config;

	plan->listener_count = (uint32_t)c->listener_count;
	plan->pool_count = (uint32_t)c->pool_count;
	plan->stop_deadline_ns = c->stop_deadline_ns;
	plan->orphan_deadline_ns = c->orphan_deadline_ns;
	for (size_t i = 0; i < c->pool_count; i++)
		plan_pool_of(&c->pools[i], &plan->pools[i]);
	for (size_t i = 0; i < c->listener_count; i++) {
		const struct config_listener *l = &c->listeners[i];

		plan_listener_of(l, &m->listeners[i].address, &plan->listeners[i]);
		plan->listeners[i].trust_first = plan->range_count;
		plan->listeners[i].trust_count = (uint32_t)l->range_count;
		if (l->range_count > 0)
			memcpy(plan->ranges + plan->range_count, l->ranges,
			       l->range_count * sizeof(*l->ranges));
		plan->range_count += (uint32_t)l->range_count;
	}
	plan->own_first = plan->range_count;
	plan->own_count = own_ranges(plan->ranges + plan->own_first);
	plan->range_count += plan->own_count;
	plan->size = sizeof(*plan) + plan->range_count * sizeof(struct trust_range);
}

/* The memfd and its mapping, of a plan that is still to be freed. */
static int plan_publish(struct master *m, const struct plan *plan)
{
	_cleanup_close_ int fd = shm_create_sealed("usher-plan", plan, plan->size);
	size_t size;
	void *map;
	int r;

	if (fd < 0)
		return take_fd(&fd);
	r = shm_map(fd, 0, &map, &size);
	if (r < 0)
		return r;
	m->plan = map;
	m->plan_fd = take_fd(&fd);
	return 0;
}

int plan_make(struct master *m)
{
	size_t ranges = OWN_ADDRESSES_MAX;
	struct plan *plan;
	int r;

	for (size_t i = 0; i < m->config->listener_count; i++)
		ranges += m->config->listeners[i].range_count;
	plan = calloc(1, sizeof(*plan) + ranges * sizeof(struct trust_range));
	if (!plan)
		return -ENOMEM;
	fill(m, plan);
	r = plan_publish(m, plan);
	free(plan);
	return r;
}
