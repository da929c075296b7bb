/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An OCI runtime bundle. */
#define _GNU_SOURCE
#include "bundle.h"

#include "../spank/contract.h"
#include "fdio.h"
#include "mem.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A directory that may be entered. Returns it, or -1 with errno set. */
static int open_dir(int dirfd, const char *path)
{
	_cleanup_fd_ int fd =
		openat(dirfd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || faccessat(fd, ".", X_OK, 0) < 0)
		return -1;
	return steal_fd(&fd);
}

static int open_bundle(struct sb_bundle *b, const char *path,
		       struct sb_err *err)
{
	char where[PATH_MAX];

	if (!*path)
		return sb_fail(err, SB_FAIL, "bundle: an empty path");
	b->fd = open_dir(AT_FDCWD, path);
	if (b->fd >= 0)
		b->path = sb_fdio_path(b->fd);
	if (b->path)
		return 0;
	if (errno == EACCES || errno == ENOENT) {
		const char *part = sb_fdio_blame(path, where, sizeof(where));

		if (strcmp(part, path))
			return sb_fail(err, SB_FAIL, "bundle %s: %s: %s", path,
				       part, strerror(errno));
	}
	return sb_fail(err, SB_FAIL, "bundle %s: %s", path, strerror(errno));
}

static int read_config(struct sb_bundle *b, const char *path,
		       struct sb_err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	text = sb_fdio_read(b->fd, "config.json", SB_JSON_MAX_SIZE,
			    "config.json", &len, err);
	if (!text) {
		sb_wrap(err, "bundle %s", path);
		if (errno == ENOENT)
			strncat(err->text, " (an OCI bundle has one)",
				sizeof(err->text) - strlen(err->text) - 1);
		return -1;
	}
	if (sb_json_parse(&b->config, text, len, err) < 0)
		return sb_wrap(err, "bundle %s: config.json", path);
	if (!json_is_object(b->config.root))
		return sb_fail(err, SB_FAIL,
			       "bundle %s: config.json: not an object", path);
	return 0;
}

static int no_rootfs(const struct sb_bundle *b, const char *path,
		     const char *rel, struct sb_err *err)
{
	char whole[2 * PATH_MAX], where[2 * PATH_MAX];
	const char *part;

	snprintf(whole, sizeof(whole), "%s%s%.*s", *rel == '/' ? "" : b->path,
		 *rel == '/' ? "" : "/", PATH_MAX, rel);
	part = sb_fdio_blame(whole, where, sizeof(where));
	return sb_fail(err, SB_FAIL, "bundle %s: rootfs (root.path) %s%s%s: %s",
		       path, rel, strcmp(part, whole) ? ": " : "",
		       strcmp(part, whole) ? part : "", strerror(errno));
}

/* A runtime cannot leave it behind. */
static int is_nodes_root(int fd)
{
	struct stat it, root;

	return !fstat(fd, &it) && !stat("/", &root) &&
	       it.st_dev == root.st_dev && it.st_ino == root.st_ino;
}

/* runtime-spec, config.md, Root: relative to the bundle, or absolute. */
static int open_rootfs(struct sb_bundle *b, const char *path,
		       struct sb_err *err)
{
	json_t *root = json_object_get(b->config.root, "root");
	json_t *value = json_object_get(root, "path");
	const char *rel = json_string_value(value);

	if (root && !json_is_object(root))
		return sb_fail(err, SB_FAIL,
			       "bundle %s: config.json: root: not an object",
			       path);
	if (!rel || !*rel)
		return sb_fail(err, SB_FAIL,
			       "bundle %s: config.json: root.path: %s", path,
			       value ? "not a path" : "missing");
	b->rootfs_fd = open_dir(b->fd, rel);
	if (b->rootfs_fd >= 0)
		b->rootfs = sb_fdio_path(b->rootfs_fd);
	if (!b->rootfs)
		return no_rootfs(b, path, rel, err);
	if (is_nodes_root(b->rootfs_fd))
		return sb_fail(err, SB_FAIL,
			       "bundle %s: rootfs (root.path) %s: the node's "
			       "own root directory",
			       path, rel);
	return 0;
}

int sb_bundle_open(struct sb_bundle *b, const char *path, struct sb_err *err)
{
	*b = (struct sb_bundle){.fd = -1, .rootfs_fd = -1};
	if (open_bundle(b, path, err) < 0 || read_config(b, path, err) < 0)
		return -1;
	return open_rootfs(b, path, err);
}

void sb_bundle_close(struct sb_bundle *b)
{
	sb_cleanup_fd(&b->fd);
	sb_cleanup_fd(&b->rootfs_fd);
	sb_cleanup_free(&b->path);
	sb_cleanup_free(&b->rootfs);
	sb_json_free(&b->config);
	*b = (struct sb_bundle){.fd = -1, .rootfs_fd = -1};
}
