/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the letters of patterns and paths stand for in a task. */
#define _GNU_SOURCE
#include "letters.h"

#include "mem.h"

#include <stdio.h>

int sb_letters_set(struct sb_letters *l, struct sb_values *values,
		   const struct sb_job *job, const struct sb_taskdir *dir,
		   struct sb_err *err)
{
	const uint32_t numbers[] = {job->job, job->step, job->task, job->uid,
				    UINT32_MAX};
	static const char letters[] = "jstUp";
	const char **letter = values->letter;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		snprintf(l->number[i], sizeof(l->number[i]), "%u", numbers[i]);
		letter[(int)letters[i]] = l->number[i];
	}
	sb_letters_free(l);
	if (dir->path &&
	    asprintf(&l->env_file, "%s/environment", dir->path) < 0) {
		l->env_file = NULL;
		return sb_no_memory(err);
	}
	letter['b'] = dir->path;
	letter['e'] = l->env_file;
	letter['m'] = dir->step;
	letter['n'] = job->node;
	letter['u'] = job->user ? job->user : l->number[3];
	letter['Z'] = job->cwd;
	values->argv = job->cmd.v;
	return 0;
}

void sb_letters_free(struct sb_letters *l)
{
	sb_cleanup_free(&l->env_file);
}
