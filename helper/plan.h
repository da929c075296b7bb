/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what is asked for to the config.json that the runtime gets: the
 * configuration, the bundle, mounts, layer, environment, and the edits. All of
 * it but the runtime itself.
 */
#ifndef SB_PLAN_H
#define SB_PLAN_H

#include "../spank/err.h"
#include "bundle.h"
#include "conf.h"
#include "explain.h"
#include "ident.h"
#include "inside.h"
#include "job.h"
#include "layer.h"
#include "mounts.h"
#include "pattern.h"
#include "taskdir.h"

struct sb_plan {
	const struct sb_job *job;	/* borrowed, as the next four */
	const struct sb_conf *conf;	/* loaded */
	const struct sb_taskdir *dir;	/* open */
	const struct sb_values *values; /* what letters in paths stand for */
	const char *where;		/* "node n1, task 0" */
	int terminal;			/* the task has the step's terminal */
	unsigned int shared; /* so many tasks enter it; 0: it is one task's */
	pid_t parent;	     /* whoever starts them */
	/* Tells the user something that is no error; once per step. */
	void (*say)(const struct sb_plan *p, const char *text);
	/* NULL, or: nothing is mounted nor started, a layer is only planned,
	 * and this gets what there is to tell of the rest; borrowed. The
	 * process need not be in a user namespace then. */
	struct sb_explain *explain;

	char *fuse, *srun; /* programs, owned; NULL: not installed */
	enum sb_mode mode; /* the configuration's, or what this needs */
	struct sb_bundle bundle;
	struct sb_mounts mounts;
	struct sb_ident ident;
	struct sb_inside inside;
	struct sb_layer layer;
	const char *root;	     /* %r: the layer's root, or the bundle's */
	const char *bound;	     /* root.path: where that is mounted */
	char *workdir;		     /* --workdir, expanded; NULL: none */
	struct sb_strv env;	     /* the container's */
	struct sb_strv theirs, site; /* what env is made of: see sb_env_of */
	int shell_inside;
	char *cwd; /* shared: the bundle's, if it is there, else "/"; owned */
	struct sb_strv notes; /* for -v: what of the bundle was changed */
};

/* Whether the site's BundlePath allows a bundle at path, which is resolved.
 * Returns 0, or -1 with err set. */
int sb_plan_check_path(const struct sb_conf *conf, const char *path,
		       struct sb_err *err);

/* Whether the container is a writable one: the user's word, else the site's. */
int sb_plan_writable(const struct sb_job *job, const struct sb_conf *conf);

/* Finds the host's programs that a plan may need, before the user namespace is
 * entered: in there nobody can tell who owns them. One that is not there is no
 * error. Returns 0, or -1 with err set when memory runs out. */
int sb_plan_programs(struct sb_plan *p, const struct sb_conf *conf,
		     struct sb_err *err);

/*
 * Makes it, and writes config.json to the task's directory. The process is in
 * its user namespace already. The members up to say are set, sb_plan_programs
 * was called, explain may be set, the rest is zero. Returns 0, or -1 with err
 * set. Release with sb_plan_free, also after an error.
 */
int sb_plan_make(struct sb_plan *p, struct sb_err *err);

void sb_plan_free(struct sb_plan *p);

#endif
