/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as usher.conf: refused with one line that names the file, or accepted; what is accepted is printed, and
 * what is printed is read back to the same.
 */
#include "fuzz_check.h"
#include "master/config.h"

enum { INPUT_BYTES_MAX = 16 * 1024 }; /* what a long list costs is for the unit test */

static char *print(const struct config *c, size_t *ret_size)
{
	char *text = NULL;
	FILE *file = open_memstream(&text, ret_size);

	FUZZ_CHECK(file != NULL);
	FUZZ_CHECK(config_print(c, file) == 0);
	(void)fclose(file);
	return text;
}

static void check_one_line(const char *text)
{
	FUZZ_CHECK(strncmp(text, "f:", 2) == 0);
	FUZZ_CHECK(strlen(text) > strlen("f:1: "));
	for (; *text; text++)
		FUZZ_CHECK((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void check_sound(const struct config *c)
{
	FUZZ_CHECK(c->listener_count > 0 && c->pool_count > 0 && c->admin_socket != NULL);
	for (size_t i = 0; i < c->listener_count; i++) {
		const struct config_listener *l = &c->listeners[i];

		FUZZ_CHECK(l->pool_index < c->pool_count);
		FUZZ_CHECK(strcmp(l->pool, c->pools[l->pool_index].name) == 0);
		FUZZ_CHECK(l->proxy == CONFIG_PROXY_OFF || l->range_count > 0);
		FUZZ_CHECK(l->range_count <= l->trust_count);
	}
	for (size_t i = 0; i < c->warning_count; i++)
		check_one_line(c->warnings[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct config_error error = { "" };
	struct config *c = NULL, *again = NULL;
	size_t printed_size = 0, again_size = 0;
	char *printed, *printed_again;

	if (size > INPUT_BYTES_MAX)
		return 0;
	if (config_load_text((const char *)bytes, size, "f", &c, &error) != 0) {
		FUZZ_CHECK(c == NULL);
		check_one_line(error.text);
		return 0;
	}
	check_sound(c);
	printed = print(c, &printed_size);
	FUZZ_CHECK(config_load_text(printed, printed_size, "f", &again, &error) == 0);
	printed_again = print(again, &again_size);
	FUZZ_CHECK(printed_size == again_size && memcmp(printed, printed_again, printed_size) == 0);
	free(printed);
	free(printed_again);
	config_free(c);
	config_free(again);
	return 0;
}
