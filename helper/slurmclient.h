/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slurm's client programs of the host, working in a container of any make. */
#ifndef SB_SLURMCLIENT_H
#define SB_SLURMCLIENT_H

#include "../spank/err.h"
#include "mounts.h"
#include "taskdir.h"

/*
 * Shows the host's Slurm in place (a directory in the container): its programs
 * as links to our init, which starts each with the host's own dynamic loader
 * and libraries; Slurm's plugins and configuration and MUNGE's socket where the
 * host has them. found is the host's, or NULL where it is not installed. *path
 * gets the directory for the container's PATH; m owns it.
 *
 * Returns 0, or -1 with err set: Slurm or MUNGE are not where they should be.
 */
int sb_slurmclient_plan(struct sb_mounts *m, const struct sb_taskdir *dir,
			const char *found, const char *place, const char **path,
			struct sb_err *err);

#endif
