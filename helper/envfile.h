/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CreateEnvFile: the container's environment as a file, %e. */
#ifndef SB_ENVFILE_H
#define SB_ENVFILE_H

#include "../spank/err.h"
#include "buf.h"
#include "ocikeys.h"

/* Its name in the task's directory, as Slurm's is called. */
#define SB_ENVFILE_NAME "environment"

/*
 * Writes env (a NULL-terminated list, may be NULL) to the file in the directory
 * dirfd, readable by its owner alone; or does nothing where how is NONE or
 * AUTO. With NEWLINE, variables that hold a newline are left out, and their
 * names added to left. Returns 0, or -1 with err set.
 */
int sb_envfile_write(int dirfd, char **env, enum sb_env_file how,
		     struct sb_strv *left, struct sb_err *err);

#endif
