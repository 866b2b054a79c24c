/* SPDX-License-Identifier: Apache-2.0 */
#ifndef USHER_USHER_H
#define USHER_USHER_H
/*
 * libusher: receive connections from Usher. See libusher(3); the wire below it is docs/protocol.md.
 *
 * A handle (struct usher) is one worker of one pool. It is used by one thread at a time; a process may open several.
 * The library starts no thread, keeps no global state, installs no signal handler, raises no SIGPIPE and prints
 * nothing. After fork() only one of the two processes may go on using a handle.
 *
 * Errors are negative errno values, returned and never put into errno. Those of usher_next() and usher_accept4():
 *
 *   -EMFILE            transient: this process has no room for the descriptors that wait, or some were lost for that
 *                      reason. Those that wait stay with Usher. Close something; the library tries again by itself.
 *   -EPROTO            transient: Usher sent what makes no sense. The registration was dropped; a new one follows.
 *   -EINTR, -ENOMEM    transient: as usual.
 *   -ENOTCONN          final: the drain is complete; nothing more will come.
 *   -EACCES, -EPROTONOSUPPORT, -EBADMSG, -ENODEV    final: Usher refused a registration that was renewed, for the
 *                      reason that usher_open() names.
 *
 * When Usher restarts or goes away the library registers again by itself, with growing pauses. Connections that were
 * received before are not touched by that.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define USHER_VERSION_MAJOR 0
#define USHER_VERSION_MINOR 1
#define USHER_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

struct usher;

enum usher_flags {
	/* usher_next() and usher_accept4() never wait: 0 and -EAGAIN instead. Without it they wait for a connection. */
	USHER_NONBLOCK = 1 << 0,
	/* This worker calls usher_done() for every connection it was given. */
	USHER_SENDS_DONE = 1 << 1,
	/* Only the shard on CPU usher_options.cpu is wanted. */
	USHER_ONE_CPU = 1 << 2,
	/* The caller receives from the channels itself, with usher_msghdr() and usher_feed(). Implies USHER_NONBLOCK. */
	USHER_OWN_RING = 1 << 3,
	/* usher_open() succeeds although Usher is not there or has no room yet: the library keeps trying. */
	USHER_RETRY = 1 << 4,
	/* usher_open() leaves the soft RLIMIT_NOFILE alone instead of raising it to the hard one (for select(2) users). */
	USHER_KEEP_NOFILE = 1 << 5
};

/* Zero it, set @size to sizeof(struct usher_options), then what is wanted. */
struct usher_options {
	uint32_t size;
	uint32_t flags; /* enum usher_flags */
	const char *path; /* the pool's socket; NULL: the environment variable USHER_SOCKET. Copied. */
	const char *name; /* for people, cut to 63 bytes; NULL: the program's name. Copied. */
	uint32_t capacity; /* most connections open at once; 0: no limit; otherwise needs USHER_SENDS_DONE */
	/*
	 * Most connections in one message, 1 to 253. What is received and not begun dies with the worker, so a slow
	 * one says 1. 0: 64 with USHER_NONBLOCK, otherwise 1. Never more than a quarter of RLIMIT_NOFILE.
	 */
	uint32_t batch;
	uint32_t cpu; /* with USHER_ONE_CPU */
	uint32_t reserved; /* 0 */
};

enum usher_conn_flags {
	USHER_CONN_PROXIED = 1 << 0, /* a PROXY header was read and removed */
	USHER_CONN_LOCAL =
		1 << 1, /* its command was LOCAL: the balancer itself speaks, as in a health check */
	USHER_CONN_CHECKED = 1 << 2, /* it carried a CRC32C, which was right */
	USHER_CONN_DGRAM = 1 << 3, /* the transport that it states is datagram */
	USHER_CONN_RETAKEN = 1 << 4 /* it waited for another worker before, which did not read it */
};

/* How the listener's configuration says to read the TLVs 0xE0 to 0xEF. */
enum usher_vendor {
	USHER_VENDOR_NONE = 0,
	USHER_VENDOR_AWS = 1,
	USHER_VENDOR_AZURE = 2,
	USHER_VENDOR_GCP = 3,
	USHER_VENDOR_ALIBABA = 4
};

/*
 * An address. @size is 0 and @storage.ss_family AF_UNSPEC where there is none. IPv4 is always AF_INET, also where the
 * socket is an AF_INET6 one; AF_INET6 otherwise; AF_UNIX where a header states Unix sockets (@size then ends the name,
 * which has no NUL).
 */
struct usher_address {
	struct sockaddr_storage storage;
	socklen_t size;
	uint32_t reserved;
};

/*
 * A received connection. The library's memory: valid until the next usher_next(), usher_accept4(), usher_msghdr() or
 * usher_close() on its handle. It grows only at its end.
 * What a header states is data that a trusted peer sent, nothing more.
 */
struct usher_conn {
	/*
	 * The socket, from now on the caller's, who closes it: connected, non-blocking, close-on-exec, the header
	 * consumed and not one byte after it.
	 */
	int fd;
	uint32_t flags; /* enum usher_conn_flags */
	uint64_t id; /* unique while Usher runs: the same as in its logs */
	uint8_t proxy_version; /* of the header: 0 (none), 1 or 2 */
	uint8_t vendor; /* enum usher_vendor */
	uint16_t reserved;
	uint32_t tlv_size; /* bytes at @tlv */
	const void *
		tlv; /* the header's TLVs as they came, checked: type (1 byte), length (2, big endian), value */
	struct usher_address peer; /* who opened the TCP connection: the balancer, or a direct client */
	struct usher_address source; /* the client that the header states; none without one, or with LOCAL */
	struct usher_address destination; /* where it states that the client connected to; the same */
	const struct usher_address *client; /* @source if there is one, otherwise @peer */
	const struct usher_address
		*server; /* @destination if there is one, otherwise the socket's own address */
	struct usher_address own; /* getsockname() of the socket: filled only where @server points to it */
};

