/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What MPI's start-up needs of a container: how ranks reach the server that
 * Slurm runs for them, by descriptor (PMI-1, PMI-2) or by files (PMIx).
 */
#ifndef SB_MPI_H
#define SB_MPI_H

#include "../spank/err.h"
#include "buf.h"

#include <sys/types.h>

/* The lowest descriptor that a runtime can be told to keep: runc and crun,
 * --preserve-fds. */
#define SB_MPI_FD 3

/*
 * The descriptor that PMI_FD in env names, if the process has it and would keep
 * it over execve; -1 if there is none. Slurm's mpi/pmi2 gives each task its end
 * of a socket there, at whatever number was free (22.05,
 * src/plugins/mpi/pmi2/setup.c).
 */
int sb_mpi_fd(char **env);

/*
 * Moves this process's PMI descriptor to SB_MPI_FD and says so in PMI_FD.
 * To be called before anything else opens descriptors: what was at that number
 * is closed. Does nothing where there is none. Returns how many descriptors,
 * from SB_MPI_FD on, the command is to have: 0 or 1; -1 when memory runs out.
 */
int sb_mpi_settle(void);

/*
 * Adds the directories that a rank of uid's job needs of PMIx, each once and
 * none below another: where the server shares its data, and where Slurm has
 * made room for the ranks' own files: below env's SLURM_PMIX_TMPDIR, else in
 * spool, its directory for a step handed off (NULL: it was not), else in /tmp
 * (Slurm tells nobody of mpi.conf's PMIxCliTmpDirBase and slurm.conf's TmpFS).
 * Their paths are also in what the server sends, so that they must be the same
 * in the container. What does not exist is passed over. Returns 0, or -1 with
 * err set when memory runs out.
 */
int sb_mpi_dirs(char **env, uid_t uid, const char *spool, struct sb_strv *dirs,
		struct sb_err *err);

#endif
