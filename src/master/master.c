/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master: start, signals, the tick, stop. What each part does is in its own file (master.h lists them).
 *
 * Start: limits, user, sockets, board, plan, reclaimer, shards; only when every shard is ready do the pool and admin
 * sockets appear, so that whoever finds them finds a working Usher. Every failure before that is one line and exit 1.
 */
#include "master/master.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/fd_budget.h"
#include "master/master_main.h"
#include "sys/clock.h"
#include "sys/error_text.h"
#include "sys/probe.h"
#include "sys/sandbox.h"
#include "sys/shm.h"
#include "sys/signals.h"

enum { TICK_MS = 100, WHY_BYTES = 512 };

#define STOP_GRACE_NS (2 * NS_PER_S)

/* ---- limits and privileges ---- */

static rlim_t raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return FD_BUDGET_MIN;
	if (limit.rlim_cur < limit.rlim_max) {
		struct rlimit raised = { .rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max };

		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			limit = raised;
	}
	return limit.rlim_cur;
}

static int become_user(struct master *m, char *why, size_t size)
{
	bool low_port = false;
	int r;

	if (!m->config->user || geteuid() != 0)
		return 0;
	for (size_t i = 0; i < m->config->listener_count; i++)
		low_port = low_port || (m->config->listeners[i].address.port > 0 &&
		                        m->config->listeners[i].address.port < IPPORT_RESERVED);
	r = sandbox_become(m->config->user, low_port);
	if (r == -ENOENT)
		(void)snprintf(why, size,
		               "no such user \"%s\": make it (useradd --system %s) or change `user`",
		               m->config->user, m->config->user);
	else if (r < 0)
		(void)snprintf(why, size, "can't become user \"%s\": %s", m->config->user, error_text(-r));
	return r;
}

void master_shed(struct master *m, int listening)
{
	int fd;

	if (errno != EMFILE && errno != ENFILE)
		return;
	close_fd(&m->spare);
	fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	close_fd(&fd);
	m->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* ---- shards and their CPUs ---- */

static int make_shards(struct master *m)
{
	cpu_set_t allowed;
	uint32_t cpus = 1, count;
	int cpu = -1;

	CPU_ZERO(&allowed);
	if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0)
		cpus = (uint32_t)CPU_COUNT(&allowed);
	count = m->config->shards ? m->config->shards : cpus;
	if (count > SHARDS_MAX)
		count = SHARDS_MAX;
	m->shards = calloc(count, sizeof(*m->shards));
	if (!m->shards)
		return -ENOMEM;
	m->shard_count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct shard_process *p = &m->shards[i];

		*p = (struct shard_process){ .master = m,
			                     .index = i,
			                     .cpu = UINT32_MAX,
			                     .control = -1,
			                     .retaken = -1,
			                     .source = LOOP_SOURCE_NULL };
		/* more shards than CPUs: those over are not pinned */
		if (i < cpus) {
			do
				cpu++;
			while (cpu < CPU_SETSIZE && !CPU_ISSET((size_t)cpu, &allowed));
			p->cpu = cpu < CPU_SETSIZE ? (uint32_t)cpu : UINT32_MAX;
		}
	}
	return 0;
}

static int make_board(struct master *m, rlim_t fds)
{
	void *map;

	m->board_fd = shm_create("usher-board", board_size(m->shard_count), &map);
	if (m->board_fd < 0)
		return m->board_fd;
	m->board = map;
	board_format(m->board, m->shard_count, fd_budget_in_flight(fds));
	return 0;
}

