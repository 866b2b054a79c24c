/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A socket address as the line that loadgen --check-source expects: "192.0.2.1:443\n" or "[2001:db8::1]:443\n". */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

enum { SOURCE_TEXT_BYTES = 64 };

static inline void source_text(const struct sockaddr *a, char text[SOURCE_TEXT_BYTES])
{
	const struct sockaddr_in *a4 = (const struct sockaddr_in *)(const void *)a;
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)(const void *)a;
	char ip[INET6_ADDRSTRLEN] = "";

	if (a->sa_family == AF_INET) {
		(void)inet_ntop(AF_INET, &a4->sin_addr, ip, sizeof(ip));
		(void)snprintf(text, SOURCE_TEXT_BYTES, "%s:%u\n", ip, ntohs(a4->sin_port));
	} else if (a->sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &a6->sin6_addr, ip, sizeof(ip));
		(void)snprintf(text, SOURCE_TEXT_BYTES, "[%s]:%u\n", ip, ntohs(a6->sin6_port));
	} else {
		(void)snprintf(text, SOURCE_TEXT_BYTES, "none\n");
	}
}
