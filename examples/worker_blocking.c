/* SPDX-License-Identifier: Apache-2.0 */
/* The shortest worker: one connection after the other, with usher_accept4() in the place of accept4(). */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>
#include <usher/usher.h>

static void serve(int fd, const struct sockaddr *client, socklen_t size)
{
	struct timeval patience = { .tv_sec = 5 };
	char request[4096], answer[256], host[NI_MAXHOST];
	int length;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (recv(fd, request, sizeof(request), 0) <= 0)
		return;
	if (getnameinfo(client, size, host, sizeof(host), NULL, 0, NI_NUMERICHOST) != 0)
		(void)snprintf(host, sizeof(host), "whoever you are");
	length = snprintf(answer, sizeof(answer), "HTTP/1.0 200 OK\r\n\r\nhello, %.100s\n", host);
	(void)send(fd, answer, (size_t)length, MSG_NOSIGNAL);
}

int main(int argc, char **argv)
{
	struct usher_options options = { .size = sizeof(options), .path = argc > 1 ? argv[1] : NULL };
	struct usher *usher;
	int fd, r = usher_open(&usher, &options);

	while (r == 0 || r == -EINTR || r == -EMFILE || r == -EPROTO || r == -ENOMEM) {
		struct sockaddr_storage client;
		socklen_t size = sizeof(client);

		fd = usher_accept4(usher, (struct sockaddr *)&client, &size, SOCK_CLOEXEC);
		r = fd < 0 ? fd : 0;
		if (r < 0)
			continue;
		serve(fd, (struct sockaddr *)&client, size);
		close(fd);
	}
	(void)fprintf(stderr, "worker_blocking: %s\n", usher_strerror(r));
	return 1;
}