static int make_tables(struct master *m)
{
	for (uint32_t i = 0; i < CHANNELS_ORPHANED_MAX; i++)
		m->orphans[i].end = -1;
	for (uint32_t i = 0; i < ADMIN_CLIENTS_MAX; i++)
		m->admin.clients[i].fd = -1;
	for (uint32_t i = 0; i < POOLS_MAX; i++)
		m->pools[i].fd = m->pools[i].source.fd = -1;
	m->admin.fd = m->admin.source.fd = -1;
	m->reclaim.control = m->reclaim.source.fd = -1;
	m->workers = calloc(WORKERS_MAX, sizeof(*m->workers));
	if (!m->workers)
		return -ENOMEM;
	for (uint32_t i = 0; i < WORKERS_MAX; i++) {
		m->workers[i].master = m;
		m->workers[i].row = i;
		m->workers[i].registration = m->workers[i].pidfd = -1;
		m->workers[i].source.fd = m->workers[i].death.fd = -1;
		for (uint32_t k = 0; k < SHARDS_MAX; k++)
			m->workers[i].channels[k] = WORKER_CHANNEL_NULL;
	}
	return 0;
}

/* ---- signals ---- */

static void reap(struct master *m)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid <= 0)
			return;
		if (!reclaim_reaped(m, pid, status))
			shards_reaped(m, pid, status);
	}
}

static void begin_stop(struct master *m, const char *why)
{
	uint64_t now_ns = clock_now_ns();

	if (m->state == MASTER_STOPPING) {
		log_event(m, CONFIG_LOG_WARNING, "stop_at_once", "ss", "why", why);
		m->stop_ns = now_ns;
		shards_stop(m, now_ns);
		return;
	}
	log_event(m, CONFIG_LOG_INFO, "stopping", "ss sI", "why", why, "deadline_ms",
	          (json_int_t)(m->config->stop_deadline_ns / NS_PER_MS));
	m->state = MASTER_STOPPING;
	m->stop_ns = now_ns + m->config->stop_deadline_ns;
	shards_stop(m, m->stop_ns);
}

static void on_signal(struct loop_source *source, uint32_t events)
{
	struct master *m = (struct master *)(void *)((char *)source - offsetof(struct master, signal_source));
	struct signalfd_siginfo info;

	while (read(m->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(m);
		else if (info.ssi_signo == SIGHUP)
			log_event(m, CONFIG_LOG_WARNING, "reload_unsupported", "ss", "advice",
			          "this version reads its configuration only at start: restart it");
		else
			begin_stop(m, strsignal((int)info.ssi_signo));
	}
}

static int catch_signals(struct master *m)
{
	sigset_t set;
	int r;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	signals_set(SIGPIPE, SIG_IGN);
	/* a parent that ignored it would have our children vanish without a word */
	signals_set(SIGCHLD, SIG_DFL);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	m->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signals < 0)
		return -errno;
	r = loop_add(&m->loop, &m->signal_source, m->signals, EPOLLIN, on_signal);
	return r;
}

/* ---- start ---- */

static int prepare(struct master *m, uint32_t without, char *why, size_t size)
{
	rlim_t fds = raise_fd_limit();
	int r;

	m->started_ns = clock_now_ns();
	m->generation = 1;
	m->log.level = m->config->log_level;
	log_open(&m->log);
	m->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	/* first, so that whatever fails later can be cleaned up after */
	r = make_tables(m);
	if (r == 0 && fds < FD_BUDGET_MIN) {
		(void)snprintf(
			why, size,
			"the limit of open files is %llu, and %d are needed: raise it (ulimit -n, LimitNOFILE=)",
			(unsigned long long)fds, FD_BUDGET_MIN);
		return -EMFILE;
	}
	if (r == 0)
		r = make_shards(m);
	if (r == 0)
		r = loop_init(&m->loop);
	if (r == 0)
		r = catch_signals(m);
	if (r == 0)
		r = make_board(m, fds);
	if (r < 0) {
		(void)snprintf(why, size, "can't start: %s", error_text(-r));
		return r;
	}
	r = become_user(m, why, size);
	if (r < 0)
		return r;
	m->features = features_probe(without | sandbox_impossible());
	return 0;
}

