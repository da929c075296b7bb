/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mounts that a container gets beside the bundle's own: ours, the site's,
 * the user's. */
#ifndef SB_MOUNTS_H
#define SB_MOUNTS_H

#include "../spank/err.h"
#include "buf.h"
#include "layer.h"
#include "pattern.h"
#include "spec.h"

#define SB_MOUNTS_SPARE 4

struct sb_mounts {
	struct sb_spec_mount *list; /* owned, as the strings are */
	size_t n, room;
	struct sb_strv umounts; /* destinations not to be mounted */
	struct sb_strv strings; /* what list points to */
};

/* What paths in a mount may stand for; borrowed. */
struct sb_mounts_names {
	char **env;			/* $NAME: the job's */
	const struct sb_values *values; /* %j... */
	/* An optional mount whose destination this root directory lacks is
	 * passed over too; -1: it is made. */
	int rootfs_fd;
};

/*
 * Adds the mount of source (a file or directory of the host) on destination,
 * with options as in config.json, comma-separated. All are copied. Returns 0,
 * or -1 with err set: source does not exist.
 */
int sb_mounts_bind(struct sb_mounts *m, const char *source,
		   const char *destination, const char *options,
		   struct sb_err *err);

/* Adds a tmpfs. Returns 0, or -1 with err set when memory runs out. */
int sb_mounts_tmpfs(struct sb_mounts *m, const char *destination,
		    const char *options, struct sb_err *err);

/*
 * Adds what text lists, in the grammar of spank/mountopt.h, expanded. what
 * names the option or key in messages. An entry that says "optional" is passed
 * over if its source does not exist. Returns 0, or -1 with err set.
 */
int sb_mounts_parse(struct sb_mounts *m, const char *text, const char *what,
		    const struct sb_mounts_names *names, struct sb_err *err);

/* Whether one of arg, a struct sb_mounts, is at path or above it. For
 * sb_spec_tmpfs. */
int sb_mounts_cover(const void *arg, const char *path);

/* The path "a/b", a string that m owns; NULL when memory
 * runs out. */
const char *sb_mounts_path(struct sb_mounts *m, const char *a, const char *b);

/*
 * Finds which mount points of config's mounts (all are in it now) and devices
 * the root file system lacks; those below a mount are the runtime's business.
 * The caller frees *points, whose strings are config's, and which has room for
 * SB_MOUNTS_SPARE more. Returns 0, or -1 with err set.
 */
int sb_mounts_lacking(const json_t *config, int rootfs_fd,
		      struct sb_layer_point **points, size_t *n,
		      struct sb_err *err);

void sb_mounts_free(struct sb_mounts *m);

#endif
