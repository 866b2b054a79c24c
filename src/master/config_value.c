/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the configuration: see config_value.h. Every text that it stores is free of control characters. */
#include "master/config_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "core/trust.h"
#include "master/suggest.h"

static const struct {
	const char *name;
	uint64_t ns;
} units[] = { { "h", UINT64_C(3600000000000) },
	      { "m", UINT64_C(60000000000) },
	      { "s", UINT64_C(1000000000) },
	      { "ms", UINT64_C(1000000) } };

enum { UNITS = sizeof(units) / sizeof(units[0]), DIGITS_MAX = 18 };

__attribute__((format(printf, 2, 3))) static int because(struct config_why *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(why->text, sizeof(why->text), format, ap);
	va_end(ap);
	return -EINVAL;
}

/* Fields are unsigned integers and enums of several sizes; the table knows which. */
static void store(const struct config_key *key, void *object, uint64_t value)
{
	void *field = config_key_field(key, object);

	if (key->size == sizeof(uint64_t))
		*(uint64_t *)field = value;
	else if (key->size == sizeof(uint32_t))
		*(uint32_t *)field = (uint32_t)value;
	else
		*(uint8_t *)field = (uint8_t)value;
}

static uint64_t stored(const struct config_key *key, const void *object)
{
	const void *field = config_key_field_const(key, object);

	if (key->size == sizeof(uint64_t))
		return *(const uint64_t *)field;
	if (key->size == sizeof(uint32_t))
		return *(const uint32_t *)field;
	return *(const uint8_t *)field;
}

/* Digits at the start of @text; returns how many there are, 0 also when there are too many. */
static size_t parse_digits(const char *text, uint64_t *ret)
{
	size_t digits = strspn(text, "0123456789");

	*ret = 0;
	if (digits > DIGITS_MAX)
		return 0;
	for (size_t i = 0; i < digits; i++)
		*ret = *ret * 10 + (uint64_t)(text[i] - '0');
	return digits;
}

int config_duration_parse(const char *text, uint64_t *ret_ns, struct config_why *retwhy)
{
	uint64_t number;
	size_t digits = parse_digits(text, &number);

	if (digits > 0 && text[digits] == '\0')
		return because(retwhy, "%.64s has no unit: write for example \"%.64ss\" or \"%.64sms\"", text,
		               text, text);
	for (size_t i = 0; digits > 0 && i < UNITS; i++) {
		if (strcmp(text + digits, units[i].name) == 0) {
			if (__builtin_mul_overflow(number, units[i].ns, ret_ns))
				*ret_ns = UINT64_MAX;
			return 0;
		}
	}
	return because(retwhy, "expected a duration like \"500ms\", \"10s\", \"5m\" or \"1h\", not \"%.64s\"",
	               text);
}

const char *config_duration_text(uint64_t ns, char *text)
{
	size_t i = 0;

	while (i + 1 < UNITS && ns % units[i].ns != 0)
		i++;
	if (ns == 0)
		i = UNITS - 2; /* "0s" */
	(void)snprintf(text, CONFIG_DURATION_BYTES, "%" PRIu64 "%s", ns / units[i].ns, units[i].name);
	return text;
}

static int set_duration(const struct config_key *key, void *object, const char *text,
                        struct config_why *retwhy)
{
	char least[CONFIG_DURATION_BYTES], most[CONFIG_DURATION_BYTES];
	uint64_t ns = 0;
	int r = config_duration_parse(text, &ns, retwhy);

	if (r < 0)
		return r;
	if (ns < key->min || ns > key->max)
		return because(retwhy, "expected \"%s\" to \"%s\", not \"%.64s\"",
		               config_duration_text(key->min, least), config_duration_text(key->max, most),
		               text);
	if (ns % key->unit != 0)
		return because(retwhy, "expected whole seconds, not \"%.64s\"", text);
	store(key, object, ns / key->unit);
	return 0;
}

static int set_number(const struct config_key *key, void *object, const char *text, struct config_why *retwhy)
{
	bool shards = key->kind == CONFIG_KIND_SHARDS;
	uint64_t number;
	size_t digits = parse_digits(text, &number);

	if (shards && strcmp(text, "auto") == 0) {
		store(key, object, 0);
		return 0;
	}
	if (digits == 0 || text[digits] != '\0' || number < key->min || number > key->max)
		return because(retwhy, "expected %sa number from %" PRIu64 " to %" PRIu64 ", not \"%.64s\"",
		               shards ? "auto or " : "", key->min, key->max, text);
	store(key, object, number);
	return 0;
}

static int set_boolean(const struct config_key *key, void *object, const char *text,
                       struct config_why *retwhy)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*(bool *)config_key_field(key, object) = i % 2;
			return 0;
		}
	}
	return because(retwhy, "expected yes or no, not \"%.64s\"", text);
}

