/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the letters of patterns and paths stand for in a task: %j, %b... */
#ifndef SB_LETTERS_H
#define SB_LETTERS_H

#include "job.h"
#include "pattern.h"
#include "taskdir.h"

/* What the values point to, beside job and directory. */
struct sb_letters {
	char number[5][16];
	char *env_file; /* %e, owned */
};

/* Fills in values, all letters but %r, which the plan finds; without %b and %e
 * if dir has but the step directory. They live as long as l, job and dir.
 * Returns 0, or -1 with err set when memory runs out. Release with
 * sb_letters_free. */
int sb_letters_set(struct sb_letters *l, struct sb_values *values,
		   const struct sb_job *job, const struct sb_taskdir *dir,
		   struct sb_err *err);

void sb_letters_free(struct sb_letters *l);

#endif
