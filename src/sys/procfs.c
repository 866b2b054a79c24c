/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the kernel's small files: see procfs.h. Owns nothing past a call. Refuses to write any of them. */
#include "sys/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

int procfs_read(const char *path, char *ret_text, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t got = 0;

	if (fd < 0)
		return -errno;
	while (got + 1 < size) {
		ssize_t n = read(fd, ret_text + got, size - 1 - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	ret_text[got] = '\0';
	return 0;
}

bool procfs_parse_number(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	int64_t n = 0;

	if (negative)
		text++;
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, *text - '0', &n))
			return false;
	}
	*ret = negative ? -n : n;
	return true;
}

int procfs_number(const char *path, int64_t *ret)
{
	char text[64];
	int r = procfs_read(path, text, sizeof(text));

	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	return procfs_parse_number(text, ret) ? 0 : -EINVAL;
}

bool procfs_field(const char *text, const char *name, char *ret_value, size_t size)
{
	size_t name_size = strlen(name);

	while (text && *text != '\0') {
		const char *end = strchrnul(text, '\n');

		if (strncmp(text, name, name_size) == 0 && text[name_size] == ':') {
			const char *value = text + name_size + 1;

			while (value < end && (*value == ' ' || *value == '\t'))
				value++;
			if ((size_t)(end - value) >= size)
				return false;
			memcpy(ret_value, value, (size_t)(end - value));
			ret_value[end - value] = '\0';
			return true;
		}
		text = *end == '\n' ? end + 1 : end;
	}
	return false;
}
