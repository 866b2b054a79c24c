/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shards' log records as events with fields. A record comes from a shard: its numbers are checked before use. */
#include <jansson.h>

#include "master/config.h"
#include "wire/board.h"
#include "wire/plan.h"

const char *log_text_event(const struct board_log_record *record);
enum config_log_level log_text_level(const struct board_log_record *record);

/* A new object. */
json_t *log_text_fields(const struct board_log_record *record, const struct plan *plan, uint32_t shard);
