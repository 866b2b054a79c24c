/* SPDX-License-Identifier: Apache-2.0 */
#include "loadgen/plan.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS = 300000 }; /* more than twice through the IPv4 sources */

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct addr));
}

static void expect_no_source_twice(bool stated6)
{
	const struct plan p = { .peers = 256, .stated6 = stated6 };
	struct addr *sources = calloc(NUMBERS, sizeof(*sources));

	cr_assert_not_null(sources);
	for (uint64_t i = 0; i < NUMBERS; i++)
		sources[i] = plan_at(&p, i).source;
	qsort(sources, NUMBERS, sizeof(*sources), compare);
	for (size_t i = 1; i < NUMBERS; i++)
		cr_assert_neq(compare(&sources[i - 1], &sources[i]), 0, "twice");
	free(sources);
}

Test(plan, no_source_comes_twice)
{
	expect_no_source_twice(false);
	expect_no_source_twice(true);
}

Test(plan, no_source_is_refused_as_local)
{
	const struct plan p = { .peers = 1 };

	for (uint64_t i = 0; i < NUMBERS; i++) {
		struct planned r = plan_at(&p, i);

		cr_assert_not(addr_is_local(&r.source));
		cr_assert_geq(r.source.port, 1024);
	}
}

Test(plan, peers_are_as_many_loopback_addresses_as_asked)
{
	const struct plan p = { .peers = 300 };
	struct planned first = plan_at(&p, 0), last = plan_at(&p, 299), again = plan_at(&p, 300);
	const struct sockaddr_in *a = (const struct sockaddr_in *)&last.bind;

	cr_assert_eq(first.bind.ss_family, AF_INET);
	cr_assert_eq(ntohl(a->sin_addr.s_addr), 0x7f100001U + 299);
	cr_assert_eq(a->sin_port, 0);
	cr_assert_eq(memcmp(&first.bind, &again.bind, sizeof(first.bind)), 0);
	cr_assert_neq(memcmp(&first.bind, &last.bind, sizeof(first.bind)), 0);
}
