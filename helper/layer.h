/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A copy-on-write layer over a root file system that is not ours to change:
 * for mount points that it lacks, and for --container-writable. Everything is
 * made in the helper's own mount namespace and goes with it.
 */
#ifndef SB_LAYER_H
#define SB_LAYER_H

#include "../spank/err.h"
#include "taskdir.h"

#include <sys/types.h>

/* Something that the container must have, and that its root file system lacks
 * or has otherwise. */
struct sb_layer_point {
	const char *path;   /* absolute, in the container */
	int file;	    /* to mount on: an empty file, not a directory */
	unsigned int mode;  /* the directory's; 0: 0755 */
	const char *source; /* or a copy of this file of the host; else NULL */
};

/* What the layer is made of; all borrowed. */
struct sb_layer_of {
	int rootfs_fd;	    /* the root file system, opened in this namespace */
	const char *rootfs; /* its path, for messages and to tell links */
	const struct sb_taskdir *dir;
	const struct sb_layer_point *points;
	size_t n_points;
	/* Where changed files go: a directory of the site's or the job's; NULL:
	 * a small tmpfs, enough for mount points. */
	const char *store;
	const char *name; /* for the store: no '/', unique on this node */
	const char *node;
	const char *fuse; /* fuse-overlayfs; NULL: not installed */
};

struct sb_layer {
	char *root;  /* owned: what root.path is now; NULL: no layer */
	char *data;  /* owned: the tmpfs' mount point, or NULL */
	char *store; /* owned: the data's path in the store, or NULL */
	int fuse;    /* sb_fuse_stop's, or -1 */
};

/*
 * Makes the layer: by overlayfs, or where the kernel refuses that, or where the
 * user must be able to change files of others (store is set and the root file
 * system is not his), by fuse-overlayfs, which dies with the caller. What goes
 * to the store is written down in the task's directory first (SB_FILE_LAYER),
 * and what an earlier boot of this node left there is removed.
 *
 * Returns 0, or -1 with err set. Release with sb_layer_close, also after an
 * error.
 */
int sb_layer_make(struct sb_layer *l, const struct sb_layer_of *of,
		  struct sb_err *err);

/*
 * No layer, but the root file system itself, at sb_layer_root: the one that was
 * opened, whatever its path leads to by the time the runtime looks. Where the
 * kernel does not let it be mounted, l->root stays NULL. Returns 0, or -1 with
 * err set. Release with sb_layer_close, also after an error.
 */
int sb_layer_bind(struct sb_layer *l, int rootfs_fd,
		  const struct sb_taskdir *dir, struct sb_err *err);

/* It shall last as long as the process pid, no matter when the caller ends.
 * Returns 0, or -1 with err set. */
int sb_layer_hand_over(struct sb_layer *l, pid_t pid, struct sb_err *err);

/* The path that struct sb_layer's root gets; the caller frees it. NULL when
 * memory runs out. */
char *sb_layer_root(const struct sb_taskdir *dir);

/* Takes it down, as far as this namespace sees it. The data in the store are
 * removed by whoever empties the task's directory (spank/reap.h). */
void sb_layer_close(struct sb_layer *l);

/* Takes it down and removes its data, however long that takes: slurmstepd, who
 * would do it otherwise, has but seconds, and perhaps another /tmp. */
void sb_layer_discard(struct sb_layer *l, const struct sb_taskdir *dir);

#endif
