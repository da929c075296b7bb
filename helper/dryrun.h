/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of `stepbox run` up to the runtime, without doing anything: a layer
 * is only planned, and no namespace is entered. */
#ifndef SB_DRYRUN_H
#define SB_DRYRUN_H

#include "letters.h"
#include "plan.h"
#include "runtime.h"

struct sb_dryrun {
	struct sb_job job;	    /* read by the caller, freed here */
	const struct sb_conf *conf; /* loaded; borrowed */

	struct sb_taskdir dir;
	struct sb_letters letters;
	struct sb_runtime rt;
	struct sb_plan plan;
	struct sb_explain explain;
	struct sb_bundle before; /* as the bundle has it */
	struct sb_strv remarks;	 /* what run would say to the user */
};

/* Descriptors that are not open. */
#define SB_DRYRUN_INIT                                                         \
	{                                                                      \
		.plan.bundle = {.fd = -1, .rootfs_fd = -1},                    \
		.before = {.fd = -1, .rootfs_fd = -1}, .dir = SB_TASKDIR_NONE, \
	}

/*
 * Plans d->job. Without a command it is the bundle's own, else sh. A runtime
 * that is not there is a remark: a login node may have none. Returns 0, or -1
 * with err set. Release with sb_dryrun_free, also after an error; the task's
 * directory goes with it, unless the job names one.
 */
int sb_dryrun_make(struct sb_dryrun *d, struct sb_err *err);

void sb_dryrun_free(struct sb_dryrun *d);

#endif
