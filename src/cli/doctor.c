/* SPDX-License-Identifier: Apache-2.0 */
/* usherctl doctor: see doctor.h. */
#include "cli/doctor.h"

#include "cli/doctor_host.h"
#include "cli/doctor_kernel.h"
#include "cli/doctor_rows.h"
#include "cli/output.h"

enum verdict doctor_main(bool json)
{
	struct doctor_rows rows = { 0 };

	doctor_kernel(&rows);
	doctor_host(&rows);
	if (json) {
		json_t *answer = doctor_json(&rows);

		output_json(answer, stdout);
		json_decref(answer);
	} else {
		doctor_print(&rows, stdout);
	}
	return doctor_worst(&rows) == DOCTOR_FAIL ? VERDICT_NO : VERDICT_YES;
}
