/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a path leads in a container, over any links in its root file system.
 * Without mounts the kernel knows, too (openat2(2), RESOLVE_IN_ROOT); with
 * them, nothing of the node's is seen but by a bind.
 *
 * Input: a path; a PATH; then strings: a letter and a name (d a directory, f a
 * program), or with "=TEXT" behind it (l a link to that, b a bind of that, t a
 * tmpfs).
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/fdio.h"
#include "../../helper/mem.h"
#include "../../helper/view.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define MOST 24

/* The directory that name is to be made in, never over a link; *base is set to
 * its last word. Returns a descriptor, or -1. */
static int open_parent(int root, char *name, const char **base)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve =
				       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	char *slash = strrchr(name, '/');

	*base = slash ? slash + 1 : name;
	if (slash)
		*slash = '\0';
	if (!**base || !strcmp(*base, ".") || !strcmp(*base, ".."))
		return -1;
	return syscall(__NR_openat2, root, slash && *name ? name : ".", &how,
		       sizeof(how));
}

static void make(int root, char *s, json_t *mounts)
{
	char type = *s++, *text = strchr(s, '=');
	_cleanup_fd_ int dir = -1, fd = -1;
	const char *base;

	if (text)
		*text++ = '\0';
	/* What convert.c leaves of mounts is absolute. */
	if (text && *s == '/' && *text == '/' && (type == 'b' || type == 't')) {
		json_t *m = json_pack("{s:s, s:s, s:s}", "destination", s,
				      "type", type == 'b' ? "bind" : "tmpfs",
				      "source", text);

		/* NULL: no UTF-8. */
		if (m)
			json_array_append_new(mounts, m);
		return;
	}
	dir = open_parent(root, s, &base);
	if (dir < 0)
		return;
	if (type == 'd')
		mkdirat(dir, base, 0755);
	else if (type == 'l' && text && symlinkat(text, dir, base) < 0)
		return;
	else if (type == 'f')
		fd = openat(dir, base, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			    0755);
}

/* What openat2 would do otherwise: a slash behind a file's name. */
static int same_to_kernel(const char *path)
{
	return *path && path[strlen(path) - 1] != '/';
}

static void compare(const struct sb_view *v, const char *path)
{
	int fd = sb_fdio_open_in_root(v->rootfs_fd, path, O_PATH | O_CLOEXEC);
	int errnum = fd < 0 ? errno : 0, rc;
	struct stat a, b;
	struct sb_seen seen;

	rc = sb_view_find(v, path, &seen);
	/* A kernel, or a sandbox, without openat2. */
	if (errnum == ENOSYS || errnum == EPERM || !same_to_kernel(path)) {
		sb_cleanup_fd(&fd);
		return;
	}
	FUZZ_CHECK((rc == 0) == (fd >= 0));
	if (fd < 0)
		return;
	FUZZ_CHECK(!fstat(fd, &a));
	FUZZ_CHECK(!fstatat(v->rootfs_fd, seen.node, &b, AT_SYMLINK_NOFOLLOW));
	FUZZ_CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	close(fd);
}

/* In the root file system, or in what is bound. */
static int is_seen(const struct sb_view *v, const char *node)
{
	const json_t *m;
	size_t i;

	json_array_foreach (v->mounts, i, m) {
		const char *type =
			json_string_value(json_object_get(m, "type"));
		const char *source =
			json_string_value(json_object_get(m, "source"));
		size_t len = strlen(source);
		_cleanup_free_ char *real = NULL;

		if (strcmp(type, "bind"))
			continue;
		real = realpath(source, NULL);
		if (real && !strcmp(real, node))
			return 1;
		if (!strncmp(node, source, len) &&
		    (!node[len] || node[len] == '/'))
			return 1;
	}
	return *node == '.';
}

static void look(const struct sb_view *v, const char *path, const char *search)
{
	struct sb_seen seen;

	if (!sb_view_find(v, path, &seen)) {
		FUZZ_CHECK(!*seen.inside || *seen.inside == '/');
		FUZZ_CHECK(!strstr(seen.inside, "/../") &&
			   !strstr(seen.inside, "//"));
		FUZZ_CHECK(is_seen(v, seen.node));
	}
	if (!sb_view_command(v, path, search, &seen))
		FUZZ_CHECK(is_seen(v, seen.node));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {.p = data, .end = data + size};
	const char *path = fuzz_string(&in), *search = fuzz_string(&in);
	json_t *mounts = json_array();
	struct sb_view v = {.rootfs_fd = -1};
	char *s;

	fuzz_subdir("root");
	v.rootfs_fd = open(fuzz_path("root"), O_PATH | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(mounts && v.rootfs_fd >= 0);
	for (int i = 0; i < MOST && (s = fuzz_more(&in)); i++)
		if (*s)
			make(v.rootfs_fd, s, mounts);
	compare(&v, path);
	v.mounts = mounts;
	look(&v, path, search);
	json_decref(mounts);
	close(v.rootfs_fd);
	fuzz_remove("root");
	fuzz_done(&in);
	return 0;
}
