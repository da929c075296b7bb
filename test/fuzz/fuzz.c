/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every fuzz target shares. */
#define _GNU_SOURCE
#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static pid_t owner;

/* libFuzzer opens some of its own on the way, for the symbolizer. */
#ifdef SB_FUZZING
#define SPARE 16
#else
#define SPARE 0
#endif

/* Where some more descriptors would end: not beyond those before, unless one
 * below stayed open. */
static void check_descriptors(void)
{
	static int lowest = INT_MAX - SPARE;
	int fd[8], n = sizeof(fd) / sizeof(*fd);

	for (int i = 0; i < n; i++)
		fd[i] = dup(STDERR_FILENO);
	for (int i = 0; i < n; i++)
		close(fd[i]);
	FUZZ_CHECK(fd[n - 1] >= 0 && fd[n - 1] <= lowest + SPARE);
	if (fd[n - 1] < lowest)
		lowest = fd[n - 1];
}

void fuzz_done(struct fuzz_in *in)
{
	while (in->n)
		free(in->owned[--in->n]);
	check_descriptors();
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static void remove_dir(void)
{
	if (getpid() == owner)
		nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

const char *fuzz_dir(void)
{
	if (*dir)
		return dir;
	strcpy(dir, "/dev/shm/stepbox-fuzz-XXXXXX");
	if (!mkdtemp(dir)) {
		strcpy(dir, "/tmp/stepbox-fuzz-XXXXXX");
		if (!mkdtemp(dir))
			abort();
	}
	owner = getpid();
	atexit(remove_dir);
	return dir;
}

const char *fuzz_path(const char *name)
{
	static char path[PATH_MAX];

	if (snprintf(path, PATH_MAX, "%s/%s", fuzz_dir(), name) >= PATH_MAX)
		abort();
	return path;
}

void fuzz_file(const char *name, const void *data, size_t len)
{
	const char *path = fuzz_path(name);
	int fd;

	if (!data) {
		unlink(path);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	close(fd);
}

void fuzz_subdir(const char *name)
{
	mkdir(fuzz_path(name), 0700);
}

void fuzz_remove(const char *name)
{
	nftw(fuzz_path(name), remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void fuzz_files(struct fuzz_in *in, const char *const *names)
{
	size_t len;
	const char *p = fuzz_rest(in, &len), *end = p + len, *next = p;

	for (; *names; names++) {
		if (!next) {
			fuzz_file(*names, NULL, 0);
			continue;
		}
		p = next;
		next = memchr(p, 0x1e, end - p);
		fuzz_file(*names, p, next ? next - p : end - p);
		next = next ? next + 1 : NULL;
	}
}

int fuzz_is_ours(const char *path)
{
	size_t len = strlen(fuzz_dir());

	return !strncmp(path, dir, len) && path[len] == '/' &&
	       !strstr(path, "..");
}
