/* SPDX-License-Identifier: Apache-2.0 */
/* What the admin socket answers: the shapes of wire/admin.h, from the board and the master's tables. Changes nothing. */
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "master/answer_explain.h"
#include "master/master.h"
#include "sys/clock.h"
#include "sys/probe.h"
#include "wire/admin.h"

static json_t *integer(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static void set(json_t *object, const char *key, uint64_t n)
{
	(void)json_object_set_new(object, key, integer(n));
}

/* ---- the ledger ---- */

static json_t *words(const uint64_t *columns, int count, const char *(*name)(int))
{
	json_t *object = json_object();

	for (int i = 0; i < count; i++)
		if (columns[i] > 0)
			set(object, name(i), columns[i]);
	return object;
}

static const char *refused_word(int i)
{
	return refused_name((enum refused)i);
}

static const char *timed_out_word(int i)
{
	return timed_out_name((enum timed_out)i);
}

static const char *lost_word(int i)
{
	return lost_name((enum lost)i);
}

static void add_ledger(json_t *object, const struct ledger *l)
{
	set(object, "accepted", l->accepted);
	set(object, "handed_off", l->handed_off);
	set(object, "taken_back", l->taken_back);
	(void)json_object_set_new(object, "delivered", json_integer(ledger_delivered(l)));
	(void)json_object_set_new(object, "refused", words(l->refused, REFUSED_COUNT, refused_word));
	(void)json_object_set_new(object, "timed_out", words(l->timed_out, TIMED_OUT_COUNT, timed_out_word));
	(void)json_object_set_new(object, "lost", words(l->lost, LOST_COUNT, lost_word));
	set(object, "in_header", l->in_header);
	set(object, "queued", l->queued);
	set(object, "unread", l->unread);
}

static void read_row(const struct master *m, uint32_t shard, uint32_t listener, struct ledger *ret)
{
	board_row_read(board_row(m->board, m->slot, shard, listener), ret);
}

static void sum_listener(const struct master *m, uint32_t listener, struct ledger *ret)
{
	*ret = (struct ledger){ 0 };
	for (uint32_t i = 0; i < m->shard_count; i++) {
		struct ledger row;

		read_row(m, i, listener, &row);
		ledger_add(ret, &row);
	}
}

static uint64_t sum_of(const uint64_t *columns, int count)
{
	uint64_t sum = 0;

	for (int i = 0; i < count; i++)
		sum += columns[i];
	return sum;
}

/* ---- status ---- */

static json_t *connections(const struct master *m)
{
	struct ledger all = { 0 };
	json_t *object = json_object();

	for (uint32_t i = 0; i < m->config->listener_count; i++) {
		struct ledger l;

		sum_listener(m, i, &l);
		ledger_add(&all, &l);
	}
	add_ledger(object, &all);
	set(object, "refused", sum_of(all.refused, REFUSED_COUNT));
	set(object, "timed_out", sum_of(all.timed_out, TIMED_OUT_COUNT));
	set(object, "lost", sum_of(all.lost, LOST_COUNT));
	return object;
}

static json_t *answer_status(struct master *m)
{
	json_t *object = json_object();

	(void)json_object_set_new(object, "version", json_string(USHER_VERSION));
	set(object, "pid", (uint64_t)getpid());
	set(object, "uptime_s", (clock_now_ns() - m->started_ns) / NS_PER_S);
	(void)json_object_set_new(object, "state",
	                          json_string(m->state == MASTER_RUNNING ? "running" : "stopping"));
	set(object, "generation", m->generation);
	(void)json_object_set_new(object, "config",
	                          m->config->file ? json_string(m->config->file) : json_null());
	(void)json_object_set_new(object, "admin", json_string(m->config->admin_socket));
	set(object, "listeners", m->config->listener_count);
	set(object, "pools", m->config->pool_count);
	set(object, "workers", m->worker_count);
	set(object, "shards", m->shard_count);
	set(object, "reclaimer_pid", m->reclaim.pid > 0 ? (uint64_t)m->reclaim.pid : 0);
	(void)json_object_set_new(object, "connections", connections(m));
	return object;
}

/* ---- listeners ---- */

static json_t *listener_row(const struct master *m, uint32_t i)
{
	static const char *const proxy[] = { "require", "mixed", "off" };
	static const char *const accept[] = { "auto", "multishot", "window" };
	const struct config_listener *c = &m->config->listeners[i];
	char text[ADDR_TEXT_BYTES];
	json_t *object = json_object();
	struct ledger l;

	(void)json_object_set_new(object, "name", json_string(c->name));
	(void)json_object_set_new(object, "address",
	                          json_string(addr_port_text(&m->listeners[i].address, text)));
	(void)json_object_set_new(object, "proxy", json_string(proxy[c->proxy]));
	(void)json_object_set_new(object, "pool", json_string(c->pool));
	set(object, "trust", c->range_count);
	(void)json_object_set_new(object, "accept", json_string(accept[c->accept]));
	set(object, "backlog", c->backlog);
	sum_listener(m, i, &l);
	add_ledger(object, &l);
	return object;
}

static json_t *answer_listeners(struct master *m)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < m->config->listener_count; i++)
		(void)json_array_append_new(rows, listener_row(m, i));
	return json_pack("{so}", "listeners", rows);
}

/* ---- workers ---- */

static const char *worker_state(const struct worker *w, bool stuck)
{
	switch (atomic_load(&w->master->board->workers[w->row].state)) {
	case BOARD_WORKER_READY:
		return stuck ? "stuck" : "ready";
	case BOARD_WORKER_PAUSED:
		return "paused";
	case BOARD_WORKER_DRAINING:
		return "draining";
	default:
		return "dropped";
	}
}

