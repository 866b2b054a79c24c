/* SPDX-License-Identifier: Apache-2.0 */
#include "core/fd_budget.h"

#include <criterion/criterion.h>

Test(fd_budget, connections)
{
	cr_assert_eq(fd_budget_conns(20000), 20000 - FDS_RESERVED - 2 * WORKERS_MAX);
	cr_assert_eq(fd_budget_conns(1024), 1024 - FDS_RESERVED - 2 * 64);
	cr_assert_eq(fd_budget_conns(0), FD_BUDGET_CONNS_MIN);
	cr_assert_eq(fd_budget_conns(UINT64_MAX), fd_budget_conns(FD_BUDGET_CAP));
	for (uint64_t fds = FD_BUDGET_MIN; fds < 100000; fds += 97) {
		cr_assert_lt(fd_budget_conns(fds), fds, "%llu", (unsigned long long)fds);
		cr_assert_leq(fd_budget_conns(fds), fd_budget_conns(fds + 97));
	}
}

Test(fd_budget, in_flight_leaves_room_for_others)
{
	cr_assert_eq(fd_budget_in_flight(20000), 20000 - FD_BUDGET_FLIGHT_RESERVE);
	cr_assert_eq(fd_budget_in_flight(1024), 768);
	cr_assert_eq(fd_budget_in_flight(0), 0);
	cr_assert_eq(fd_budget_in_flight(UINT64_MAX), FD_BUDGET_FLIGHT_CAP - FD_BUDGET_FLIGHT_RESERVE);
}
