/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one task that a verb is about. */
#ifndef SB_FIND_H
#define SB_FIND_H

#include "containers.h"
#include "steps.h"
#include "target.h"

struct sb_found {
	const struct sb_step *step; /* borrowed from steps */
	int dir;		    /* its directory; owned */
	struct sb_container c;	    /* owned */
	struct sb_ctask task;	    /* of c; its process lived just now */
};

/*
 * Finds the task of the target among steps. Into another user's, which root
 * has among them, nobody looks: that is an error. Without TASK, the
 * first on this machine; without STEP, the only step that has a container here.
 * Returns 0, or -1 with err set: there is none, or there are several steps,
 * which err names. Release with sb_found_free, also after an error.
 */
int sb_find(struct sb_found *f, const struct sb_target *target,
	    const struct sb_steps *steps, struct sb_err *err);

void sb_found_free(struct sb_found *f);

#endif
