/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Cleanup attributes: a local that owns something says so where it is declared. Ownership is passed on by take_fd()
 * or take_ptr(), which leave -1 or NULL behind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_close_p(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_free_p(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_fclose_p(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

#define _cleanup_close_ __attribute__((cleanup(cleanup_close_p)))
#define _cleanup_free_ __attribute__((cleanup(cleanup_free_p)))
#define _cleanup_fclose_ __attribute__((cleanup(cleanup_fclose_p)))

/* Gives the fd away: returns it and leaves -1, so that the owner's cleanup does nothing. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Closes what is open and leaves -1; safe on -1. */
static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}
