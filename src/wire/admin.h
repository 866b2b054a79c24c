/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The admin protocol: how usherctl asks a running master. A Unix SOCK_STREAM socket (its mode says who may); the
 * client sends one line, the server answers with one JSON document and closes. No state is kept between the two, so
 * that `printf 'status\n' | socat - UNIX-CONNECT:PATH` does as well. This file owns no code: it is what both sides
 * keep to, and usherctl(1) shows the same shapes to users.
 *
 * Request: COMMAND[ ARGUMENT…]\n, at most ADMIN_REQUEST_BYTES_MAX bytes with the newline, words separated by one
 * space. Answer: one JSON object of at most ADMIN_ANSWER_BYTES_MAX bytes, UTF-8, then end of file. A request that
 * could not be answered gets {"error": "text"} and nothing else. Members may be added to a shape; a client ignores
 * those it does not know. All counters are monotonic, all gauges are of now, and integers unless shown otherwise.
 */

/* The commands as they go over the wire. */
#define ADMIN_STATUS "status"
#define ADMIN_LISTENERS "listeners"
#define ADMIN_WORKERS "workers"
#define ADMIN_SHARDS "shards"
#define ADMIN_CHECK "check"
#define ADMIN_EXPLAIN "explain" /* with one argument: ADDRESS or ADDRESS:PORT; the port changes nothing */

/*
 * status
 *   {"version": "0.1.0", "pid": n, "uptime_s": n, "state": "running" | "stopping", "generation": n,
 *    "config": "path" | null, "admin": "path", "listeners": n, "pools": n, "workers": n, "shards": n,
 *    "reclaimer_pid": n,
 *    "connections": {"accepted", "handed_off", "taken_back", "delivered", "refused", "timed_out", "lost",
 *                    "in_header", "queued", "unread"}}
 * Here refused, timed_out and lost are sums over their reasons.
 *
 * listeners
 *   {"listeners": [{"name": "https", "address": "[::]:443", "proxy": "require" | "mixed" | "off", "pool": "web",
 *                   "trust": n (ranges), "accept": "auto" | "multishot" | "window", "backlog": n,
 *                   "accepted", "delivered", "refused": {reason: n}, "timed_out": {phase: n}, "lost": {reason: n},
 *                   "in_header", "queued", "unread"}]}
 * The objects refused, timed_out and lost have only members that are not 0, named as in core/ledger.h.
 *
 * workers
 *   {"workers": [{"id": n, "pool": "web", "name": "text of the worker's choice", "pid": n, "uid": n,
 *                 "state": "ready" | "paused" | "draining" | "stuck" | "dropped",
 *                 "open": n | null (it does not send DONE), "capacity": n (0: no limit), "batch": n, "unread": n,
 *                 "delivered": n, "since_s": n}]}
 *
 * shards
 *   {"shards": [{"shard": n, "pid": n, "cpu": n, "generation": n,
 *                "state": "starting" | "running" | "stopping" | "dead",
 *                "accept": "multishot" | "window" | "paused" | "off", "tick_age_ms": n, "slots_used": n, "slots": n,
 *                "respawns": n, "features": {"multishot": bool, …every feature of sys/probe.h}}]}
 *
 * check
 *   {"ok": bool,
 *    "listeners": [{"listener": "https", "shard": n, "accepted", "handed_off", "taken_back", "delivered",
 *                   "refused": {}, "timed_out": {}, "lost": {}, "in_header", "queued", "unread"}],
 *    "text": "why not, where a row does not show it" (optional)}
 * One row per listener and shard, generations that drain included. ok is true when in every row
 *   accepted = delivered + refused + timed_out + lost + in_header + queued, and
 *   delivered = handed_off - taken_back,
 * which usherctl adds up again for itself. A row's delivered can be negative (core/ledger.h).
 *
 * explain ADDRESS
 *   {"address": "192.0.2.1", "trusted": bool,
 *    "listeners": [{"listener": "https", "proxy": "require" | "mixed" | "off", "trusted": bool,
 *                   "entry": "10.0.0.0/8" | null, "header_read": bool, "refused": "untrusted_source" | null,
 *                   "source_refused": "local_source" | null}]}
 * What would become of a connection from that peer. The outer trusted: some listener trusts it. entry is the first
 * text of the trust list that takes it in. source_refused is about a header that states the address as its source;
 * null too where no header is read at all (proxy off, which trusts nobody either).
 */
