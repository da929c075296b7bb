/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuse-overlayfs, where the kernel's own overlay will not do. */
#ifndef SB_FUSE_H
#define SB_FUSE_H

#include "../spank/err.h"

#include <sys/types.h>

struct sb_fuse_of {
	const char *program; /* fuse-overlayfs; NULL: not installed */
	const char *root;    /* where to mount */
	int lower, upper, work;
	int dir; /* the task's directory, for its log */
};

/*
 * Mounts an overlay in which everybody's files are the user's. The program is
 * no child of the caller's (a runtime would wait for it), and dies with the
 * caller, whatever that becomes and however it ends. Its watcher is named in
 * the directory of its log (SB_FILE_SERVERS).
 *
 * Returns a descriptor for sb_fuse_stop once it is mounted, or -1 with err set:
 * the program's own words.
 */
int sb_fuse_mount(const struct sb_fuse_of *of, struct sb_err *err);

/* From now on it dies with the process pid, and not with the caller. Returns 0,
 * or -1 with err set. */
int sb_fuse_follow(int fd, pid_t pid, struct sb_err *err);

/* Ends it, and waits until it has ended. fd is closed. */
void sb_fuse_stop(int fd);

#endif
