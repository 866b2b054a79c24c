/* SPDX-License-Identifier: Apache-2.0 */
/* Connections as JSON: see hello_json.h. Bytes that are not printable ASCII are always escaped. */
#include "hello_json.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static void put_unix(FILE *out, const struct usher_address *address)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&address->storage;
	size_t size = address->size - offsetof(struct sockaddr_un, sun_path);

	(void)putc('"', out);
	for (size_t i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)un->sun_path[i];

		if (byte < 0x20 || byte > 0x7e || byte == '"' || byte == '\\')
			(void)fprintf(out, "\\u%04x", byte);
		else
			(void)putc(byte, out);
	}
	(void)putc('"', out);
}

/* "key":address,"key_port":port, or nulls where there are none. */
static void put_address(FILE *out, const char *key, const struct usher_address *address)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->storage;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&address->storage;
	char text[INET6_ADDRSTRLEN];

	(void)fprintf(out, "\"%s\":", key);
	if (address->storage.ss_family == AF_INET)
		(void)fprintf(out, "\"%s\",\"%s_port\":%u,",
		              inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text)), key,
		              ntohs(in->sin_port));
	else if (address->storage.ss_family == AF_INET6)
		(void)fprintf(out, "\"%s\",\"%s_port\":%u,",
		              inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text)), key,
		              ntohs(in6->sin6_port));
	else if (address->storage.ss_family == AF_UNIX) {
		put_unix(out, address);
		(void)fprintf(out, ",\"%s_port\":null,", key);
	} else
		(void)fprintf(out, "null,\"%s_port\":null,", key);
}

static void put_header(FILE *out, const struct usher_conn *conn)
{
	if (conn->proxy_version > 0)
		(void)fprintf(out, "\"version\":%u,", conn->proxy_version);
	else
		(void)fputs("\"version\":null,", out);
	if (conn->flags & USHER_CONN_LOCAL)
		(void)fputs("\"command\":\"LOCAL\",", out);
	else if (conn->flags & USHER_CONN_PROXIED)
		(void)fputs("\"command\":\"PROXY\",", out);
	else
		(void)fputs("\"command\":null,", out);
}

static void put_tlvs(FILE *out, const struct usher_conn *conn)
{
	const uint8_t *p = conn->tlv, *end = p + conn->tlv_size;
	const char *comma = "";

	(void)fputs("\"tlvs\":[", out);
	while (end - p >= 3 && end - p - 3 >= (p[1] << 8 | p[2])) {
		const uint8_t *value = p + 3, *next = value + (p[1] << 8 | p[2]);

		(void)fprintf(out, "%s{\"type\":%u,\"value_hex\":\"", comma, p[0]);
		for (; value < next; value++)
			(void)fprintf(out, "%02x", *value);
		(void)fputs("\"}", out);
		comma = ",";
		p = next;
	}
	(void)fputs("],", out);
}

char *json_of_conn(const struct usher_conn *conn, size_t *ret_size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_size);

	if (!out)
		return NULL;
	put_address(out, "client", conn->client);
	put_address(out, "server", conn->server);
	put_address(out, "peer", &conn->peer);
	put_header(out, conn);
	put_tlvs(out, conn);
	(void)fprintf(out, "\"worker\":%d,\"id\":%" PRIu64, (int)getpid(), conn->id);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
