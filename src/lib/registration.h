/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The connection to the pool's socket: HELLO, WELCOME with channels, the end, and again. Owns its socket. */
#include <stdbool.h>
#include <stdint.h>

#include "core/handoff.h"

struct usher;

enum registration_state {
	REGISTRATION_NONE,
	REGISTRATION_GREETED, /* HELLO is sent */
	REGISTRATION_MEMBER,
};

struct registration {
	int fd;
	enum registration_state state;
	uint32_t epoch; /* counts HELLOs */
	uint32_t pause_ms; /* before the next attempt */
	int reason; /* why it ended last: a negative errno */
	bool dropped; /* the old channels are to end before the next attempt */
	bool paused;
	bool draining;
};

void registration_open(struct registration *registration);
void registration_close(struct registration *registration);

/* Connects and says HELLO. Returns 0, or a negative errno and nothing is changed. */
int registration_start(struct usher *usher);

/* Receives one message. Returns 0, or a negative errno that the application should see; it is always dealt with. */
int registration_readable(struct usher *usher);

/* Ends the registration for @reason and plans the next one, if there is to be one. */
void registration_lost(struct usher *usher, int reason);

/* A channel has ended: the next attempt may be due. */
void registration_channel_ended(struct usher *usher);

/* True if time can mend @reason. */
bool registration_is_transient(int reason);

/* Sends PAUSE, RESUME or DRAIN. Returns 0 also when there is nobody to tell; -EAGAIN. */
int registration_say(struct registration *registration, enum handoff_type type);