/*
 * Registers with a pool and waits for the answer, at most 5 seconds.
 *
 * Returns 0 and a handle that usher_close() frees, or: -EINVAL (options that make no sense), -E2BIG (options of a
 * newer library), -EADDRNOTAVAIL (no path), -ENAMETOOLONG (path), -ENOENT or -ECONNREFUSED (no Usher there), -EACCES
 * (this user or group may not register with the pool, or may not reach the path), -EUSERS (no room for another
 * worker), -ESHUTDOWN (Usher is stopping), -ENODEV (no shard on that CPU), -EPROTONOSUPPORT (Usher speaks another
 * version of the protocol), -EBADMSG (it took our HELLO for nonsense), -EPROTO (we take its answer for nonsense),
 * -ETIMEDOUT (no answer), -EMFILE, -ENOMEM. With USHER_RETRY, -ENOENT, -ECONNREFUSED, -EUSERS, -ESHUTDOWN and
 * -ETIMEDOUT do not happen.
 */
int usher_open(struct usher **ret_usher, const struct usher_options *options);

/*
 * Ends the registration and frees the handle; NULL is fine. What still waits in channels goes to other workers. What
 * this handle has received and not yet returned cannot go back and is closed: drain first to lose nothing.
 *
 * Returns 0, or -EBUSY and nothing is done: a receive that usher_msghdr() prepared has not been fed back, so the
 * kernel may still write to its memory (cancel it, feed the result, close again).
 */
int usher_close(struct usher *usher);

/*
 * A descriptor that is readable when usher_next() has something to do, which includes the library's own timers. Only
 * poll it. Borrowed: it ends with the handle. After it is readable call usher_next() until it returns 0.
 */
int usher_fd(const struct usher *usher);

/* Returns 1 and a connection in *@ret_conn; 0 if there is none now (USHER_NONBLOCK only); an error. */
int usher_next(struct usher *usher, const struct usher_conn **ret_conn);

/*
 * As accept4(2), but returns a negative errno: waits for a connection (-EAGAIN with USHER_NONBLOCK), puts the client's
 * address into @addr, and returns the socket, blocking and kept over exec unless @flags has SOCK_NONBLOCK and
 * SOCK_CLOEXEC. -EINVAL for other flags or a wrong @addrlen.
 */
int usher_accept4(struct usher *usher, struct sockaddr *addr, socklen_t *addrlen, int flags);

/*
 * The first TLV of @type. Returns 1 and its value, in the connection's memory, which may have no byte; 0 if there is
 * none; -EBADMSG if the TLVs are no list of TLVs. Values are bytes: never a terminated string.
 */
int usher_tlv(const struct usher_conn *conn, uint8_t type, const void **ret_value, size_t *ret_size);

/*
 * Tells Usher that @count connections are finished. Sent in lots: at half a batch (at most 32, and a quarter of the
 * capacity), when usher_next() finds nothing, or a millisecond later by way of usher_fd(). Returns 0, or -EINVAL: without
 * USHER_SENDS_DONE, or more than were received.
 */
int usher_done(struct usher *usher, uint32_t count);

/*
 * Asks Usher to send nothing, or to send again. What is on its way still comes. Kept over a new registration. Returns
 * 0, or -EAGAIN if Usher does not read.
 */
int usher_pause(struct usher *usher);
int usher_resume(struct usher *usher);

/*
 * Asks Usher to send nothing more, for good. usher_next() returns what is on its way, then -ENOTCONN. Returns 0, or
 * -EAGAIN if Usher does not read.
 */
int usher_drain(struct usher *usher);

/*
 * USHER_OWN_RING: the next channel on which no receive is outstanding. Submit recvmsg on *@ret_fd with *@ret_message and
 * MSG_CMSG_CLOEXEC alone (the fd and the message are the library's; the message is in use until it is fed), then pass the
 * result to usher_feed() with the cookie, which is at least 2^16 and less than 2^48. Returns 1; 0 when there is no more
 * such channel now: ask again after each round of usher_next(); -EINVAL without USHER_OWN_RING; -ENOMEM.
 *
 * The ring should have IORING_SETUP_DEFER_TASKRUN, so that nothing is received while the worker does not run. The
 * library cannot look at a message before such a receive: keep descriptors for one batch per channel free.
 */
int usher_msghdr(struct usher *usher, int *ret_fd, struct msghdr **ret_message, uint64_t *ret_cookie);

/*
 * USHER_OWN_RING: the result of a receive, as the ring gives it (bytes or a negative errno). Then call usher_next()
 * until 0, then usher_msghdr() until 0. Returns 0; -EINVAL: no receive with this cookie is outstanding; -EPROTO,
 * as usher_next().
 */
int usher_feed(struct usher *usher, uint64_t cookie, int result);

/* What an error of this library means, as text. Static; never NULL. Takes the negative value or its opposite. */
const char *usher_strerror(int error);

/* The version of the loaded library: major << 16 | minor << 8 | patch. */
unsigned int usher_version(void);

#ifdef __cplusplus
}
#endif

#endif
