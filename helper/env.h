/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Environments: which variables a container gets, and which a runtime. */
#ifndef SB_ENV_H
#define SB_ENV_H

#include "../spank/err.h"
#include "buf.h"

#include <regex.h>

/*
 * The container's environment out of the job's and the bundle's (both lists of
 * "NAME=VALUE"; entries without '=' are passed over). For a name in both the
 * bundle's value wins, but for the names that belong to Slurm, to the user or
 * to what Slurm bound the task to (the table in env.c, and in stepbox(1)).
 * SHELL is the job's only if shell_inside. Ours (SLURM_STEPBOX_*) and what
 * exclude (may be NULL) matches of the job's are left out. The order is the
 * job's, then what only the bundle has. Returns 0, or -1 with err set.
 */
int sb_env_container(char **job, char **bundle, const regex_t *exclude,
		     int shell_inside, struct sb_strv *out, struct sb_err *err);

/*
 * The environment of the runtime itself and of hooks: a fixed PATH, and of the
 * job's only HOME, USER, LOGNAME, XDG_RUNTIME_DIR and Slurm's own variables,
 * without what exclude matches. What a user may set to steer a program (LD_*,
 * PATH...) reaches the container alone. Returns 0, or -1 with err set.
 */
int sb_env_runtime(char **job, const regex_t *exclude, struct sb_strv *out,
		   struct sb_err *err);

/* The value of name in env, or NULL; borrowed. */
const char *sb_env_get(char **env, const char *name);

#endif
