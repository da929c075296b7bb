/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Heterogeneous jobs and steps: one environment serves all their components. */
#ifndef SB_HET_H
#define SB_HET_H

#include "err.h"

/*
 * What --container, or the program's input variable, names for the component
 * whose options Slurm has just read; NULL where there is none. Slurm says so
 * itself, since SLURM_CONTAINER does not: its clients set that only where it
 * is not set yet, so that it stays the first component's (20.11 to 26.05,
 * opt.c of srun, sbatch and salloc). Sets *known to 0 where Slurm's program
 * does not export what that takes. The string is ours for the program's life:
 * do not free.
 */
const char *sb_het_container(int *known);

struct sb_het {
	char *first;	/* the first component's bundle, owned */
	int components; /* that were seen */
};

/*
 * Called for each component in turn with its bundle (NULL: none). h is all zero
 * at first. A component that does not name one inherits that of the one before:
 * so Slurm has it. Returns 0, or -1 with err set: the components do not agree,
 * or there is no memory.
 */
int sb_het_check(struct sb_het *h, const char *bundle, struct sb_err *err);

#endif
