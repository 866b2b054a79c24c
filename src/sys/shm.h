/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Memory shared between our processes: memfds, passed by fd, gone with the last of us. */
#include <stddef.h>

/* A zeroed, fixed-size memfd, mapped read-write at *ret_map. Returns the fd (the caller's) or -errno. */
int shm_create(const char *name, size_t size, void **ret_map);

/* A memfd with a copy of @bytes that nobody can change any more. Returns the fd (the caller's) or -errno. */
int shm_create_sealed(const char *name, const void *bytes, size_t size);

/* Maps the whole of a received memfd; borrows @fd. 0 or -errno. */
int shm_map(int fd, int writable, void **ret_map, size_t *ret_size);
