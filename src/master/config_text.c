/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file's text: see config_text.h. Knows strings, comments and braces, and nothing of keys. */
#include "master/config_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { DEPTH_MAX = 8, READ_STEP = 16 * 1024 };

struct scan {
	char *at;
	char *end;
	unsigned int line;
	unsigned int depth;
	unsigned int open_lines[DEPTH_MAX];
	const char *file;
	struct config_error *error;
};

__attribute__((format(printf, 3, 4))) static int fail(const struct scan *s, unsigned int line,
                                                      const char *format, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	(void)snprintf(s->error->text, sizeof(s->error->text), "%.224s:%u: %s", s->file, line, what);
	return -EINVAL;
}

static bool starts(const struct scan *s, const char *with)
{
	size_t size = strlen(with);

	return (size_t)(s->end - s->at) >= size && memcmp(s->at, with, size) == 0;
}

static void blank_line_comment(struct scan *s)
{
	while (s->at < s->end && *s->at != '\n')
		*s->at++ = ' ';
}

static int blank_block_comment(struct scan *s)
{
	unsigned int line = s->line;

	*s->at++ = ' ';
	*s->at++ = ' ';
	while (s->at < s->end && !starts(s, "*/")) {
		if (*s->at == '\n')
			s->line++;
		else
			*s->at = ' ';
		s->at++;
	}
	if (s->at == s->end)
		return fail(s, line, "this comment is never closed: \"*/\" is missing");
	*s->at++ = ' ';
	*s->at++ = ' ';
	return 0;
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* "${NAME}" or "${NAME:-text}", which must end within its string; @s->at is on the dollar sign. */
static int skip_variable(struct scan *s)
{
	for (; s->at < s->end && !strchr("\"\\\n", *s->at); s->at++) {
		if (is_control(*s->at))
			break;
		if (*s->at == '}') {
			s->at++;
			return 0;
		}
	}
	return fail(
		s, s->line,
		"a variable is written \"${NAME}\" or \"${NAME:-default}\"; write \"\\${\" for the characters");
}

static int skip_string(struct scan *s, char quote)
{
	for (s->at++; s->at < s->end && *s->at != '\n' && *s->at != quote; s->at++) {
		if (is_control(*s->at))
			return fail(s, s->line, "a control character (0x%02x) in a string",
			            (unsigned char)*s->at);
		if (quote == '"' && starts(s, "${")) {
			if (skip_variable(s) < 0)
				return -EINVAL;
			s->at--;
		} else if (*s->at == '\\' && s->at + 1 < s->end && s->at[1] != '\n') {
			s->at++;
			if (*s->at == '\0' || !strchr("\"\\$'", *s->at))
				return fail(
					s, s->line,
					"unknown escape in a string: after \"\\\" comes a quote, \"\\\" or \"$\"");
		}
	}
	if (s->at == s->end || *s->at != quote)
		return fail(s, s->line, "this string is not closed: %c is missing", quote);
	s->at++;
	return 0;
}

static int brace(struct scan *s)
{
	if (*s->at == '{') {
		if (s->depth == DEPTH_MAX)
			return fail(s, s->line, "too many braces are open");
		s->open_lines[s->depth++] = s->line;
	} else if (s->depth > 0) { /* one too many is for the parser to refuse */
		s->depth--;
	}
	s->at++;
	return 0;
}

/* What may stand without quotes. "/" before "/" or "*" at a word's start is a comment and does not get here. */
static bool is_word(char c)
{
	return c != '\0' &&
	       strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/[]", c) != NULL;
}

static int unexpected(const struct scan *s)
{
	if (is_control(*s->at) || (unsigned char)*s->at >= 0x80)
		return fail(s, s->line, "unexpected byte 0x%02x outside a string", (unsigned char)*s->at);
	if (*s->at == ';')
		return fail(s, s->line, "unexpected \";\": a line ends without one");
	return fail(s, s->line, "unexpected \"%c\": put text in double quotes", *s->at);
}

static int scan_one(struct scan *s)
{
	char c = *s->at;

	if (c == '#' || starts(s, "//")) {
		blank_line_comment(s);
		return 0;
	}
	if (starts(s, "/*"))
		return blank_block_comment(s);
	if (c == '"' || c == '\'')
		return skip_string(s, c);
	if (c == '{' || c == '}')
		return brace(s);
	if (is_word(c)) {
		while (s->at < s->end && is_word(*s->at))
			s->at++;
		return 0;
	}
	if (c == '\0' || !strchr(" \t\r\n=,", c))
		return unexpected(s);
	s->line += c == '\n';
	if (c == '\r')
		*s->at = ' ';
	s->at++;
	return 0;
}

int config_text_clean(struct config_text *t, const char *file, struct config_error *reterr)
{
	struct scan s = {
		.at = t->bytes, .end = t->bytes + t->size, .line = 1, .file = file, .error = reterr
	};

	while (s.at < s.end) {
		if (scan_one(&s) < 0)
			return -EINVAL;
	}
	t->open_line = s.depth > 0 ? s.open_lines[s.depth - 1] : 0;
	return 0;
}

static int cannot(const char *path, const char *what, int error, struct config_error *reterr)
{
	(void)snprintf(reterr->text, sizeof(reterr->text), "%.256s: %s: %s", path, what,
	               strerrordesc_np(error));
	return -EINVAL;
}

/* Reads all of @file, at most CONFIG_FILE_BYTES_MAX, with a NUL behind. */
static int read_all(FILE *file, const char *path, struct config_text *t, struct config_error *reterr)
{
	size_t got;

	do {
		char *grown = realloc(t->bytes, t->size + READ_STEP + 1);

		if (!grown)
			return -ENOMEM;
		t->bytes = grown;
		got = fread(t->bytes + t->size, 1, READ_STEP, file);
		t->size += got;
	} while (got == READ_STEP && t->size <= CONFIG_FILE_BYTES_MAX);
	if (ferror(file))
		return cannot(path, "cannot be read", errno, reterr);
	t->bytes[t->size] = '\0';
	if (t->size > CONFIG_FILE_BYTES_MAX)
		return cannot(path, "is too large for a configuration", EFBIG, reterr);
	return 0;
}

int config_text_read(const char *path, struct config_text *ret, struct config_error *reterr)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!file)
		return cannot(path, "cannot be opened", errno, reterr);
	r = read_all(file, path, ret, reterr);
	if (r < 0)
		return r;
	return config_text_clean(ret, path, reterr);
}

void config_text_free(struct config_text *t)
{
	free(t->bytes);
	memset(t, 0, sizeof(*t));
}
