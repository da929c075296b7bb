/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A step's config.json made into one that a runtime can run without the step:
 * outside of its user namespace, without its directory and its layer. Pure:
 * data in, data out.
 */
#ifndef SB_STANDALONE_H
#define SB_STANDALONE_H

#include "../spank/err.h"
#include "buf.h"
#include "json.h"

#include <sys/types.h>

/* All borrowed. */
struct sb_standalone {
	uid_t uid; /* the job's; root needs no user namespace */
	gid_t gid;
	const char *gone;   /* the step directory; NULL: it is kept */
	const char *layer;  /* the layer's root; NULL: there is none */
	const char *rootfs; /* the bundle's */
	int init;	    /* process.args begins with our init's options */
	/* Whether the bundle's root file system has such a path. */
	int (*has)(void *arg, const char *path);
	void *arg;
};

/* Edits config in place; notes gets a line for each thing that a step has and
 * this has not. Returns 0, or -1 with err set when memory runs out. */
int sb_standalone_edit(json_t *config, const struct sb_standalone *of,
		       struct sb_strv *notes, struct sb_err *err);

#endif