static json_t *worker_row(struct worker *w)
{
	struct master *m = w->master;
	struct board_worker *b = &m->board->workers[w->row];
	uint64_t unread = 0, delivered = 0;
	bool stuck = false;
	json_t *object = json_object(), *name = json_stringn(w->name, strnlen(w->name, sizeof(w->name)));

	for (uint32_t i = 0; i < m->shard_count; i++) {
		struct board_channel *c = &board_shard(m->board, m->slot, i)->channels[w->row];

		unread += atomic_load(&c->unread);
		delivered += atomic_load(&c->handed_off);
		stuck = stuck || atomic_load(&c->stuck);
	}
	set(object, "id", w->number);
	(void)json_object_set_new(object, "pool", json_string(m->config->pools[w->pool].name));
	(void)json_object_set_new(object, "name", name ? name : json_string("?")); /* not UTF-8 */
	set(object, "pid", (uint64_t)w->pid);
	set(object, "uid", w->uid);
	(void)json_object_set_new(object, "state", json_string(worker_state(w, stuck)));
	(void)json_object_set_new(object, "open",
	                          b->sends_done ? integer(atomic_load(&b->open)) : json_null());
	set(object, "capacity", w->capacity);
	set(object, "batch", w->batch);
	set(object, "unread", unread);
	set(object, "delivered", delivered);
	set(object, "since_s", (clock_now_ns() - w->since_ns) / NS_PER_S);
	return object;
}

static json_t *answer_workers(struct master *m)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < WORKERS_MAX; i++)
		if (m->workers[i].number != 0 && m->workers[i].welcomed)
			(void)json_array_append_new(rows, worker_row(&m->workers[i]));
	return json_pack("{so}", "workers", rows);
}

/* ---- shards ---- */

static json_t *features(uint32_t mask)
{
	json_t *object = json_object();

	for (int i = 0; i < FEATURE_COUNT; i++)
		(void)json_object_set_new(object, feature_name((enum feature)i),
		                          json_boolean(mask & feature_bit((enum feature)i)));
	return object;
}

static json_t *shard_row(const struct master *m, const struct shard_process *p)
{
	static const char *const states[] = { "dead", "starting", "running", "stopping" };
	static const char *const accepts[] = { "off", "multishot", "window", "paused" };
	const struct board_shard *b = board_shard(m->board, m->slot, p->index);
	uint64_t now_ns = clock_now_ns(), tick = atomic_load(&b->tick_ns);
	uint32_t accept = atomic_load(&b->accept);
	json_t *object = json_object();

	set(object, "shard", p->index);
	set(object, "pid", p->pid > 0 ? (uint64_t)p->pid : 0);
	(void)json_object_set_new(object, "cpu", p->cpu == UINT32_MAX ? json_null() : integer(p->cpu));
	set(object, "generation", m->generation);
	(void)json_object_set_new(object, "state", json_string(states[p->state]));
	(void)json_object_set_new(object, "accept", json_string(accept < 4 ? accepts[accept] : "?"));
	set(object, "tick_age_ms", tick && now_ns > tick ? (now_ns - tick) / NS_PER_MS : 0);
	set(object, "slots_used", atomic_load(&b->slots_used));
	set(object, "slots", atomic_load(&b->slots));
	set(object, "respawns", p->respawns);
	set(object, "cq_overflows", atomic_load(&b->cq_overflows));
	(void)json_object_set_new(object, "features", features(atomic_load(&b->features)));
	return object;
}

static json_t *answer_shards(struct master *m)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < m->shard_count; i++)
		(void)json_array_append_new(rows, shard_row(m, &m->shards[i]));
	return json_pack("{so}", "shards", rows);
}

/* ---- check ---- */

static json_t *answer_check(struct master *m)
{
	json_t *rows = json_array();
	bool ok = true;

	for (uint32_t i = 0; i < m->config->listener_count; i++) {
		for (uint32_t k = 0; k < m->shard_count; k++) {
			json_t *object = json_object();
			struct ledger l;

			read_row(m, k, i, &l);
			ok = ok && ledger_imbalance(&l) == 0;
			(void)json_object_set_new(object, "listener",
			                          json_string(m->config->listeners[i].name));
			set(object, "shard", k);
			add_ledger(object, &l);
			(void)json_array_append_new(rows, object);
		}
	}
	return json_pack("{sb so}", "ok", ok, "listeners", rows);
}

char *answer_to(struct master *m, const char *request)
{
	static const struct {
		const char *command;
		json_t *(*answer)(struct master *m);
	} commands[] = {
		{ ADMIN_STATUS, answer_status },   { ADMIN_LISTENERS, answer_listeners },
		{ ADMIN_WORKERS, answer_workers }, { ADMIN_SHARDS, answer_shards },
		{ ADMIN_CHECK, answer_check },
	};
	static const char explain[] = ADMIN_EXPLAIN " ";
	json_t *object = NULL;
	char *text;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]) && !object; i++)
		if (strcmp(request, commands[i].command) == 0)
			object = commands[i].answer(m);
	if (!object && strncmp(request, explain, strlen(explain)) == 0)
		object = answer_explain(m->config, m->plan, request + strlen(explain));
	if (!object)
		object = json_pack(
			"{ss}", "error",
			"unknown command; this Usher knows status, listeners, workers, shards, check and explain ADDRESS");
	text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}
