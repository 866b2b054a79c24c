/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a message between Usher and a worker: what passes the check can be read without looking further. */
#include "core/handoff.h"
#include "fuzz_check.h"

static unsigned sum_of(const uint8_t *bytes, size_t size)
{
	unsigned sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += bytes[i];
	return sum;
}

static unsigned read_conns(const uint8_t *message, size_t size)
{
	const struct handoff_conns *conns = (const struct handoff_conns *)(const void *)message;
	unsigned sum = 0;

	FUZZ_CHECK(conns->count <= HANDOFF_FDS_MAX && size <= HANDOFF_BYTES_MAX);
	for (uint32_t i = 0; i < conns->count; i++) {
		const struct handoff_conn *r = handoff_conns_record(message, i);

		FUZZ_CHECK((const uint8_t *)(r + 1) <= message + size);
		FUZZ_CHECK(r->data_offset >= sizeof(*conns) + conns->count * sizeof(*r));
		sum += sum_of(message + r->data_offset, (size_t)r->unix_bytes + r->tlv_bytes);
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *message = fuzz_copy(bytes, size);
	const struct handoff_head *head = (const struct handoff_head *)(const void *)message;
	volatile unsigned sum = 0;
	const char *why = NULL;

	if (handoff_head_check(message, size)) {
		FUZZ_CHECK(head->length == size && head->version == HANDOFF_VERSION);
		if (head->type == HANDOFF_CONNS)
			sum = read_conns(message, size);
		else
			sum = sum_of(message, size);
		if (head->type == HANDOFF_HELLO &&
		    !handoff_hello_check((const struct handoff_hello *)(const void *)message, &why))
			FUZZ_CHECK(why != NULL);
	}
	(void)sum;
	free(message);
	return 0;
}
