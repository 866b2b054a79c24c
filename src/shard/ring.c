/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard's io_uring: see ring.h.
 *
 * DEFER_TASKRUN is a reliability choice too: a stalled or killed shard has then accepted nothing that another process
 * cannot still accept.
 */
#include "shard/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "sys/clock.h"
#include "sys/peername.h"
#include "sys/probe.h"
#include "sys/ring_setup.h"

enum { SUBMIT_TRIES_MAX = 1000 };

int ring_init(struct ring *ring, uint32_t features)
{
	int r;

	*ring = (struct ring){ 0 };
	r = ring_setup(&ring->uring, RING_SQ_ENTRIES, IORING_SETUP_R_DISABLED);
	if (r < 0)
		return r;
	ring->ready = true;
	if (features & feature_bit(FEATURE_RING_FD))
		ring->registered = io_uring_register_ring_fd(&ring->uring) == 1;
	return 0;
}

static int ring_restrict(struct ring *ring, uint32_t features)
{
	static const uint8_t ops[] = { IORING_OP_ACCEPT, IORING_OP_RECV, IORING_OP_CLOSE, IORING_OP_POLL_ADD,
		                       IORING_OP_ASYNC_CANCEL };
	struct io_uring_restriction r[sizeof(ops) + 2];
	unsigned count = 0;

	memset(r, 0, sizeof(r));
	for (size_t i = 0; i < sizeof(ops); i++) {
		r[count].opcode = IORING_RESTRICTION_SQE_OP;
		r[count++].sqe_op = ops[i];
	}
	if (features & feature_bit(FEATURE_PEERNAME)) {
		r[count].opcode = IORING_RESTRICTION_SQE_OP;
		r[count++].sqe_op = IORING_OP_URING_CMD;
	}
	r[count].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	r[count++].sqe_flags = IOSQE_BUFFER_SELECT | IOSQE_CQE_SKIP_SUCCESS;
	/* liburing 2.3's shared library lacks io_uring_register_restrictions() */
	return io_uring_register((unsigned)ring->uring.ring_fd, IORING_REGISTER_RESTRICTIONS, r, count);
}

int ring_enable(struct ring *ring, uint32_t features)
{
	int r = 0;

	if (features & feature_bit(FEATURE_RESTRICTIONS))
		r = ring_restrict(ring, features);
	if (r < 0)
		return r;
	r = io_uring_register((unsigned)ring->uring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	return r < 0 ? r : 0;
}

void ring_fini(struct ring *ring)
{
	if (ring->ready)
		io_uring_queue_exit(&ring->uring);
	ring->ready = false;
}

/* A full submission queue is passed on at once; the kernel takes all of it, so this ends. */
static struct io_uring_sqe *ring_sqe(struct ring *ring)
{
	for (int tries = 0; tries < SUBMIT_TRIES_MAX; tries++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);

		if (sqe)
			return sqe;
		(void)io_uring_submit(&ring->uring);
	}
	abort(); /* the ring takes nothing any more: the master replaces this shard */
}

int ring_turn(struct ring *ring, uint64_t timeout_ns)
{
	struct __kernel_timespec ts = { .tv_sec = (long long)(timeout_ns / NS_PER_S),
		                        .tv_nsec = (long long)(timeout_ns % NS_PER_S) };
	struct io_uring_cqe *cqe;
	int r;

	if (timeout_ns == 0)
		r = io_uring_submit_and_get_events(&ring->uring);
	else
		r = io_uring_submit_and_wait_timeout(&ring->uring, &cqe, 1, &ts, NULL);
	if (r >= 0 || r == -ETIME || r == -EINTR || r == -EAGAIN || r == -EBUSY)
		return 0;
	return r;
}

unsigned ring_harvest(struct ring *ring, struct ring_event ret[RING_HARVEST_MAX])
{
	struct io_uring_cqe *cqe;
	unsigned head, count = 0;

	io_uring_for_each_cqe (&ring->uring, head, cqe) {
		if (count == RING_HARVEST_MAX)
			break;
		ret[count++] = (struct ring_event){ cqe->user_data, cqe->res, cqe->flags };
	}
	io_uring_cq_advance(&ring->uring, count);
	return count;
}

bool ring_has_more(struct ring *ring)
{
	return io_uring_cq_ready(&ring->uring) > 0;
}

uint32_t ring_overflows(const struct ring *ring)
{
	return *ring->uring.cq.koverflow;
}

void ring_accept_multi(struct ring *ring, int listener, uint64_t tag)
{
	struct io_uring_sqe *sqe = ring_sqe(ring);

	io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	sqe->user_data = tag;
}

void ring_accept_one(struct ring *ring, int listener, struct sockaddr *addr, socklen_t *size, uint64_t tag)
{
	struct io_uring_sqe *sqe = ring_sqe(ring);

	io_uring_prep_accept(sqe, listener, addr, size, SOCK_CLOEXEC | SOCK_NONBLOCK);
	sqe->user_data = tag;
}

void ring_peer(struct ring *ring, int fd, void *addr, uint32_t size, bool only_errors, uint64_t tag)
{
	struct io_uring_sqe *sqe = ring_sqe(ring);

	peername_prepare(sqe, fd, addr, size);
	if (only_errors)
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = tag;
}

void ring_peek(struct ring *ring, int fd, uint16_t group, uint32_t size, uint64_t tag)
{
	struct io_uring_sqe *sqe = ring_sqe(ring);

	/* never with MSG_WAITALL, which repeats bytes here */
	io_uring_prep_recv(sqe, fd, NULL, size, MSG_PEEK | MSG_DONTWAIT);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = group;
	sqe->user_data = tag;
}

void ring_poll(struct ring *ring, int fd, uint32_t events, uint64_t tag)
{
	struct io_uring_sqe *sqe = ring_sqe(ring);

	io_uring_prep_poll_add(sqe, fd, events);
	sqe->user_data = tag;
}

void ring_discard(struct ring *ring, int fd, uint32_t size, uint64_t tag)
{
	struct io_uring_sqe *sqe = ring_sqe(ring);

	/* never with MSG_WAITALL, which eats the application's bytes here */
	io_uring_prep_recv(sqe, fd, NULL, size, MSG_TRUNC | MSG_DONTWAIT);
	sqe->user_data = tag;
}

void ring_close(struct ring *ring, int fd)
{
	struct io_uring_sqe *sqe = ring_sqe(ring);

	io_uring_prep_close(sqe, fd);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = op_tag_pack(OP_CLOSE, 0, 0);
}

void ring_cancel(struct ring *ring, uint64_t tag)
{
	struct io_uring_sqe *sqe = ring_sqe(ring);

	io_uring_prep_cancel64(sqe, tag, 0);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = op_tag_pack(OP_NONE, 0, 0);
}
