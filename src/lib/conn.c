/* SPDX-License-Identifier: Apache-2.0 */
/* Records to connections: see conn.h. Refuses to trust, interpret or change what a header stated. */
#include "lib/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "base/cursor.h"

_Static_assert((int)USHER_CONN_PROXIED == (int)HANDOFF_CONN_PROXIED, "public");
_Static_assert((int)USHER_CONN_LOCAL == (int)HANDOFF_CONN_LOCAL, "public");
_Static_assert((int)USHER_CONN_CHECKED == (int)HANDOFF_CONN_CHECKED, "public");
_Static_assert((int)USHER_CONN_DGRAM == (int)HANDOFF_CONN_DGRAM, "public");
_Static_assert((int)USHER_CONN_RETAKEN == (int)HANDOFF_CONN_RETAKEN, "public");
_Static_assert((int)USHER_VENDOR_ALIBABA == (int)HANDOFF_VENDOR_ALIBABA, "public");

enum { UNIX_PATH_BYTES = HANDOFF_UNIX_BYTES / 2 };

static void fill_ip4(const uint8_t ip[4], uint16_t port, struct usher_address *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

	memcpy(&in.sin_addr, ip, 4);
	memcpy(&ret->storage, &in, sizeof(in));
	ret->size = sizeof(in);
}

static void fill_unix(const char *path, struct usher_address *ret)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t size = UNIX_PATH_BYTES;

	_Static_assert(sizeof(un.sun_path) == UNIX_PATH_BYTES,
	               "a header's field is as large as the kernel's");
	/* Zeros pad the field; an abstract name begins with one, so the end is looked for from behind. */
	while (size > 0 && path[size - 1] == '\0')
		size--;
	memcpy(un.sun_path, path, size);
	memcpy(&ret->storage, &un, sizeof(un));
	ret->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
}

static void fill_none(struct usher_address *ret)
{
	ret->storage.ss_family = AF_UNSPEC;
	ret->size = 0;
}

static void fill(const struct addr *addr, const char *path, struct usher_address *ret)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(addr->port) };

	if (addr->family == ADDR_IP4) {
		fill_ip4(addr->ip + 12, addr->port, ret);
	} else if (addr->family == ADDR_IP6) {
		memcpy(&in6.sin6_addr, addr->ip, 16);
		memcpy(&ret->storage, &in6, sizeof(in6));
		ret->size = sizeof(in6);
	} else if (addr->family == ADDR_UNIX && path) {
		fill_unix(path, ret);
	} else {
		fill_none(ret);
	}
}

/* The socket's own address; an IPv4 one arrives in its mapped form, since Usher's listeners are IPv6. */
static void fill_own(int fd, struct usher_address *ret)
{
	struct sockaddr_in6 in6 = { 0 };
	socklen_t size = sizeof(in6);

	if (getsockname(fd, (struct sockaddr *)&in6, &size) != 0 || size > sizeof(in6)) {
		fill_none(ret);
	} else if (in6.sin6_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
		fill_ip4(in6.sin6_addr.s6_addr + 12, ntohs(in6.sin6_port), ret);
	} else {
		memcpy(&ret->storage, &in6, sizeof(in6));
		ret->size = size;
	}
}

void conn_fill(const char *message, const struct handoff_conn *record, int fd, struct usher_conn *ret_conn)
{
	const char *paths = record->unix_bytes ? message + record->data_offset : NULL;

	ret_conn->fd = fd;
	ret_conn->flags = record->flags;
	ret_conn->id = record->id;
	ret_conn->proxy_version = record->proxy_version;
	ret_conn->vendor = record->vendor;
	ret_conn->tlv_size = record->tlv_bytes;
	ret_conn->tlv = message + record->data_offset + record->unix_bytes;
	fill(&record->peer, NULL, &ret_conn->peer);
	fill(&record->source, paths, &ret_conn->source);
	fill(&record->destination, paths ? paths + UNIX_PATH_BYTES : NULL, &ret_conn->destination);
	ret_conn->client = record->source.family == ADDR_NONE ? &ret_conn->peer : &ret_conn->source;
	ret_conn->server = &ret_conn->destination;
	if (record->destination.family == ADDR_NONE) {
		fill_own(fd, &ret_conn->own);
		ret_conn->server = &ret_conn->own;
	}
}

int usher_tlv(const struct usher_conn *conn, uint8_t type, const void **ret_value, size_t *ret_size)
{
	struct cursor c = cursor_over(conn->tlv, conn->tlv_size);

	while (cursor_left(&c) > 0) {
		uint8_t found = cursor_u8(&c);
		size_t size = cursor_u16be(&c);
		const uint8_t *value = cursor_take(&c, size);

		if (c.failed)
			return -EBADMSG;
		if (found == type) {
			*ret_value = value;
			*ret_size = size;
			return 1;
		}
	}
	return 0;
}
