/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A copy-on-write layer over a root file system. */
#define _GNU_SOURCE
#include "layer.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "../spank/reap.h"
#include "fdio.h"
#include "fuse.h"
#include "mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* Names in the task's directory. */
#define ROOT "rootfs"
#define DATA "layer"

/* A store with less is full for every purpose. */
#define STORE_MIB 16

/* The directories that an overlay is made of. */
struct parts {
	int lower, upper, work;
};

/* ---- where the data lie ---- */

static int make_data(struct sb_layer *l, const struct sb_layer_of *of,
		     struct sb_err *err)
{
	if (asprintf(&l->data, "%s/" DATA, of->dir->path) < 0) {
		l->data = NULL;
		return sb_no_memory(err);
	}
	if (mkdirat(of->dir->fd, DATA, 0700) < 0 && errno != EEXIST)
		return sb_fail(err, SB_FAIL, "step directory %s: %s", l->data,
			       strerror(errno));
	if (mount("tmpfs", l->data, "tmpfs", MS_NOSUID | MS_NODEV,
		  "mode=0700,size=1m") < 0)
		return sb_fail(err, SB_FAIL, "tmpfs on %s: %s", l->data,
			       strerror(errno));
	return open(l->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* "stepbox.NODE.BOOT.": what this boot of the node makes begins with it. */
static size_t prefix(char *to, size_t size, const char *node, size_t *boot)
{
	char id[40];

	sb_proc_boot(id);
	snprintf(to, size, "stepbox.%.100s.", node);
	*boot = strlen(to);
	snprintf(to + *boot, size - *boot, "%.8s.", id);
	return strlen(to);
}

/* Whether nobody else can give the user's directories other names. */
static int is_safe(int store)
{
	struct stat st;

	return !fstat(store, &st) &&
	       (!(st.st_mode & 022) || st.st_mode & S_ISVTX);
}

/* What an earlier boot left: its record went with the tmpfs it lay in. */
static void sweep_store(int store, const char *node)
{
	char ours[160];
	size_t boot, len = prefix(ours, sizeof(ours), node, &boot);
	int fd = openat(store, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	if (fd >= 0 && !d)
		close(fd);
	/* Without a boot id all of this boot would look like another's. */
	while (d && len > boot + 1 && is_safe(store) && (e = readdir(d)))
		if (!strncmp(e->d_name, ours, boot) &&
		    strncmp(e->d_name, ours, len) &&
		    !fstatat(store, e->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
		    st.st_uid == geteuid())
			sb_reap_tree(store, e->d_name);
	if (d)
		closedir(d);
}

static int check_space(const char *store, int fd, struct sb_err *err)
{
	struct statvfs fs;

	if (fstatvfs(fd, &fs) < 0)
		return sb_fail(err, SB_FAIL, "WritablePath %s: %s", store,
			       strerror(errno));
	if (fs.f_bavail < ((fsblkcnt_t)STORE_MIB << 20) / fs.f_frsize ||
	    (fs.f_files && !fs.f_favail))
		return sb_fail(err, SB_FAIL,
			       "WritablePath %s: file system full: a writable "
			       "container wants %d MiB at least",
			       store, STORE_MIB);
	return 0;
}

/* Makes the store's directory. It is written down before it exists: whatever
 * happens to us, somebody knows of it. */
static int make_store(struct sb_layer *l, const struct sb_layer_of *of,
		      struct sb_err *err)
{
	_cleanup_fd_ int store =
		open(of->store, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char ours[160], name[NAME_MAX], path[PATH_MAX];
	size_t boot;
	unsigned int r;
	int n;

	if (store < 0)
		return sb_fail(err, SB_FAIL, "WritablePath %s: %s", of->store,
			       strerror(errno));
	if (check_space(of->store, store, err) < 0)
		return -1;
	if (sb_taskdir_first(of->dir, of->store))
		sweep_store(store, of->node);
	prefix(ours, sizeof(ours), of->node, &boot);
	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = getpid();
	snprintf(name, sizeof(name), "%s%.60s.%08x", ours, of->name, r);
	n = snprintf(path, sizeof(path), "%s/%s", of->store, name);
	if (n >= (int)sizeof(path))
		return sb_fail(err, SB_FAIL, "WritablePath %s: too long",
			       of->store);
	if (sb_fdio_write(of->dir->fd, SB_FILE_LAYER, path, n, err) < 0)
		return sb_wrap(err, "step directory %s", of->dir->path);
	l->store = strdup(path);
	if (!l->store)
		return sb_no_memory(err);
	if (mkdirat(store, name, 0700) < 0)
		return sb_fail(err, SB_FAIL, "WritablePath %s: %s", of->store,
			       strerror(errno));
	return openat(store, name,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int make_parts(const struct sb_layer_of *of, int data, struct parts *p,
		      struct sb_err *err)
{
	struct stat st;

	if (data < 0 || fstat(of->rootfs_fd, &st) < 0 ||
	    mkdirat(data, "upper", 0700) < 0 || mkdirat(data, "work", 0700) < 0)
		return sb_fail(err, SB_FAIL, "layer over %s: %s", of->rootfs,
			       strerror(errno));
	p->upper = openat(data, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->work = openat(data, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* It is the mode of the container's root directory. */
	if (p->upper < 0 || p->work < 0 ||
	    fchmod(p->upper, (st.st_mode & 07777) | 0700) < 0)
		return sb_fail(err, SB_FAIL, "layer over %s: %s", of->rootfs,
			       strerror(errno));
	return 0;
}

/* ---- mount points ---- */

static int open_in_root(int rootfs, const char *path)
{
	return sb_fdio_open_in_root(rootfs, path, O_PATH | O_CLOEXEC);
}

/*
 * Finds the longest part of path that the root file system has, links resolved:
 * a directory in the upper layer in a link's place would hide what the link
 * leads to. Returns that part below the root file system (the caller frees it),
 * and in rest what is lacking; or NULL.
 */
static char *split_path(const struct sb_layer_of *of, const char *path,
			const char **rest)
{
	_cleanup_free_ char *head = strdup(path), *real = NULL;
	size_t len = strlen(path), root = strlen(of->rootfs);
	_cleanup_fd_ int fd = -1;

	while (head && (fd = open_in_root(of->rootfs_fd, head)) < 0) {
		if (errno == ENOTDIR)
			return NULL;
		while (len > 1 && head[len - 1] == '/')
			len--;
		while (len && head[len - 1] != '/')
			len--;
		head[len] = '\0';
		if (!len)
			return NULL;
	}
	real = fd < 0 ? NULL : sb_fdio_path(fd);
	if (!real || strncmp(real, of->rootfs, root))
		return NULL;
	*rest = path + len + strspn(path + len, "/");
	return strdup(real + root);
}

/* Opens the directory name below at, made if need be, with mode. */
static int enter(int at, const char *name, mode_t mode)
{
	int fd;

	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return -1;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fchmod(fd, (mode & 07777) | 0700) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Makes the directories that lead to a place in the upper layer, with the modes
 * of those that they cover. Returns a descriptor of the last, or -1. */
static int make_way(const struct sb_layer_of *of, int upper, char *real)
{
	int at = fcntl(upper, F_DUPFD_CLOEXEC, 3), next;

	for (char *p = real + strspn(real, "/"), *after; at >= 0 && *p;
	     p = after, at = next) {
		_cleanup_fd_ int covered = -1;
		size_t len = strcspn(p, "/");
		char slash = p[len];
		struct stat st;

		after = p + len + strspn(p + len, "/");
		p[len] = '\0';
		covered = open_in_root(of->rootfs_fd, real);
		next = covered < 0 || fstat(covered, &st) < 0
			       ? -1
			       : enter(at, p, st.st_mode);
		p[len] = slash;
		close(at);
	}
	return at;
}

/* Makes what is lacking below at, which it closes. Returns a descriptor of the
 * last, or -1. */
static int make_rest(int at, char *rest, int file)
{
	char *name = rest;
	int next = at;

	for (; at >= 0 && *name; name = rest, at = next) {
		size_t len = strcspn(name, "/");

		rest = name + len + strspn(name + len, "/");
		name[len] = '\0';
		if (!*rest && file)
			next = openat(at, name,
				      O_WRONLY | O_CREAT | O_NOFOLLOW |
					      O_CLOEXEC,
				      0644);
		else
			next = enter(at, name, 0755);
		close(at);
	}
	return at;
}

/* Makes it. Returns a descriptor of it in the layer, or -1. */
static int make_point(const struct sb_layer_of *of, int upper,
		      const struct sb_layer_point *point)
{
	const char *lacking;
	_cleanup_free_ char *real = split_path(of, point->path, &lacking);
	_cleanup_free_ char *rest = real ? strdup(lacking) : NULL;
	int rc;

	if (!rest)
		return -1;
	rc = make_rest(make_way(of, upper, real), rest, point->file);
	/* runc (1.1) gives a tmpfs the mode of where it is mounted. */
	if (rc >= 0 && point->mode && *lacking && fchmod(rc, point->mode) < 0) {
		close(rc);
		return -1;
	}
	return rc;
}

/* A file of the layer's own, in whatever the root file system has there. */
static int copy_file(const struct sb_layer_of *of, int upper,
		     const struct sb_layer_point *point)
{
	char dir[PATH_MAX], name[NAME_MAX + 1];
	const char *slash = strrchr(point->path, '/');
	struct sb_layer_point parent = {.path = dir};
	_cleanup_free_ char *text = NULL;
	struct sb_err ignored;
	_cleanup_fd_ int to = -1;
	int at;
	size_t len;

	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - point->path),
		 point->path);
	snprintf(name, sizeof(name), "%s", slash + 1);
	text = sb_fdio_read(AT_FDCWD, point->source, 2 << 20, point->source,
			    &len, &ignored);
	at = text ? make_point(of, upper, &parent) : -1;
	to = make_rest(at, name, 1);
	return to < 0 ? -1 : sb_fdio_write_all(to, text, len);
}

static int make_points(const struct sb_layer_of *of, int upper,
		       struct sb_err *err)
{
	for (size_t i = 0; i < of->n_points; i++) {
		const struct sb_layer_point *p = &of->points[i];
		int rc = p->source ? copy_file(of, upper, p)
				   : make_point(of, upper, p);

		if (rc < 0)
			return sb_fail(err, SB_FAIL,
				       "%s: the root file system %s lacks it, "
				       "and it cannot be made in a layer over "
				       "it: %s",
				       p->path, of->rootfs, strerror(errno));
		if (!p->source)
			close(rc);
	}
	return 0;
}

/* ---- the overlay ---- */

/* volatile: what goes with the step need not reach the disk before. */
static int kernel_overlay(const char *root, const struct parts *p)
{
	char options[256];

	/* By descriptor: in a path ':' and ',' would have a meaning. */
	snprintf(options, sizeof(options),
		 "lowerdir=/proc/self/fd/%d,upperdir=/proc/self/fd/%d,"
		 "workdir=/proc/self/fd/%d,userxattr,volatile",
		 p->lower, p->upper, p->work);
	return mount("overlay", root, "overlay", 0, options);
}

static int fuse_overlay(struct sb_layer *l, const struct sb_layer_of *of,
			const struct parts *p, struct sb_err *err)
{
	const struct sb_fuse_of fuse = {
		.program = of->fuse,
		.root = l->root,
		.lower = p->lower,
		.upper = p->upper,
		.work = p->work,
		.dir = of->dir->fd,
	};

	l->fuse = sb_fuse_mount(&fuse, err);
	return l->fuse < 0 ? -1 : 0;
}

/* Whether the user may change what lies there, without a squashing layer. */
static int owns(int rootfs_fd)
{
	struct stat st;

	return !fstat(rootfs_fd, &st) && st.st_uid == geteuid();
}

/* Without the links that dir->path may lead through: runc refuses a root file
 * system with such a path. */
char *sb_layer_root(const struct sb_taskdir *dir)
{
	char link[32], real[PATH_MAX], *root;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir->fd);
	n = readlink(link, real, sizeof(real));
	if (n <= 0 || n == (ssize_t)sizeof(real))
		n = snprintf(real, sizeof(real), "%s", dir->path);
	return asprintf(&root, "%.*s/" ROOT, (int)n, real) < 0 ? NULL : root;
}

/* The place of the root file system; its path in l->root. */
static int make_root(struct sb_layer *l, const struct sb_taskdir *dir,
		     struct sb_err *err)
{
	if (mkdirat(dir->fd, ROOT, 0700) < 0 && errno != EEXIST)
		return sb_fail(err, SB_FAIL, "step directory %s: %s", dir->path,
			       strerror(errno));
	l->root = sb_layer_root(dir);
	return l->root ? 0 : sb_no_memory(err);
}

static int mount_layer(struct sb_layer *l, const struct sb_layer_of *of,
		       const struct parts *p, struct sb_err *err)
{
	int errnum;

	if (make_root(l, of->dir, err) < 0)
		return -1;
	if (of->store && !owns(of->rootfs_fd)) {
		if (fuse_overlay(l, of, p, err) < 0)
			return sb_wrap(err,
				       "writable container: %s has files of "
				       "others",
				       of->rootfs);
		return 0;
	}
	if (!kernel_overlay(l->root, p))
		return 0;
	errnum = errno;
	if (fuse_overlay(l, of, p, err) < 0)
		return sb_wrap(err, "layer over %s: overlay: %s", of->rootfs,
			       strerror(errnum));
	return 0;
}

int sb_layer_make(struct sb_layer *l, const struct sb_layer_of *of,
		  struct sb_err *err)
{
	_cleanup_fd_ int data = -1, upper = -1, work = -1;
	struct parts p = {.lower = of->rootfs_fd, .upper = -1, .work = -1};

	*l = (struct sb_layer){.fuse = -1};
	data = of->store ? make_store(l, of, err) : make_data(l, of, err);
	if (data < 0)
		return -1;
	if (make_parts(of, data, &p, err) < 0)
		return -1;
	upper = p.upper;
	work = p.work;
	if (make_points(of, upper, err) < 0)
		return -1;
	return mount_layer(l, of, &p, err);
}

int sb_layer_bind(struct sb_layer *l, int rootfs_fd,
		  const struct sb_taskdir *dir, struct sb_err *err)
{
	char path[32];

	*l = (struct sb_layer){.fuse = -1};
	if (make_root(l, dir, err) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", rootfs_fd);
	/* With what is mounted in it: a user namespace may not look below. */
	if (mount(path, l->root, NULL, MS_BIND | MS_REC, NULL) < 0)
		sb_cleanup_free(&l->root);
	return 0;
}

int sb_layer_hand_over(struct sb_layer *l, pid_t pid, struct sb_err *err)
{
	if (!l->root || l->fuse < 0)
		return 0;
	return sb_fuse_follow(l->fuse, pid, err);
}

void sb_layer_close(struct sb_layer *l)
{
	/* A layer that was never made is all zero. */
	if (l->root && l->fuse >= 0)
		sb_fuse_stop(l->fuse);
	if (l->root)
		umount2(l->root, MNT_DETACH);
	if (l->data)
		umount2(l->data, MNT_DETACH);
	sb_cleanup_free(&l->root);
	sb_cleanup_free(&l->data);
	sb_cleanup_free(&l->store);
	*l = (struct sb_layer){.root = NULL};
}

void sb_layer_discard(struct sb_layer *l, const struct sb_taskdir *dir)
{
	_cleanup_free_ char *path = steal_ptr(l->store);
	_cleanup_fd_ int store = -1;
	char *name = path ? strrchr(path, '/') : NULL;

	sb_layer_close(l);
	if (!name)
		return;
	*name++ = '\0';
	store = open(*path ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (store >= 0 && !sb_reap_tree(store, name))
		unlinkat(dir->fd, SB_FILE_LAYER, 0);
}
