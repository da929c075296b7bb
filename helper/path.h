/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths as text. */
#ifndef SB_PATH_H
#define SB_PATH_H

#include <string.h>

/* Whether path is top or below it, by whole components: /images2 is not below
 * /images. Slashes at top's end do not matter. */
static inline int sb_path_is_within(const char *path, const char *top)
{
	size_t len = strlen(top);

	while (len && top[len - 1] == '/')
		len--;
	return !strncmp(path, top, len) && (!path[len] || path[len] == '/');
}

/* Brings an absolute path into one form, in place: without empty words and
 * dots; ".." takes back the word before, as text, and nothing at the top. */
static inline void sb_path_tidy(char *path)
{
	char *from = path, *to = path;
	size_t len;

	for (; *from; from += len) {
		from += strspn(from, "/");
		len = strcspn(from, "/");
		if (!len || (len == 1 && *from == '.'))
			continue;
		if (len == 2 && !strncmp(from, "..", 2)) {
			while (to > path && *--to != '/')
				;
			continue;
		}
		*to++ = '/';
		memmove(to, from, len);
		to += len;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

/* Whether path has a word "..". */
static inline int sb_path_has_dotdot(const char *path)
{
	size_t len;

	for (; *path; path += len) {
		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 2 && !strncmp(path, "..", 2))
			return 1;
	}
	return 0;
}

/* Whether path leads below /proc, as text: empty words and dots count for
 * nothing, ".." takes back the word before. */
static inline int sb_path_is_below_proc(const char *path)
{
	size_t depth = 0, len;
	int in_proc = 0;

	for (; *path; path += len) {
		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (!len || (len == 1 && *path == '.'))
			continue;
		if (len == 2 && !strncmp(path, "..", 2)) {
			depth -= depth > 0;
			continue;
		}
		if (!depth++)
			in_proc = len == 4 && !strncmp(path, "proc", 4);
	}
	return in_proc && depth > 1;
}

/* Whether a mount at dest (without empty words and dots) leaves the container
 * no /proc: neither of type proc, nor a bind of the node's. bind: its source;
 * NULL for other types. Runtimes and our init work by /proc/self. */
static inline int sb_path_takes_proc(const char *dest, const char *type,
				     const char *bind)
{
	size_t len = bind ? strlen(bind) : 0;

	while (len && bind[len - 1] == '/')
		len--;
	return !strcmp(dest, "/proc") && strcmp(type, "proc") != 0 &&
	       !(len == 5 && !strncmp(bind, "/proc", 5));
}

/* Whether path will do as process.cwd: absolute (config.md, Process), and not
 * /proc/self/fd/N, the way out of CVE-2024-21626. */
static inline int sb_path_is_cwd(const char *path)
{
	return path && *path == '/' && !sb_path_is_below_proc(path);
}

#endif
