/* SPDX-License-Identifier: Apache-2.0 */
/* A worker with its own epoll loop: usher_fd() is one more descriptor in it. It ends on SIGTERM, and loses nothing. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <usher/usher.h>

static int watch(int epoll_fd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void finish(struct usher *usher, int fd, unsigned *open)
{
	close(fd);
	(*open)--;
	(void)usher_done(usher, 1);
}

/* Takes all that has arrived. Returns 0, or an error that is final. */
static int take_all(struct usher *usher, int epoll_fd, unsigned *open)
{
	const struct usher_conn *conn;
	int r;

	while ((r = usher_next(usher, &conn)) == 1) {
		(*open)++;
		if (watch(epoll_fd, conn->fd) != 0)
			finish(usher, conn->fd, open);
	}
	return r == -EMFILE || r == -EPROTO || r == -ENOMEM ? 0 : r;
}

static void answer(struct usher *usher, int fd, unsigned *open)
{
	static const char text[] = "HTTP/1.0 200 OK\r\n\r\nhello\n";
	char request[4096];

	if (recv(fd, request, sizeof(request), 0) > 0)
		(void)send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
	finish(usher, fd, open);
}

static int loop(struct usher *usher, int epoll_fd, int signal_fd)
{
	unsigned open = 0;
	int r = take_all(usher, epoll_fd, &open);

	while (r == 0 || (r == -ENOTCONN && open > 0)) {
		struct epoll_event event;

		if (epoll_wait(epoll_fd, &event, 1, -1) != 1)
			continue;
		if (event.data.fd == usher_fd(usher)) {
			r = take_all(usher, epoll_fd, &open);
		} else if (event.data.fd == signal_fd) {
			struct signalfd_siginfo info;

			(void)!read(signal_fd, &info, sizeof(info));
			(void)usher_drain(usher); /* take_all() returns -ENOTCONN when it is complete */
			r = take_all(usher, epoll_fd, &open);
		} else {
			answer(usher, event.data.fd, &open);
		}
	}
	return r;
}

int main(int argc, char **argv)
{
	struct usher_options options = { .size = sizeof(options),
		                         .flags = USHER_NONBLOCK | USHER_SENDS_DONE,
		                         .path = argc > 1 ? argv[1] : NULL,
		                         .capacity = 1000 };
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC), signal_fd, r;
	struct usher *usher;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	r = usher_open(&usher, &options);
	if (r == 0 && watch(epoll_fd, signal_fd) == 0 && watch(epoll_fd, usher_fd(usher)) == 0) {
		r = loop(usher, epoll_fd, signal_fd);
		(void)usher_close(usher);
	}
	if (r == -ENOTCONN)
		return 0;
	(void)fprintf(stderr, "worker_epoll: %s\n", usher_strerror(r));
	return 1;
}
