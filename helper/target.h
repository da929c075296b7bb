/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which job, step or task a verb is about, as people write it. */
#ifndef SB_TARGET_H
#define SB_TARGET_H

#include "../spank/err.h"

#include <stddef.h>
#include <stdint.h>

struct sb_target {
	uint32_t job;
	uint32_t step; /* if has_step */
	uint32_t task; /* its global id; if has_task */
	int has_step, has_task;
};

/* Reads JOB[.STEP[.TASK]]: numbers, STEP also "batch" or "interactive". Returns
 * 0, or -1 with err set. */
int sb_target_parse(struct sb_target *t, const char *text, struct sb_err *err);

/* Writes the step's name for people, "5.batch" or "5.0", to buf. Returns buf.
 */
char *sb_target_name(char buf[32], uint32_t job, uint32_t step);

#endif
