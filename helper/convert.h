/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes any Linux bundle's config.json one that a user namespace with a single
 * uid and gid can have: the one that the helper makes before it calls the
 * runtime. Pure: data in, data out. What no rule names stays as it was.
 */
#ifndef SB_CONVERT_H
#define SB_CONVERT_H

#include "../spank/err.h"
#include "buf.h"
#include "json.h"

/* Facts about the node and the job; all borrowed. */
struct sb_convert {
	const char *bundle; /* its directory, absolute */
	unsigned int umask; /* the job's */
	int shared;   /* tasks that are the node's processes will enter it */
	int identity; /* its process writes to /proc/self, to be the user */
	unsigned int kernel_major, kernel_minor; /* uname(2) */
	/* Whether the job's user can see such a file on the node. */
	int (*exists)(void *arg, const char *path);
	/* Whether the node has this very device there; type is 'c' or 'b'. */
	int (*device)(void *arg, const char *path, char type,
		      unsigned int major, unsigned int minor);
	/* statvfs(3)'s f_flag of the mount that path is on. */
	unsigned long (*flags)(void *arg, const char *path);
	void *arg; /* for all three */
};

/*
 * Edits config in place. notes gets a line ("FIELD: what: why") for each thing
 * of the bundle's that was dropped, replaced or added.
 *
 * Returns 0; or -1 with err set, which names the field by its JSON path: the
 * document is for another system or version, asks for what a user namespace
 * can never have (a file system of a disk, a namespace of another container),
 * or is not of the form that the runtime-spec gives it. Then config may be
 * edited in part.
 *
 * The fields are those of OCI runtime-spec 1.0 to 1.3, config.md and
 * config-linux.md; what a user namespace may do is user_namespaces(7),
 * mount_namespaces(7) and Linux's FS_USERNS_MOUNT.
 */
int sb_convert(json_t *config, const struct sb_convert *c,
	       struct sb_strv *notes, struct sb_err *err);

#endif
