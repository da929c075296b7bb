/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mounts that a container gets beside the bundle's own. */
#define _GNU_SOURCE
#include "mounts.h"

#include "../spank/contract.h"
#include "../spank/mountopt.h"
#include "expand.h"
#include "fdio.h"
#include "mem.h"
#include "mountlist.h"
#include "path.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static const char *keep(struct sb_mounts *m, const char *s)
{
	sb_strv_add(&m->strings, s);
	return m->strings.failed ? NULL : m->strings.v[m->strings.n - 1];
}

const char *sb_mounts_path(struct sb_mounts *m, const char *a, const char *b)
{
	char *p = NULL;

	if (asprintf(&p, "%s/%s", a, b) < 0)
		return NULL;
	sb_strv_take(&m->strings, p);
	return m->strings.failed ? NULL : p;
}

static int add(struct sb_mounts *m, const char *source, const char *destination,
	       const char *type, const char *options, int file,
	       struct sb_err *err)
{
	struct sb_spec_mount *list;

	if (m->n == m->room) {
		list = realloc(m->list, 2 * (m->n + 4) * sizeof(*list));
		if (!list)
			return sb_no_memory(err);
		m->list = list;
		m->room = 2 * (m->n + 4);
	}
	m->list[m->n++] = (struct sb_spec_mount){
		.source = keep(m, source),
		.destination = keep(m, destination),
		.type = type,
		.options = keep(m, options),
		.file = file,
	};
	return m->strings.failed ? sb_no_memory(err) : 0;
}

static int has_word(const char *list, const char *word)
{
	size_t len = strlen(word), n;

	for (; *list; list += n + !!list[n]) {
		n = strcspn(list, ",");
		if (n == len && !memcmp(list, word, n))
			return 1;
	}
	return 0;
}

/* With what is locked on the node's own mount; asked for without: an error. */
static int add_bind(struct sb_mounts *m, const char *source,
		    const char *destination, const char *options, int file,
		    struct sb_err *err)
{
	const struct sb_mountlist_locked *l = sb_mountlist_locked;
	_cleanup_buf_ struct sb_buf all = {0};
	struct statvfs fs;

	sb_buf_puts(&all, options);
	if (statvfs(source, &fs) < 0)
		fs.f_flag = 0;
	for (size_t i = 0; i < SB_MOUNTLIST_LOCKED; i++, l++) {
		if (!(fs.f_flag & l->flag))
			continue;
		if (has_word(options, l->undo))
			return sb_fail(err, SB_FAIL,
				       "%s: cannot be had %s: the node has it "
				       "mounted %s",
				       source, l->undo, l->name);
		sb_buf_putc(&all, ',');
		sb_buf_puts(&all, l->name);
	}
	if (all.failed)
		return sb_no_memory(err);
	return add(m, source, destination, "bind", all.data, file, err);
}

int sb_mounts_bind(struct sb_mounts *m, const char *source,
		   const char *destination, const char *options,
		   struct sb_err *err)
{
	struct stat st;

	if (stat(source, &st) < 0)
		return sb_fail(err, SB_FAIL, "mount of %s: %s", source,
			       strerror(errno));
	return add_bind(m, source, destination, options, !S_ISDIR(st.st_mode),
			err);
}

int sb_mounts_tmpfs(struct sb_mounts *m, const char *destination,
		    const char *options, struct sb_err *err)
{
	return add(m, "tmpfs", destination, "tmpfs", options, 0, err);
}

/* ---- the user's and the site's ---- */

static int add_theirs(struct sb_mounts *m, const struct sb_mountopt *o,
		      const char *source, const char *destination,
		      struct sb_err *err)
{
	char where[PATH_MAX];
	struct stat st;

	if (stat(source, &st) < 0) {
		if (o->optional)
			return 0;
		return sb_fail(err, SB_FAIL, "%s: %s",
			       sb_fdio_blame(source, where, sizeof(where)),
			       strerror(errno));
	}
	if (*source != '/')
		return sb_fail(err, SB_FAIL, "%s: not absolute", source);
	if ((o->create == SB_CREATE_FILE && S_ISDIR(st.st_mode)) ||
	    (o->create == SB_CREATE_DIR && !S_ISDIR(st.st_mode)))
		return sb_fail(err, SB_FAIL,
			       "%s: %s a directory, against "
			       "x-create",
			       source, S_ISDIR(st.st_mode) ? "is" : "is not");
	return add_bind(m, source, destination, o->options,
			!S_ISDIR(st.st_mode), err);
}

