/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Environments: which variables a container gets, and which a runtime. */
#ifndef SB_ENV_H
#define SB_ENV_H

#include "../spank/err.h"
#include "buf.h"

#include <regex.h>

/* What a container's environment is made of; all borrowed, lists of
 * "NAME=VALUE", any NULL. Entries without '=' are passed over. */
struct sb_env_of {
	char **site;	  /* EnvSet and what must point into the container */
	char **job;	  /* the job's */
	char **bundle;	  /* process.env */
	const char *keep; /* names, comma-separated: the job's value wins */
	const regex_t *exclude; /* the job's that are left out */
	int shell_inside;	/* the job's SHELL exists in the container */
};

/*
 * The container's environment. The site's variables win over all. For a name in
 * both others the bundle's value wins, but for the names that belong to Slurm,
 * to the user or to what Slurm bound the task to (the table in env.c, and in
 * stepbox(1)), and those in keep. SHELL is the job's only if shell_inside. Ours
 * (SLURM_STEPBOX_*), whosever, and what exclude matches of the job's are left
 * out. The
 * order is the job's, then what only the bundle, then only the site has.
 * Returns 0, or -1 with err set.
 */
int sb_env_container(const struct sb_env_of *of, struct sb_strv *out,
		     struct sb_err *err);

/* Why a variable of the result of sb_env_container is what it is, or why there
 * is none of that name: a few words, static. entry is "NAME" or "NAME=VALUE".
 */
const char *sb_env_why(const struct sb_env_of *of, const char *entry);

/* Puts dir before the others in PATH, which is set if env lacks it. Returns 0,
 * or -1 with err set. */
int sb_env_path(struct sb_strv *env, const char *dir, struct sb_err *err);

/*
 * The environment of the runtime itself and of hooks: a fixed PATH, and of the
 * job's only HOME, USER, LOGNAME, XDG_RUNTIME_DIR and Slurm's own variables,
 * without what exclude matches. What a user may set to steer a program (LD_*,
 * PATH...) reaches the container alone. Returns 0, or -1 with err set.
 */
int sb_env_runtime(char **job, const regex_t *exclude, struct sb_strv *out,
		   struct sb_err *err);

/*
 * The environment of a runtime that hands its own on to the command, since
 * there is no config.json to say another in: env, which is what the command is
 * to have, with a fixed PATH, and without what exclude matches and what would
 * have a say in how the host's own programs run: the dynamic linker's
 * variables, the C library's and the shell's (glibc,
 * sysdeps/generic/unsecvars.h; sh(1)). Returns 0, or -1 with err set.
 */
int sb_env_direct(char **env, const regex_t *exclude, struct sb_strv *out,
		  struct sb_err *err);

/* The value of name in env, or NULL; borrowed. */
const char *sb_env_get(char **env, const char *name);

#endif
