/* SPDX-License-Identifier: Apache-2.0 */
/* Room for file descriptors: see room.h. Refuses to close anything to make some. */
#include "lib/room.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "core/handoff.h"
#include "lib/fds.h"

static void room_read(struct room *room)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		room->limit = limit.rlim_cur > INT32_MAX ? INT32_MAX : (uint32_t)limit.rlim_cur;
}

void room_open(struct room *room, bool raise)
{
	struct rlimit limit;

	*room = (struct room){ 0 };
	if (raise && getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	room_read(room);
}

uint32_t room_batch(const struct room *room, uint32_t batch)
{
	uint32_t most = room->limit / 4 > 0 ? room->limit / 4 : 1;

	return batch < most ? batch : most;
}

bool room_is_near(const struct room *room, uint32_t count)
{
	return room->lost || (uint64_t)room->highest + count + LIB_FDS_SPARE >= room->limit;
}

bool room_try(struct room *room, int fd, uint32_t count)
{
	int fds[HANDOFF_FDS_MAX];
	uint32_t got = 0;

	while (got < count && got < HANDOFF_FDS_MAX && (fds[got] = fcntl(fd, F_DUPFD_CLOEXEC, 0)) >= 0)
		got++;
	fds_close(fds, got);
	room_read(room); /* somebody may have changed it */
	return got == count;
}

int room_look(int fd)
{
	struct handoff_conns conns;
	struct iovec iov = { .iov_base = &conns, .iov_len = sizeof(conns) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t size;

	/* Without a control buffer: with one, a peek would duplicate the connections. */
	size = recvmsg(fd, &message, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
	if (size < 0)
		return -errno;
	if ((size_t)size < sizeof(conns) || conns.head.type != HANDOFF_CONNS || conns.count > HANDOFF_FDS_MAX)
		return 0; /* the receive itself says what is wrong with it */
	return (int)conns.count;
}