static int add_one(struct sb_mounts *m, const struct sb_mountopt *o,
		   const struct sb_mounts_names *names, struct sb_err *err)
{
	_cleanup_free_ char *source = NULL, *destination = NULL;

	destination = sb_expand(o->destination, names->env, names->values, err);
	if (!destination)
		return -1;
	if (*destination != '/')
		return sb_fail(err, SB_FAIL, "%s: not absolute", destination);
	if (sb_mountopt_normalize(destination, err) < 0)
		return -1;
	if (o->kind == SB_MOUNT_BIND) {
		if (o->optional && names->rootfs_fd >= 0 &&
		    !sb_fdio_in_root(names->rootfs_fd, destination))
			return 0;
		source = sb_expand(o->source, names->env, names->values, err);
		if (!source)
			return -1;
	}
	if (sb_path_takes_proc(destination, "", source))
		return sb_fail(err, SB_FAIL,
			       "destination /proc: only /proc itself can be "
			       "there");
	if (source)
		return add_theirs(m, o, source, destination, err);
	if (o->kind == SB_MOUNT_TMPFS)
		return sb_mounts_tmpfs(m, destination, o->options, err);
	/* Runtimes make devices, in the root file system if there is no other
	 * place. */
	if (!strcmp(destination, "/dev"))
		return sb_fail(err, SB_FAIL,
			       "umount:/dev: no container can do without");
	sb_strv_add(&m->umounts, destination);
	return m->umounts.failed ? sb_no_memory(err) : 0;
}

int sb_mounts_parse(struct sb_mounts *m, const char *text, const char *what,
		    const struct sb_mounts_names *names, struct sb_err *err)
{
	_cleanup_free_ struct sb_mountopt *o = malloc(sizeof(*o));
	int rc;

	if (!o)
		return sb_no_memory(err);
	while ((rc = sb_mountopt_next(&text, o, err)) > 0)
		if (add_one(m, o, names, err) < 0)
			return sb_wrap(err, "%s", what);
	return rc < 0 ? sb_wrap(err, "%s", what) : 0;
}

/* ---- mount points ---- */

static const char *text_of(const json_t *mount, const char *name)
{
	return json_string_value(json_object_get(mount, name));
}

int sb_mounts_cover(const void *arg, const char *path)
{
	const struct sb_mounts *m = arg;

	for (size_t i = 0; i < m->n; i++)
		if (sb_path_is_within(path, m->list[i].destination))
			return 1;
	return 0;
}

/* Whether an earlier mount is above the i-th. */
static int below_another(const json_t *mounts, size_t i)
{
	const char *path = text_of(json_array_get(mounts, i), "destination");

	while (i--) {
		const char *top =
			text_of(json_array_get(mounts, i), "destination");

		if (top && strcmp(path, top) && sb_path_is_within(path, top))
			return 1;
	}
	return 0;
}

static int wants_file(const json_t *mount)
{
	const char *type = text_of(mount, "type");
	const char *source = text_of(mount, "source");
	const char *option;
	int bind = type && !strcmp(type, "bind");
	struct stat st;
	size_t i;
	json_t *e;

	json_array_foreach (json_object_get(mount, "options"), i, e) {
		option = json_string_value(e);
		bind |= option &&
			(!strcmp(option, "bind") || !strcmp(option, "rbind"));
	}
	return bind && source && !stat(source, &st) && !S_ISDIR(st.st_mode);
}

/* The mode= of a tmpfs, 0 if there is none. */
static unsigned int tmpfs_mode(const json_t *mount)
{
	const char *type = text_of(mount, "type"), *option;
	unsigned int mode = 0;
	size_t i;
	json_t *e;

	json_array_foreach (json_object_get(mount, "options"), i, e) {
		option = json_string_value(e);
		if (option && type && !strcmp(type, "tmpfs") &&
		    !strncmp(option, "mode=", 5))
			mode = strtoul(option + 5, NULL, 8) & 07777;
	}
	return mode;
}

/* A device outside all mounts: with no right to make one, runtimes make a file
 * and bind the node's there. They do so when all is mounted. */
static int is_bare_device(const json_t *config, const char *path)
{
	return path && *path == '/' && !sb_spec_covers(config, path);
}

int sb_mounts_lacking(const json_t *config, int rootfs_fd,
		      struct sb_layer_point **points, size_t *n,
		      struct sb_err *err)
{
	const json_t *mounts = json_object_get(config, "mounts");
	const json_t *devices =
		json_object_get(json_object_get(config, "linux"), "devices");
	const char *path;
	size_t i;
	json_t *e;

	*n = 0;
	*points = calloc(json_array_size(mounts) + json_array_size(devices) +
				 SB_MOUNTS_SPARE,
			 sizeof(**points));
	if (!*points)
		return sb_no_memory(err);
	json_array_foreach (mounts, i, e) {
		path = text_of(e, "destination");
		if (!path || *path != '/' || below_another(mounts, i) ||
		    sb_fdio_in_root(rootfs_fd, path))
			continue;
		(*points)[(*n)++] =
			(struct sb_layer_point){.path = path,
						.file = wants_file(e),
						.mode = tmpfs_mode(e)};
	}
	json_array_foreach (devices, i, e) {
		path = text_of(e, "path");
		if (is_bare_device(config, path) &&
		    !sb_fdio_in_root(rootfs_fd, path))
			(*points)[(*n)++] = (struct sb_layer_point){
				.path = path, .file = 1};
	}
	return 0;
}

void sb_mounts_free(struct sb_mounts *m)
{
	free(m->list);
	sb_strv_free(&m->umounts);
	sb_strv_free(&m->strings);
	*m = (struct sb_mounts){.list = NULL};
}
