/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a task must know to enter a container that another one had made: a file
 * in the container's directory.
 */
#ifndef SB_RECIPE_H
#define SB_RECIPE_H

#include "../spank/err.h"
#include "buf.h"
#include "json.h"
#include "plan.h"

struct sb_recipe {
	struct sb_json doc; /* owned; all strings are its */
	pid_t pid;	    /* the container's process */
	unsigned long long start;
	unsigned int task;    /* the task that had it made: %t of its name */
	int exec;	      /* no namespaces to enter: RunTimeExec */
	int ipc;	      /* it has an ipc namespace of its own */
	int identity;	      /* there is an inner user namespace to enter */
	const char *program;  /* the init, inside */
	struct sb_strv words; /* its options; owned */
	struct sb_strv bundle_env, site_env; /* owned */
	const char *env_exclude;	     /* EnvExclude; NULL: none */
	int shell_inside;
	const char *path;      /* to be put before PATH; NULL: nothing */
	const char *cwd;       /* the bundle's */
	const char *terminals; /* NULL: nowhere */
	const char *command, *command_inside; /* NULL: none is the node's */
	int verbose; /* as that of the task that made it (StdIODebug) */
};

/* What p tells, and the container's process, are written to the container's
 * directory. Returns 0, or -1 with err set. */
int sb_recipe_write(const struct sb_plan *p, pid_t pid, int exec,
		    struct sb_err *err);

/*
 * Reads it from the container's directory (its name below the step directory).
 * Returns 0, or -1 with err set. Release with sb_recipe_free, also after an
 * error.
 */
int sb_recipe_read(struct sb_recipe *r, int dirfd, struct sb_err *err);

void sb_recipe_free(struct sb_recipe *r);

#endif
