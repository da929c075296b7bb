/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of ours the container sees: the init, the batch script, the terminal's
 * name, and the words that its process gets. */
#ifndef SB_INSIDE_H
#define SB_INSIDE_H

#include "../spank/err.h"
#include "bundle.h"
#include "conf.h"
#include "job.h"
#include "spec.h"
#include "taskdir.h"

#define SB_INSIDE_MOUNTS 4

struct sb_inside {
	int init; /* our init is the container's process */
	/* The directory that our files are mounted in; NULL: there is none. */
	const char *place;
	struct sb_spec_mount mounts[SB_INSIDE_MOUNTS];
	size_t n_mounts;
	struct sb_strv args;  /* process.args */
	struct sb_strv paths; /* owns what place and mounts point to */
};

/* What the plan is made of; all borrowed. */
struct sb_inside_of {
	const struct sb_job *job;
	const struct sb_conf *conf;
	const struct sb_bundle *bundle;
	const struct sb_taskdir *dir;
	const char *where; /* "node n1, task 0", for the init's messages */
	int terminal;	   /* the task has the step's terminal */
};

/*
 * Plans it. Returns 0, or -1 with err set: the batch script or (Init=yes) the
 * init cannot be shown in this container, or the init is not installed.
 * Release with sb_inside_free, also after an error.
 */
int sb_inside_plan(struct sb_inside *in, const struct sb_inside_of *of,
		   struct sb_err *err);

void sb_inside_free(struct sb_inside *in);

#endif
