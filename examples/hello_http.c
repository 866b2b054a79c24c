/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1 request heads: see hello_http.h. Refuses what two parsers could read in two ways. */
#include "hello_http.h"

#include <string.h>
#include <strings.h>

/* A piece of the head; borrowed. */
struct text {
	const char *at;
	size_t size;
};

static bool text_is(struct text t, const char *word)
{
	return t.size == strlen(word) && strncasecmp(t.at, word, t.size) == 0;
}

/* Cuts @t at the first @end, which is dropped, and returns what stood before it. */
static struct text text_cut(struct text *t, const char *end)
{
	const char *found = memmem(t->at, t->size, end, strlen(end));
	struct text before = { t->at, found ? (size_t)(found - t->at) : t->size };
	size_t used = found ? before.size + strlen(end) : t->size;

	t->at += used;
	t->size -= used;
	return before;
}

static struct text text_trim(struct text t)
{
	while (t.size > 0 && (t.at[0] == ' ' || t.at[0] == '\t')) {
		t.at++;
		t.size--;
	}
	while (t.size > 0 && (t.at[t.size - 1] == ' ' || t.at[t.size - 1] == '\t'))
		t.size--;
	return t;
}

static bool text_has(struct text list, const char *word)
{
	while (list.size > 0)
		if (text_is(text_trim(text_cut(&list, ",")), word))
			return true;
	return false;
}

static bool text_number(struct text t, uint64_t *ret_number)
{
	*ret_number = 0;
	if (t.size == 0 || t.size > 18) /* more does not fit */
		return false;
	for (size_t i = 0; i < t.size; i++) {
		if (t.at[i] < '0' || t.at[i] > '9')
			return false;
		*ret_number = *ret_number * 10 + (uint64_t)(t.at[i] - '0');
	}
	return true;
}

static int parse_request_line(struct text line, struct http_request *request)
{
	struct text method = text_cut(&line, " "), target = text_cut(&line, " ");

	if (method.size == 0 || target.size == 0)
		return 400;
	if (line.size == 8 && memcmp(line.at, "HTTP/1.", 7) == 0 && (line.at[7] == '0' || line.at[7] == '1'))
		request->minor_1 = request->keep_alive = line.at[7] == '1';
	else
		return line.size > 5 && memcmp(line.at, "HTTP/", 5) == 0 ? 505 : 400;
	request->head_only = method.size == 4 && memcmp(method.at, "HEAD", 4) == 0;
	if (request->head_only || (method.size == 3 && memcmp(method.at, "GET", 3) == 0) ||
	    (method.size == 4 && memcmp(method.at, "POST", 4) == 0))
		return 0;
	return 405;
}

static int take_length(struct text value, struct http_request *request)
{
	uint64_t length;

	if (!text_number(value, &length) || (request->has_length && length != request->body_bytes))
		return 400;
	request->has_length = true;
	request->body_bytes = length;
	return 0;
}

static int parse_field(struct text line, struct http_request *request)
{
	const char *colon = memchr(line.at, ':', line.size);
	struct text name = text_cut(&line, ":"), value = text_trim(line);

	if (!colon || name.size == 0 || text_trim(name).size != name.size ||
	    memchr(name.at, ' ', name.size) || memchr(value.at, '\n', value.size) ||
	    memchr(value.at, '\r', value.size))
		return 400;
	if (text_is(name, "content-length"))
		return take_length(value, request);
	if (text_is(name, "transfer-encoding"))
		return 501;
	if (text_is(name, "expect"))
		request->expects_continue = request->minor_1 && text_is(value, "100-continue");
	if (text_is(name, "connection") && text_has(value, "close"))
		request->keep_alive = false;
	else if (text_is(name, "connection") && text_has(value, "keep-alive"))
		request->keep_alive = true;
	return 0;
}

int http_parse(const char *bytes, size_t size, struct http_request *ret_request)
{
	size_t searched = size < HTTP_HEAD_BYTES_MAX ? size : HTTP_HEAD_BYTES_MAX;
	const char *end = memmem(bytes, searched, "\r\n\r\n", 4);
	struct text head;
	int r;

	if (!end)
		return size >= HTTP_HEAD_BYTES_MAX ? 431 : -1;
	*ret_request = (struct http_request){ .head_bytes = (size_t)(end - bytes) + 4 };
	head = (struct text){ bytes, ret_request->head_bytes - 2 };
	r = parse_request_line(text_cut(&head, "\r\n"), ret_request);
	while (r == 0 && head.size > 0)
		r = parse_field(text_cut(&head, "\r\n"), ret_request);
	return r;
}

const char *http_status(int status)
{
	switch (status) {
	case 200:
		return "200 OK";
	case 405:
		return "405 Method Not Allowed";
	case 431:
		return "431 Request Header Fields Too Large";
	case 501:
		return "501 Not Implemented";
	case 505:
		return "505 HTTP Version Not Supported";
	default:
		return "400 Bad Request";
	}
}
