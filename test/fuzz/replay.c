/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fuzz target as an ordinary test: runs it over each file of the directories
 * named, one that is missing being empty. Fails where there is no file at all.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>

static int replay(const char *path)
{
	FILE *f = fopen(path, "re");
	uint8_t *data;
	size_t size;

	if (!f)
		return -1;
	data = malloc(1 << 20);
	if (!data)
		abort();
	size = fread(data, 1, 1 << 20, f);
	fclose(f);
	/* Of just its size, for ASan. */
	data = realloc(data, size ? size : 1);
	/* What a crash is to be looked up by. */
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

static int replay_all(const char *dir)
{
	char path[PATH_MAX];
	struct dirent *e;
	int n = 0;
	DIR *d = opendir(dir);

	if (!d)
		return errno == ENOENT ? 0 : -1;
	while (n >= 0 && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		n = replay(path) < 0 ? -1 : n + 1;
	}
	closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	int n = 0;

	for (int i = 1; i < argc; i++) {
		int more = replay_all(argv[i]);

		if (more < 0) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
			return 1;
		}
		n += more;
	}
	fprintf(stderr, "%d inputs\n", n);
	return n ? 0 : 1;
}
