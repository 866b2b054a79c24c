/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over files, and over all files of directories, that are given as arguments: each input that once
 * mattered is tried again in every build, with any compiler. Refuses inputs over INPUT_BYTES_MAX, and to find none.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

enum { INPUT_BYTES_MAX = 1 << 20, PATH_BYTES = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int replay_file(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "rbe");
	_cleanup_free_ uint8_t *bytes = malloc(INPUT_BYTES_MAX);
	_cleanup_free_ uint8_t *exact = NULL;
	size_t size;

	if (!f || !bytes)
		return -errno;
	size = fread(bytes, 1, INPUT_BYTES_MAX, f);
	if (ferror(f) || !feof(f))
		return -EFBIG;
	exact = malloc(size ? size : 1); /* no more than the input, for the sanitizer's sake */
	if (!exact)
		return -ENOMEM;
	memcpy(exact, bytes, size);
	(void)LLVMFuzzerTestOneInput(exact, size);
	return 0;
}

static int replay_directory(const char *path, unsigned *count)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	while (r == 0 && (entry = readdir(dir)) != NULL) {
		char file[PATH_BYTES];

		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(file, sizeof(file), "%s/%s", path, entry->d_name) >= (int)sizeof(file))
			r = -ENAMETOOLONG;
		else
			r = replay_file(file);
		*count += 1;
	}
	(void)closedir(dir);
	return r;
}

int main(int argc, char **argv)
{
	unsigned count = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;
		int r = stat(argv[i], &st) < 0 ? -errno : 0;

		if (r == 0 && S_ISDIR(st.st_mode)) {
			r = replay_directory(argv[i], &count);
		} else if (r == 0) {
			r = replay_file(argv[i]);
			count++;
		}
		if (r < 0) {
			(void)fprintf(stderr, "%s: cannot replay it: %s\n", argv[i], strerror(-r));
			return 1;
		}
	}
	if (count == 0) {
		(void)fprintf(stderr, "usage: %s FILE-OR-DIRECTORY… (no input found)\n", argv[0]);
		return 1;
	}
	(void)printf("%u inputs\n", count);
	return 0;
}
