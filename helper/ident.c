/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who the user is, in the container's own passwd and group. */
#define _GNU_SOURCE
#include "ident.h"

#include "../spank/contract.h"
#include "fdio.h"
#include "mem.h"
#include "passwd.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Slurm's own user, without whom its clients refuse slurm.conf. */
#define SLURM_USER "slurm"

typedef int add_fn(const char *old, size_t len, const struct sb_who *who,
		   struct sb_buf *out);

/* The container's file as it would be, if it needs a change: 1 and out set. */
static int make_text(const char *path, add_fn *add,
		     const struct sb_ident_of *of, const struct sb_who *who,
		     struct sb_buf *out)
{
	_cleanup_free_ char *old = NULL;
	_cleanup_buf_ struct sb_buf with = {0};
	struct sb_err ignored;
	size_t len = 0;
	int rc;

	errno = 0;
	old = sb_fdio_read_in_root(of->bundle->rootfs_fd, path, SB_PASSWD_MAX,
				   &len, &ignored);
	/* Not there, not readable: then as if it were empty. What could not be
	 * looked at (Linux < 5.6 has no openat2) stays as it is. */
	if (!old && errno == ENOMEM)
		return -1;
	if (!old && (errno == EFBIG || errno == ENOSYS || errno == EPERM ||
		     errno == EAGAIN))
		return 0;
	rc = of->slurm_users && add == sb_passwd_add
		     ? sb_passwd_copy(old, len, "/etc", SLURM_USER, &with)
		     : 0;
	if (rc < 0)
		return -1;
	if (rc) {
		rc = add(with.data, with.len, who, out);
		if (rc)
			return rc;
		*out = with;
		with = (struct sb_buf){0};
		return 1;
	}
	return add(old, len, who, out);
}

static int plan_file(struct sb_ident_file *file, add_fn *add,
		     const struct sb_ident_of *of, const struct sb_who *who,
		     struct sb_err *err)
{
	const char *name = strrchr(file->path, '/') + 1;
	_cleanup_buf_ struct sb_buf text = {0};
	int rc;

	if (sb_mounts_cover(of->mounts, file->path) ||
	    sb_spec_covers(of->bundle->config.root, file->path))
		return 0;
	rc = make_text(file->path, add, of, who, &text);
	if (rc < 0)
		return sb_fail(err, SB_FAIL, "the container's %s: %s",
			       file->path, strerror(errno));
	if (!rc)
		return 0;
	/* Readable by all, as everybody's is. */
	if (sb_fdio_write(of->dir->fd, name, text.data, text.len, err) < 0 ||
	    fchmodat(of->dir->fd, name, 0644, 0) < 0)
		return sb_wrap(err, "step directory %s", of->dir->path);
	if (asprintf(&file->source, "%s/%s", of->dir->path, name) < 0) {
		file->source = NULL;
		return sb_no_memory(err);
	}
	return 0;
}

int sb_ident_plan(struct sb_ident *ident, const struct sb_ident_of *of,
		  struct sb_err *err)
{
	struct sb_ident_file *files = ident->files;
	struct sb_who who = {.uid = 0};
	int rc;

	*ident = (struct sb_ident){
		.files = {{.path = "/etc/passwd"}, {.path = "/etc/group"}}};
	rc = sb_who_read(&who, "/etc", environ, of->job->uid, of->job->gid,
			 err);
	if (!rc)
		rc = plan_file(&files[0], sb_passwd_add, of, &who, err);
	if (!rc)
		rc = plan_file(&files[1], sb_group_add, of, &who, err);
	sb_who_free(&who);
	return rc;
}

void sb_ident_free(struct sb_ident *ident)
{
	for (size_t i = 0; i < ARRAY_SIZE(ident->files); i++)
		sb_cleanup_free(&ident->files[i].source);
}
