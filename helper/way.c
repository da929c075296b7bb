/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way to a program that every user of the site runs. */
#include "way.h"

#include "../spank/contract.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As in Linux: path_resolution(7). */
#define MAX_LINKS 40

struct way {
	const char *path;    /* as it is written */
	char here[PATH_MAX]; /* how far it is walked; "" is / */
	char rest[PATH_MAX]; /* what is left */
	int links;
	struct sb_err *err;
};

static int cannot(const struct way *w, int errnum)
{
	return sb_fail(w->err, SB_NOEXEC, "runtime %s: %s", w->path,
		       strerror(errnum));
}

static int check_directory(const struct way *w)
{
	const char *dir = *w->here ? w->here : "/";
	struct stat st;

	if (stat(dir, &st) < 0)
		return cannot(w, errno);
	if (!st.st_uid && (!(st.st_mode & 02) || st.st_mode & S_ISVTX))
		return 0;
	return sb_fail(w->err, SB_NOEXEC,
		       "runtime %s: its directory %s must be root's and not "
		       "for all to write",
		       w->path, dir);
}

static void go_up(struct way *w)
{
	char *slash = strrchr(w->here, '/');

	if (slash)
		*slash = '\0';
}

/* The next word of the rest in word; 0 at its end. */
static int next(struct way *w, char *word)
{
	size_t slashes = strspn(w->rest, "/");
	size_t len = strcspn(w->rest + slashes, "/");

	memcpy(word, w->rest + slashes, len);
	word[len] = '\0';
	memmove(w->rest, w->rest + slashes + len,
		strlen(w->rest + slashes + len) + 1);
	return len > 0;
}

/* Here is a link: it is walked next, before the rest. */
static int follow(struct way *w, const struct stat *st)
{
	char to[PATH_MAX], rest[PATH_MAX];
	ssize_t n;
	int len;

	if (st->st_uid)
		return sb_fail(w->err, SB_NOEXEC,
			       "runtime %s: its link %s must be root's",
			       w->path, w->here);
	if (++w->links > MAX_LINKS)
		return cannot(w, ELOOP);
	n = readlink(w->here, to, sizeof(to) - 1);
	if (n < 0)
		return cannot(w, errno);
	to[n] = '\0';
	len = snprintf(rest, sizeof(rest), "%s%s", to, w->rest);
	if (len >= (int)sizeof(rest))
		return cannot(w, ENAMETOOLONG);
	memcpy(w->rest, rest, len + 1);
	if (*to == '/')
		w->here[0] = '\0';
	else
		go_up(w);
	return 0;
}

static int step(struct way *w, const char *word)
{
	size_t len = strlen(w->here);
	struct stat st;

	if (!strcmp(word, "."))
		return 0;
	if (!strcmp(word, "..")) {
		go_up(w);
		return 0;
	}
	if (len + 1 + strlen(word) >= sizeof(w->here))
		return cannot(w, ENAMETOOLONG);
	w->here[len] = '/';
	memcpy(w->here + len + 1, word, strlen(word) + 1);
	if (lstat(w->here, &st) < 0)
		return cannot(w, errno);
	return S_ISLNK(st.st_mode) ? follow(w, &st) : 0;
}

int sb_way_check(const char *path, struct sb_err *err)
{
	struct way w = {.path = path, .err = err};
	char word[PATH_MAX];

	if (strlen(path) >= sizeof(w.rest))
		return cannot(&w, ENAMETOOLONG);
	memcpy(w.rest, path, strlen(path) + 1);
	while (next(&w, word)) {
		/* Whoever can change a directory chooses what a word is. */
		if (check_directory(&w) < 0 || step(&w, word) < 0)
			return -1;
	}
	return 0;
}
