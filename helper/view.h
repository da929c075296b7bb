/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The container's files as the node has them: its root file system and what is
 * bound into it, before there is a container.
 */
#ifndef SB_VIEW_H
#define SB_VIEW_H

#include <jansson.h>
#include <stddef.h>

struct sb_view {
	int rootfs_fd;	      /* borrowed, as the next */
	const json_t *mounts; /* config.json's, edited; or NULL */
};

/* Where in the container a path leads, and what of the node that is. */
struct sb_seen {
	char inside[4096]; /* without links, "" for the root directory */
	char node[4096];   /* below rootfs_fd if relative; else absolute */
};

/*
 * Follows path, absolute in the container, over links and mounts. Returns 0; or
 * -1 with errno set: ENOENT for what is not there, EXDEV for what lies in a
 * file system that is made with the container, such as its /proc.
 */
int sb_view_find(const struct sb_view *v, const char *path,
		 struct sb_seen *seen);

/* Opens what sb_view_find found, O_CLOEXEC. Returns the descriptor, or -1 with
 * errno set. */
int sb_view_open(const struct sb_view *v, const struct sb_seen *seen,
		 int flags);

/*
 * Finds a command as execvp(3) would with this PATH (NULL: the usual one), a
 * name with '/' as it is. Returns 0; or -1 with errno set: ENOENT, EACCES for
 * one that cannot be executed, EXDEV as above.
 */
int sb_view_command(const struct sb_view *v, const char *name,
		    const char *search, struct sb_seen *seen);

#endif
