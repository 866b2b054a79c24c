/* SPDX-License-Identifier: Apache-2.0 */
/* Words for shards' records: see log_text.h. Refuses to print a client's bytes: addresses only, from binary. */
#include "master/log_text.h"
#include "sys/error_text.h"

#include <string.h>

struct note_text {
	const char *event;
	enum config_log_level level;
	const char *advice;
};

static const struct note_text notes[BOARD_NOTE_COUNT] = {
	[BOARD_NOTE_ACCEPT_PAUSED] = { "accept_paused", CONFIG_LOG_WARNING,
	                               "the kernel ran out of something; accepting goes on in 100 ms. If it repeats, "
	                               "raise the limit that the error names" },
	[BOARD_NOTE_ACCEPT_RESUMED] = { "accept_resumed", CONFIG_LOG_DEBUG, "" },
	[BOARD_NOTE_CHANNEL_ERROR] = { "channel_error", CONFIG_LOG_WARNING,
	                               "a worker's channel could not be used; its connections wait for another" },
	[BOARD_NOTE_RETAKEN_ERROR] = { "retaken_error", CONFIG_LOG_ERROR,
	                               "a message read back from a channel made no sense; please report it" },
	[BOARD_NOTE_ORDER_CUT] = { "order_cut", CONFIG_LOG_ERROR,
	                           "a shard had no descriptor left for what the master sent; raise LimitNOFILE" },
	[BOARD_NOTE_CLOSE_ERROR] = { "close_error", CONFIG_LOG_WARNING, "a socket could not be closed" },
};

static const struct note_text unknown_note = { "note", CONFIG_LOG_WARNING, "" };

static const struct note_text *note_of(const struct board_log_record *record)
{
	return record->reason < BOARD_NOTE_COUNT ? &notes[record->reason] : &unknown_note;
}

const char *log_text_event(const struct board_log_record *record)
{
	switch (record->kind) {
	case BOARD_LOG_REFUSED:
		return "refused";
	case BOARD_LOG_TIMED_OUT:
		return "timed_out";
	default:
		return note_of(record)->event;
	}
}

enum config_log_level log_text_level(const struct board_log_record *record)
{
	return record->kind == BOARD_LOG_NOTE ? note_of(record)->level : CONFIG_LOG_INFO;
}

static void set_text(json_t *object, const char *key, const char *text)
{
	if (text[0] != '\0')
		(void)json_object_set_new(object, key, json_string(text));
}

static void add_connection(json_t *object, const struct board_log_record *record)
{
	char text[ADDR_TEXT_BYTES];

	if (record->kind == BOARD_LOG_REFUSED)
		set_text(object, "reason", refused_name((enum refused)record->reason));
	else
		set_text(object, "phase", timed_out_name((enum timed_out)record->reason));
	set_text(object, "peer", addr_port_text(&record->peer, text));
	set_text(object, "source", addr_port_text(&record->source, text));
	(void)json_object_set_new(object, "id", json_integer((json_int_t)record->id));
}

static void add_note(json_t *object, const struct board_log_record *record)
{
	if (record->value > 0 && record->value < 4096)
		set_text(object, "error", error_text((int)record->value));
	set_text(object, "advice", note_of(record)->advice);
}

json_t *log_text_fields(const struct board_log_record *record, const struct plan *plan, uint32_t shard)
{
	json_t *object = json_object();

	if (record->listener < plan->listener_count)
		set_text(object, "listener", plan->listeners[record->listener].name);
	(void)json_object_set_new(object, "shard", json_integer(shard));
	if (record->kind == BOARD_LOG_NOTE)
		add_note(object, record);
	else
		add_connection(object, record);
	if (record->suppressed > 0)
		(void)json_object_set_new(object, "suppressed", json_integer(record->suppressed));
	return object;
}
