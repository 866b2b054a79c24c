/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The handle behind the public functions: all that one worker has. */
#include <sys/epoll.h>
#include <sys/un.h>
#include <usher/usher.h>

#include "lib/channels.h"
#include "lib/registration.h"
#include "lib/report.h"
#include "lib/room.h"
#include "lib/timers.h"

struct usher {
	uint32_t flags; /* enum usher_flags */
	uint32_t capacity;
	uint32_t batch;
	uint32_t cpu;
	char name[HANDOFF_NAME_BYTES];
	struct sockaddr_un address;
	int epoll_fd;
	struct timers timers;
	struct registration registration;
	struct channels channels;
	struct report report;
	struct room room;
	struct inbox *inbox; /* for all channels; NULL with USHER_OWN_RING, where each has its own */
	struct inbox *current; /* what is being handed out; borrowed */
	struct epoll_event events[LIB_EVENTS];
	int event_at;
	int event_count;
	int error; /* final; returned once the channels are empty */
	bool fds_missing; /* some did not arrive, and usher_next() has not said so yet */
	bool told_emfile; /* usher_next() has said so, and nothing was received since */
	struct usher_conn conn;
};

/* What epoll says is readable; other values are cookies of channels. */
enum { COOKIE_REGISTRATION = 1, COOKIE_TIMERS = 2 };
