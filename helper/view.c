/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The container's files as the node has them. */
#define _GNU_SOURCE
#include "view.h"

#include "mem.h"
#include "path.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* path_resolution(7) */
#define MAX_LINKS 40

static const char *text_of(const json_t *mount, const char *name)
{
	return json_string_value(json_object_get(mount, name));
}

/* The mount that is on top at path: the last one that has it. */
static const json_t *mount_of(const struct sb_view *v, const char *path)
{
	const json_t *on_top = NULL;
	const char *dest;
	size_t i;
	json_t *m;

	json_array_foreach (v->mounts, i, m) {
		dest = text_of(m, "destination");
		if (dest && sb_path_is_within(path, dest))
			on_top = m;
	}
	return on_top;
}

/* What of the path is below a mount point that it lies in: "" or "/...". */
static const char *below(const char *path, const char *top)
{
	size_t len = strlen(top);

	while (len && top[len - 1] == '/')
		len--;
	return path + len;
}

/* Where on the node the path lies; no part of it but the last is a link. */
static int place(const struct sb_view *v, struct sb_seen *s)
{
	const json_t *m = mount_of(v, s->inside);
	const char *type, *source, *rest;
	int n;

	if (!m) {
		n = snprintf(s->node, sizeof(s->node), ".%s", s->inside);
	} else {
		type = text_of(m, "type");
		source = text_of(m, "source");
		if (!type || strcmp(type, "bind") || !source) {
			errno = EXDEV;
			return -1;
		}
		rest = below(s->inside, text_of(m, "destination"));
		/* What is bound is what a link leads to. */
		if (!*rest && realpath(source, s->node))
			return 0;
		n = snprintf(s->node, sizeof(s->node), "%s%s", source, rest);
	}
	if (n < (int)sizeof(s->node))
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

/* Adds a word to the place where we are. */
static int step_down(struct sb_seen *s, const char *word, size_t len)
{
	size_t at = strlen(s->inside);

	if (len == 1 && *word == '.')
		return 0;
	if (len == 2 && !memcmp(word, "..", 2)) {
		char *slash = strrchr(s->inside, '/');

		if (slash)
			*slash = '\0';
		return 0;
	}
	if (at + len + 2 > sizeof(s->inside)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	s->inside[at] = '/';
	memcpy(s->inside + at + 1, word, len);
	s->inside[at + 1 + len] = '\0';
	return 0;
}

/* Puts a link's text before what is left of the path. */
static int follow(const struct sb_view *v, struct sb_seen *s, char *left,
		  size_t size)
{
	char link[4096], whole[8192];
	ssize_t n = readlinkat(v->rootfs_fd, s->node, link, sizeof(link) - 1);

	if (n < 0)
		return -1;
	link[n] = '\0';
	if (*link == '/')
		*s->inside = '\0';
	else
		step_down(s, "..", 2);
	n = snprintf(whole, sizeof(whole), "%s/%s", link, left);
	if (n >= (ssize_t)size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(left, whole, n + 1);
	return 0;
}

int sb_view_find(const struct sb_view *v, const char *path,
		 struct sb_seen *seen)
{
	char left[4096], word[4096];
	struct stat st;
	int links = 0;

	*seen = (struct sb_seen){.node = "."};
	if (snprintf(left, sizeof(left), "%s", path) >= (int)sizeof(left)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	while (*left) {
		char *p = left + strspn(left, "/");
		size_t len = strcspn(p, "/");

		memcpy(word, p, len);
		memmove(left, p + len, strlen(p + len) + 1);
		if (!len)
			break;
		if (step_down(seen, word, len) < 0 || place(v, seen) < 0 ||
		    fstatat(v->rootfs_fd, seen->node, &st,
			    AT_SYMLINK_NOFOLLOW) < 0)
			return -1;
		if (S_ISLNK(st.st_mode) && ++links > MAX_LINKS) {
			errno = ELOOP;
			return -1;
		}
		if (S_ISLNK(st.st_mode) &&
		    follow(v, seen, left, sizeof(left)) < 0)
			return -1;
		if (!S_ISLNK(st.st_mode) && !S_ISDIR(st.st_mode) &&
		    left[strspn(left, "/")]) {
			errno = ENOTDIR;
			return -1;
		}
	}
	return place(v, seen);
}

int sb_view_open(const struct sb_view *v, const struct sb_seen *seen, int flags)
{
	return openat(v->rootfs_fd, seen->node,
		      flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* Whether it is a program; EACCES where it is something else. */
static int is_program(const struct sb_view *v, const char *path,
		      struct sb_seen *seen)
{
	struct stat st;

	if (sb_view_find(v, path, seen) < 0 ||
	    fstatat(v->rootfs_fd, seen->node, &st, 0) < 0)
		return -1;
	if (S_ISREG(st.st_mode) &&
	    !faccessat(v->rootfs_fd, seen->node, X_OK, AT_EACCESS))
		return 0;
	errno = EACCES;
	return -1;
}

int sb_view_command(const struct sb_view *v, const char *name,
		    const char *search, struct sb_seen *seen)
{
	char path[8192];
	int errnum = ENOENT;

	if (strchr(name, '/'))
		return is_program(v, name, seen);
	if (!search)
		search = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
			 "/sbin:/bin";
	for (const char *p = search; *p; p += !!*p) {
		size_t len = strcspn(p, ":");

		snprintf(path, sizeof(path), "%.*s/%s", (int)len, p, name);
		p += len;
		if (!is_program(v, path, seen))
			return 0;
		/* What cannot be known is said before what is not there. */
		if (errno == EXDEV || (errno == EACCES && errnum == ENOENT))
			errnum = errno;
	}
	errno = errnum;
	return -1;
}