static int start(struct master *m, uint32_t without, char *why, size_t size)
{
	int r = prepare(m, without, why, size);

	if (r == 0)
		r = listen_open(m, why, size);
	if (r < 0)
		return r;
	r = plan_make(m);
	if (r == 0)
		r = reclaim_start(m);
	if (r < 0) {
		(void)snprintf(why, size, "can't start: %s", error_text(-r));
		return r;
	}
	r = shards_start(m, why, size);
	m->started = r == 0;
	if (r == 0 && m->state == MASTER_RUNNING)
		r = pool_open(m, why, size);
	if (r == 0 && m->state == MASTER_RUNNING)
		r = admin_open(m, why, size);
	return r;
}

static void say_started(struct master *m)
{
	for (size_t i = 0; i < m->config->warning_count; i++)
		log_event(m, CONFIG_LOG_WARNING, "config_warning", "ss", "text", m->config->warnings[i]);
	for (size_t i = 0; i < m->config->listener_count; i++) {
		char text[ADDR_TEXT_BYTES];

		log_event(m, CONFIG_LOG_INFO, "listening", "ss ss ss", "listener",
		          m->config->listeners[i].name, "address",
		          addr_port_text(&m->listeners[i].address, text), "pool",
		          m->config->listeners[i].pool);
	}
	log_event(m, CONFIG_LOG_INFO, "started", "ss si si ss", "version", USHER_VERSION, "pid",
	          (int)getpid(), "shards", (int)m->shard_count, "admin", m->config->admin_socket);
}

/* ---- the loop ---- */

static void tick(struct master *m)
{
	uint64_t now_ns = clock_now_ns();

	shards_tick(m, now_ns);
	reclaim_tick(m, now_ns);
	worker_tick(m, now_ns);
	log_drain(m);
	/* shards leave by themselves at the deadline; one that does not is killed a little later */
	if (m->state == MASTER_STOPPING && now_ns > m->stop_ns + STOP_GRACE_NS)
		shards_kill(m);
}

static bool finished(const struct master *m)
{
	return m->state == MASTER_STOPPING && shards_all_dead(m);
}

static int run(struct master *m)
{
	uint64_t next_tick = 0;

	while (!finished(m)) {
		uint64_t now_ns = clock_now_ns();
		int r;

		if (now_ns >= next_tick || now_ns >= shards_deadline(m)) {
			tick(m);
			next_tick = now_ns + TICK_MS * NS_PER_MS;
		}
		r = loop_turn(&m->loop, TICK_MS);
		if (r < 0)
			return r;
	}
	return 0;
}

static void clean_up(struct master *m)
{
	if (m->board)
		log_drain(m);
	admin_close(m);
	pool_close(m);
	if (m->workers)
		worker_close_all(m);
	reclaim_stop(m);
	shards_kill(m);
	for (uint32_t i = 0; m->shards && i < m->shard_count; i++) {
		if (m->shards[i].pid > 0)
			(void)waitpid(m->shards[i].pid, NULL, 0);
		loop_remove(&m->loop, &m->shards[i].source);
		close_fd(&m->shards[i].control);
		close_fd(&m->shards[i].retaken);
		if (m->shards[i].outbox.last)
			outbox_fini(&m->shards[i].outbox);
	}
	listen_close(m);
	close_fd(&m->plan_fd);
	close_fd(&m->board_fd);
	close_fd(&m->signals);
	close_fd(&m->spare);
	loop_fini(&m->loop);
	log_close(&m->log);
	free(m->workers);
	free(m->shards);
	m->config = config_free(m->config);
}

int master_run(struct config *config, uint32_t without)
{
	static struct master m;
	char why[WHY_BYTES] = "unknown";
	int r;

	m = (struct master){ .config = config,
		             .loop = LOOP_NULL,
		             .signals = -1,
		             .spare = -1,
		             .signal_source = LOOP_SOURCE_NULL,
		             .board_fd = -1,
		             .plan_fd = -1 };
	r = start(&m, without, why, sizeof(why));
	if (r == 0) {
		if (m.state == MASTER_RUNNING)
			say_started(&m);
		r = run(&m);
		log_drain(&m);
		log_event(&m, CONFIG_LOG_INFO, "stopped", NULL);
	} else {
		(void)fprintf(stderr, "usherd: %s\n", why);
	}
	clean_up(&m);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
