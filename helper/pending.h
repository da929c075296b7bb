/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RunTimeDelete for what a runtime keeps outside the step directory: written
 * down before it is needed, so that it is done even if all of us are killed. */
#ifndef SB_PENDING_H
#define SB_PENDING_H

#include "runtime.h"
#include "taskdir.h"

/* Writes RunTimeDelete's words to the task's directory, if the pattern names
 * nothing below the step directory (whose removal takes all else along).
 * Returns 0, or -1 with err set. */
int sb_pending_keep(const struct sb_runtime *rt, const struct sb_taskdir *dir,
		    struct sb_err *err);

/* Runs what earlier steps of this user, uid outside our namespace, on this node
 * left to be run. Failures are of no matter: the container may long be gone. */
void sb_pending_run(const struct sb_runtime *rt, const struct sb_taskdir *dir,
		    uid_t uid);

#endif
