/* SPDX-License-Identifier: Apache-2.0 */
/* A worker with its own io_uring: it receives from Usher's channels and from clients by one ring. */
#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <usher/usher.h>

struct client {
	int fd;
	char request[1024];
};

#define USHER_EVENT 1 /* user_data: this, a cookie (2^16 to 2^48), or a client's pointer with a mark */
#define CLIENT ((uint64_t)1 << 60)

static struct io_uring ring;

static struct io_uring_sqe *get_sqe(void)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(&ring)))
		(void)io_uring_submit(&ring);
	return sqe;
}

static void start(int fd)
{
	struct client *client = malloc(sizeof(*client));
	struct io_uring_sqe *sqe = get_sqe();

	assert(client);
	client->fd = fd;
	io_uring_prep_recv(sqe, fd, client->request, sizeof(client->request), 0);
	io_uring_sqe_set_data64(sqe, CLIENT | (uintptr_t)client);
}

/* Starts clients that have arrived, then receives on each channel that is idle, and waits for the rest. */
static int turn(struct usher *usher, bool poll)
{
	const struct usher_conn *conn;
	struct io_uring_sqe *sqe;
	struct msghdr *message;
	uint64_t cookie;
	int fd, r;

	while ((r = usher_next(usher, &conn)) == 1)
		start(conn->fd);
	while (usher_msghdr(usher, &fd, &message, &cookie) == 1) {
		io_uring_prep_recvmsg(sqe = get_sqe(), fd, message, MSG_CMSG_CLOEXEC);
		io_uring_sqe_set_data64(sqe, cookie);
	}
	if (poll) {
		io_uring_prep_poll_add(sqe = get_sqe(), usher_fd(usher), POLLIN);
		io_uring_sqe_set_data64(sqe, USHER_EVENT);
	}
	return r == -EMFILE || r == -EPROTO || r == -ENOMEM ? 0 : r;
}

static void answer(struct client *client, int received)
{
	static const char text[] = "HTTP/1.0 200 OK\r\n\r\nhello\n";

	if (received > 0)
		(void)send(client->fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(client->fd);
	free(client);
}

int main(int argc, char **argv)
{
	struct usher_options options = { .size = sizeof(options), .flags = USHER_OWN_RING, .path = argv[1] };
	struct io_uring_cqe *cqe;
	struct usher *usher;
	int r = usher_open(&usher, &options);

	/* DEFER_TASKRUN: nothing is received while this worker does not run, so Usher can give it to another. */
	if (r == 0)
		r = io_uring_queue_init(256, &ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	for (bool poll = true; r == 0 && (r = turn(usher, poll)) == 0;) {
		poll = false;
		if (io_uring_submit_and_wait(&ring, 1) < 0 || io_uring_peek_cqe(&ring, &cqe) != 0)
			continue;
		if (cqe->user_data & CLIENT)
			answer((struct client *)(uintptr_t)(cqe->user_data & ~CLIENT), cqe->res);
		else if (cqe->user_data == USHER_EVENT)
			poll = true;
		else
			(void)usher_feed(usher, cqe->user_data, cqe->res);
		io_uring_cqe_seen(&ring, cqe);
	}
	(void)fprintf(stderr, "worker_uring: %s\n", usher_strerror(r));
	return 1;
}
