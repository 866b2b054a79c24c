/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The reclaimer role of usherd. @control_fd is the master's end of the control pair. Returns the exit status. */
int reclaimer_main(int control_fd);
