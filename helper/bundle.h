/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An OCI runtime bundle (runtime-spec, bundle.md), opened once and only read:
 * what the name stands for later is of no matter. */
#ifndef SB_BUNDLE_H
#define SB_BUNDLE_H

#include "../spank/err.h"
#include "json.h"

struct sb_bundle {
	int fd;		       /* the bundle, O_PATH */
	int rootfs_fd;	       /* root.path, O_PATH */
	char *path;	       /* absolute, links resolved */
	char *rootfs;	       /* likewise */
	struct sb_json config; /* config.json, an object */
};

/*
 * Opens the bundle at path (relative: to the working directory), reads its
 * config.json and finds its rootfs. Returns 0, or -1 with err set, naming the
 * path, or the line of config.json. Release with sb_bundle_close, also after
 * an error.
 */
int sb_bundle_open(struct sb_bundle *b, const char *path, struct sb_err *err);

void sb_bundle_close(struct sb_bundle *b);

#endif