static int set_choice(const struct config_key *key, void *object, const char *text, struct config_why *retwhy)
{
	struct suggest near = { .word = text };
	char suggestion[SUGGEST_TEXT_BYTES], all[128];
	size_t used = 0;

	for (size_t i = 0; key->words[i]; i++) {
		if (strcmp(text, key->words[i]) == 0) {
			store(key, object, i);
			return 0;
		}
		suggest_offer(&near, key->words[i]);
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s",
		                         i == 0              ? ""
		                         : key->words[i + 1] ? ", "
		                                             : " or ",
		                         key->words[i]);
		if (used >= sizeof(all))
			break;
	}
	return because(retwhy, "expected %s, not \"%.64s\"%s", all, text, suggest_text(&near, suggestion));
}

static int parse_port(const char *text, uint16_t *ret_port)
{
	uint64_t port;
	size_t digits = parse_digits(text, &port);

	if (digits == 0 || text[digits] != '\0' || port > UINT16_MAX)
		return -EINVAL;
	*ret_port = (uint16_t)port;
	return 0;
}

int config_address_parse(const char *text, struct addr *ret, struct config_why *retwhy)
{
	const char *colon = strrchr(text, ':');
	size_t size = colon ? (size_t)(colon - text) : 0;
	uint8_t ip4[4], ip6[16] = { 0 };
	uint16_t port;

	if (addr_parse_ip6(text, strlen(text), ip6) ||
	    (colon && text[0] != '[' && memchr(text, ':', size) && addr_parse_ip6(text, size, ip6)))
		return because(
			retwhy,
			"an IPv6 address goes in brackets before its port, \"[2001:db8::1]:443\", not \"%.64s\"",
			text);
	if (!colon || parse_port(colon + 1, &port) < 0)
		return because(
			retwhy,
			"expected \"ADDRESS:PORT\", \"[IPV6]:PORT\" or \"*:PORT\" with a port from 0 to 65535, not \"%.64s\"",
			text);
	if (size == 1 && text[0] == '*') {
		memset(ip6, 0, sizeof(ip6));
		*ret = addr_from_ip6(ip6, port);
	} else if (addr_parse_ip4(text, size, ip4)) {
		*ret = addr_from_ip4(ip4, port);
	} else if (size > 2 && text[0] == '[' && text[size - 1] == ']' &&
	           addr_parse_ip6(text + 1, size - 2, ip6)) {
		*ret = addr_from_ip6(ip6, port);
	} else {
		return because(
			retwhy,
			"\"%.64s\" is not \"ADDRESS:PORT\", \"[IPV6]:PORT\" or \"*:PORT\" (names and zones are not resolved)",
			text);
	}
	return 0;
}

/* Texts end up in log lines, one a line. */
static bool has_control(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	}
	return false;
}

static int set_text(const struct config_key *key, void *object, const char *text, struct config_why *retwhy)
{
	char **field = config_key_field(key, object);
	char *copy = NULL;

	if (has_control(text))
		return because(retwhy, "the text has a control character");
	if (strlen(text) > key->max)
		return because(retwhy, "expected at most %" PRIu64 " bytes, not %zu", key->max, strlen(text));
	if (text[0] == '\0' && !key->fallback)
		return because(retwhy, "must not be empty");
	if (text[0] != '\0') {
		copy = strdup(text);
		if (!copy)
			return -ENOMEM;
	}
	free(*field);
	*field = copy;
	return 0;
}

int config_name_parse(const char *text, char *ret_name, struct config_why *retwhy)
{
	size_t size = strlen(text);

	if (size == 0 || size >= NAME_BYTES_MAX ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != size)
		return because(
			retwhy,
			"expected a name of 1 to %d letters, digits, \".\", \"_\" and \"-\", not \"%.64s\"",
			NAME_BYTES_MAX - 1, text);
	memcpy(ret_name, text, size + 1);
	return 0;
}

static int check_trust(const char *text, struct config_why *retwhy)
{
	struct trust_range range;
	const char *wrong = trust_parse(text, &range);
	char network[TRUST_TEXT_BYTES];

	if (!wrong)
		return 0;
	/* Only host bits leave a range behind: the network that was probably meant. */
	if (trust_prefix_bits(&range) == 128)
		return because(retwhy, "\"%.64s\" %s", text, wrong);
	return because(retwhy, "\"%.64s\" %s: write \"%s\" for the network, or \"%.*s\" for the one host",
	               text, wrong, trust_text(&range, network), (int)strcspn(text, "/"), text);
}

