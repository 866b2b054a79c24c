/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Turns what epoll reports into connections to hand out. Owns nothing: it moves the handle on. */
#include <stddef.h>

struct channel;
struct usher;

/* Returns 1 when the handle has something to hand out, 0 when there is nothing now, or a negative errno. */
int pump_run(struct usher *usher);

/* Waits until there may be something. Returns 0 or -EINTR. */
int pump_wait(struct usher *usher);

/* Sends DONE and LOST, or sees to it that they are sent. */
void pump_flush(struct usher *usher);

/* Own ring: takes in the result of a receive on @channel, which may be freed. Returns 0 or -EPROTO. */
int pump_feed(struct usher *usher, struct channel *channel, int result);
