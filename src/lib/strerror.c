/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as text. Refuses to look at the C library's table, which is not made for threads and says less. */
#include <errno.h>
#include <usher/usher.h>

static const struct {
	int error;
	const char *text;
} texts[] = {
	{ 0, "no error" },
	{ EACCES,
	  "this user or group may not register with the pool, or may not reach its socket: see the pool's "
	  "`users` in usher.conf and the socket's directory" },
	{ EADDRNOTAVAIL,
	  "no pool's socket named: set usher_options.path or the environment variable USHER_SOCKET" },
	{ EAGAIN, "nothing now: wait until usher_fd() is readable" },
	{ EBADMSG,
	  "Usher does not understand this worker: use the libusher of its version; or malformed TLVs" },
	{ EBUSY, "a receive from usher_msghdr() was not fed back: cancel it, feed its result, close again" },
	{ ECONNREFUSED, "nobody listens on the pool's socket: is Usher running?" },
	{ EINTR, "interrupted by a signal" },
	{ EINVAL, "arguments or options that make no sense: see libusher(3)" },
	{ E2BIG, "options of a newer libusher than the one loaded" },
	{ EMFILE, "too many open files: raise RLIMIT_NOFILE or announce a smaller capacity" },
	{ ENAMETOOLONG, "the path of the pool's socket is longer than 107 bytes" },
	{ ENODEV, "Usher has no shard on that CPU" },
	{ ENOENT,
	  "no pool's socket at that path: is Usher running, and is it the `socket` of the pool in usher.conf?" },
	{ ENOMEM, "out of memory" },
	{ ENOTCONN, "drained: nothing more will come" },
	{ EPROTO, "Usher sent what makes no sense: is it Usher's socket?" },
	{ EPROTONOSUPPORT, "Usher speaks another version of the protocol: use the libusher of its version" },
	{ ESHUTDOWN, "Usher is stopping" },
	{ ETIMEDOUT, "Usher did not answer within 5 seconds" },
	{ EUSERS, "Usher has no room for another worker" },
};

const char *usher_strerror(int error)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].error == error || texts[i].error == -error)
			return texts[i].text;
	return "an error of the operating system: see errno(3)";
}