/* Grows by doubling, so that a long list is not copied for each entry; always NULL terminated. */
static int append(char ***list, size_t *count, const char *text)
{
	if ((*count & (*count + 1)) == 0) {
		char **grown = reallocarray(*list, 2 * (*count + 1), sizeof(char *));

		if (!grown)
			return -ENOMEM;
		*list = grown;
		grown[*count] = NULL;
	}
	(*list)[*count] = strdup(text);
	if (!(*list)[*count])
		return -ENOMEM;
	(*list)[++*count] = NULL;
	return 0;
}

static int add_entry(const struct config_key *key, void *object, const char *text, struct config_why *retwhy)
{
	size_t *count = config_key_count(key, object);

	if (key->kind == CONFIG_KIND_TRUST) {
		int r = check_trust(text, retwhy);

		if (r < 0)
			return r;
	} else if (text[0] == '\0' || has_control(text) || strlen(text) >= NAME_BYTES_MAX) {
		return because(retwhy, "expected names or numbers, not \"%.64s\"",
		               has_control(text) ? "" : text);
	} else if (*count >= key->max) {
		return because(retwhy, "more than %" PRIu64 " entries", key->max);
	}
	return append(config_key_field(key, object), count, text);
}

int config_value_set(const struct config_key *key, void *object, const char *text, struct config_why *retwhy)
{
	switch (key->kind) {
	case CONFIG_KIND_TEXT:
	case CONFIG_KIND_PATH:
		return set_text(key, object, text, retwhy);
	case CONFIG_KIND_NAME:
		return config_name_parse(text, config_key_field(key, object), retwhy);
	case CONFIG_KIND_ADDRESS:
		return config_address_parse(text, config_key_field(key, object), retwhy);
	case CONFIG_KIND_TRUST:
	case CONFIG_KIND_LIST:
		return add_entry(key, object, text, retwhy);
	case CONFIG_KIND_DURATION:
		return set_duration(key, object, text, retwhy);
	case CONFIG_KIND_NUMBER:
	case CONFIG_KIND_SHARDS:
		return set_number(key, object, text, retwhy);
	case CONFIG_KIND_BOOLEAN:
		return set_boolean(key, object, text, retwhy);
	case CONFIG_KIND_CHOICE:
		return set_choice(key, object, text, retwhy);
	}
	return -EINVAL;
}

static void print_quoted(const char *text, FILE *file)
{
	(void)fputc('"', file);
	for (; *text; text++) {
		if (strchr("\"\\$", *text))
			(void)fputc('\\', file);
		(void)fputc(*text, file);
	}
	(void)fputc('"', file);
}

static void print_list(char *const *texts, FILE *file)
{
	(void)fputc('{', file);
	for (size_t i = 0; texts && texts[i]; i++) {
		(void)fputs(i == 0 ? "" : ", ", file);
		print_quoted(texts[i], file);
	}
	(void)fputc('}', file);
}

void config_value_print(const struct config_key *key, const void *object, FILE *file)
{
	const void *field = config_key_field_const(key, object);
	char text[ADDR_TEXT_BYTES];

	switch (key->kind) {
	case CONFIG_KIND_TEXT:
	case CONFIG_KIND_PATH:
		print_quoted(*(char *const *)field ? *(char *const *)field : "", file);
		break;
	case CONFIG_KIND_NAME:
		print_quoted(field, file);
		break;
	case CONFIG_KIND_ADDRESS:
		print_quoted(addr_port_text(field, text), file);
		break;
	case CONFIG_KIND_TRUST:
	case CONFIG_KIND_LIST:
		print_list(*(char **const *)field, file);
		break;
	case CONFIG_KIND_DURATION:
		(void)fprintf(file, "\"%s\"", config_duration_text(stored(key, object) * key->unit, text));
		break;
	case CONFIG_KIND_NUMBER:
	case CONFIG_KIND_SHARDS:
		if (key->kind == CONFIG_KIND_SHARDS && stored(key, object) == 0)
			(void)fputs("auto", file);
		else
			(void)fprintf(file, "%" PRIu64, stored(key, object));
		break;
	case CONFIG_KIND_BOOLEAN:
		(void)fputs(*(const bool *)field ? "yes" : "no", file);
		break;
	case CONFIG_KIND_CHOICE:
		(void)fputs(key->words[stored(key, object)], file);
		break;
	}
}

void config_value_free(const struct config_key *key, void *object)
{
	char ***list = config_key_field(key, object);

	if (key->kind == CONFIG_KIND_TEXT || key->kind == CONFIG_KIND_PATH)
		free(*(char **)config_key_field(key, object));
	if (!config_key_is_list(key))
		return;
	for (size_t i = 0; i < *config_key_count(key, object); i++)
		free((*list)[i]);
	free(*list);
}
