/* SPDX-License-Identifier: Apache-2.0 */
#include "master/log_text.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/addr.h"
#include "core/ledger.h"

static struct plan plan = { .listener_count = 2, .listeners = { { .name = "web" }, { .name = "mail" } } };

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "(none)";
}

Test(log_text, every_note_has_an_event_of_its_own_and_a_level)
{
	for (int i = 0; i < BOARD_NOTE_COUNT; i++) {
		struct board_log_record record = { .kind = BOARD_LOG_NOTE, .reason = (uint8_t)i };
		const char *event = log_text_event(&record);

		cr_assert_not_null(event);
		cr_assert_str_neq(event, "note");
		cr_assert(log_text_level(&record) <= CONFIG_LOG_DEBUG);
		for (int k = 0; k < i; k++) {
			struct board_log_record other = { .kind = BOARD_LOG_NOTE, .reason = (uint8_t)k };

			cr_assert_str_neq(event, log_text_event(&other));
		}
	}
}

Test(log_text, a_refused_connection)
{
	struct board_log_record record = { .kind = BOARD_LOG_REFUSED,
		                           .reason = REFUSED_MALFORMED_TLV,
		                           .listener = 1,
		                           .suppressed = 3,
		                           .id = 77 };
	json_t *fields;

	record.peer = addr_from_ip4((const uint8_t[]){ 192, 0, 2, 1 }, 443);
	record.source = addr_from_ip6((const uint8_t[16]){ 0x20, 1, 0xd, 0xb8, [15] = 1 }, 5);
	fields = log_text_fields(&record, &plan, 9);
	cr_assert_str_eq(log_text_event(&record), "refused");
	cr_assert_eq(log_text_level(&record), CONFIG_LOG_INFO);
	cr_assert_str_eq(text_of(fields, "listener"), "mail");
	cr_assert_str_eq(text_of(fields, "reason"), "malformed_tlv");
	cr_assert_str_eq(text_of(fields, "peer"), "192.0.2.1:443");
	cr_assert_str_eq(text_of(fields, "source"), "[2001:db8::1]:5");
	cr_assert_eq(json_integer_value(json_object_get(fields, "shard")), 9);
	cr_assert_eq(json_integer_value(json_object_get(fields, "id")), 77);
	cr_assert_eq(json_integer_value(json_object_get(fields, "suppressed")), 3);
	cr_assert_eq(json_object_size(fields), 7);
	json_decref(fields);
}

Test(log_text, a_connection_that_took_too_long)
{
	struct board_log_record record = { .kind = BOARD_LOG_TIMED_OUT, .reason = TIMED_OUT_QUEUE };
	json_t *fields = log_text_fields(&record, &plan, 0);

	cr_assert_str_eq(log_text_event(&record), "timed_out");
	cr_assert_str_eq(text_of(fields, "phase"), "queue");
	cr_assert_null(json_object_get(fields, "peer"), "no address, no field");
	cr_assert_null(json_object_get(fields, "suppressed"));
	json_decref(fields);
}

Test(log_text, a_note_names_its_error)
{
	struct board_log_record record = { .kind = BOARD_LOG_NOTE,
		                           .reason = BOARD_NOTE_ACCEPT_PAUSED,
		                           .value = 24 };
	json_t *fields = log_text_fields(&record, &plan, 0);

	cr_assert_str_eq(text_of(fields, "error"), strerror(24));
	cr_assert_str_neq(text_of(fields, "advice"), "(none)");
	json_decref(fields);
}

/* Each string is UTF-8 and the whole is one object, as written into the log. */
static void expect_written(const struct board_log_record *record)
{
	json_t *fields = log_text_fields(record, &plan, UINT32_MAX);
	char *line = json_dumps(fields, JSON_COMPACT | JSON_ENSURE_ASCII);
	const char *key;
	json_t *value, *again;

	cr_assert_not_null(log_text_event(record));
	cr_assert(log_text_level(record) <= CONFIG_LOG_DEBUG);
	cr_assert_not_null(line);
	again = json_loads(line, 0, NULL);
	cr_assert(json_equal(again, fields));
	json_object_foreach(fields, key, value)
		cr_assert(json_is_string(value) || json_is_integer(value), "%s", key);
	cr_assert_not_null(json_object_get(fields, "shard"));
	json_decref(again);
	json_decref(fields);
	free(line);
}

Test(log_text, any_kind_and_reason_from_a_shard_is_harmless)
{
	static const int64_t values[] = { INT64_MIN, -1, 0, 1, 4095, 4096, INT64_MAX };
	static const uint16_t listeners[] = { 0, 1, 2, LISTENERS_MAX, UINT16_MAX };

	for (unsigned kind = 0; kind < 256; kind++)
		for (unsigned reason = 0; reason < 256; reason++) {
			struct board_log_record record = { .kind = (uint8_t)kind,
				                           .reason = (uint8_t)reason,
				                           .listener = listeners[reason % 5],
				                           .value = values[reason % 7],
				                           .id = UINT64_MAX,
				                           .suppressed = UINT32_MAX };

			expect_written(&record);
		}
}

Test(log_text, any_bytes_from_a_shard_are_harmless)
{
	uint64_t seed = 7;

	for (int i = 0; i < 20000; i++) {
		struct board_log_record record;
		unsigned char bytes[sizeof(record)];

		for (size_t k = 0; k < sizeof(bytes); k++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			bytes[k] = (unsigned char)(seed >> 56);
		}
		memcpy(&record, bytes, sizeof(record));
		record.kind %= 4;
		expect_written(&record);
	}
}

Test(log_text, a_reason_that_is_none_has_a_word_too)
{
	struct board_log_record record = { .kind = BOARD_LOG_REFUSED,
		                           .reason = REFUSED_COUNT,
		                           .listener = 2 };
	json_t *fields = log_text_fields(&record, &plan, 0);

	cr_assert_str_eq(text_of(fields, "reason"), "?");
	cr_assert_null(json_object_get(fields, "listener"));
	json_decref(fields);
	record.kind = BOARD_LOG_NOTE;
	record.reason = 255;
	cr_assert_str_eq(log_text_event(&record), "note");
}
