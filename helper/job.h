/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `stepbox run` is asked to do: options, their environment twins, and
 * what Slurm says about the task. */
#ifndef SB_JOB_H
#define SB_JOB_H

#include "../spank/err.h"
#include "buf.h"
#include "pattern.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct sb_job {
	const char *conf;	/* --conf; borrowed, as all below */
	const char *bundle;	/* --bundle */
	const char *dir;	/* --dir: the step directory; NULL: by hand */
	const char *step_name;	/* --step: JOB.STEP.RESTART */
	const char *mounts;	/* --mounts, unparsed; NULL: none */
	const char *workdir;	/* --workdir, unexpanded; NULL: the job's */
	const char *keep;	/* --env: names, comma-separated; or NULL */
	const char *runtime;	/* --runtime; NULL: the site's */
	const char *spool;	/* --spool; NULL: none */
	const char *per_word;	/* --per */
	const char *tasks_word; /* --tasks */
	int per;	/* what it says: an enum sb_per, or -1 for nothing */
	uint32_t tasks; /* how many the step has on this node; 0: unknown */
	const char *mount_home_word, *mount_cwd_word, *remap_root_word,
		*writable_word, *bcast_word, *alone_word, *debug_word;
	/* What these seven say: 1, 0, or -1 for nothing. */
	int mount_home, mount_cwd, remap_root, writable, bcast, alone, debug;
	int verbose; /* --verbose: how often; 2 with --debug */
	/* Of show alone: */
	const char *color; /* --color; NULL: auto */
	int json;	   /* --json */
	uid_t uid;	   /* whose job it is: the caller's own */
	gid_t gid;
	uint32_t job, step, restart;
	const char *node, *user;
	unsigned int task;  /* local id */
	unsigned int rank;  /* global id */
	struct sb_strv cmd; /* the command and its arguments; owned */
	char *cwd;	    /* owned; NULL where it cannot be told */
};

/*
 * Reads the command line (argv[0] is "run", or with SB_ENV_ARGV0 in the
 * environment the helper's own name) and the environment. Returns 0; 1 when
 * --help was answered; -1 with err set. Release with sb_job_free.
 */
int sb_job_read(struct sb_job *j, int argc, char **argv, struct sb_err *err);

/*
 * The same for `stepbox show`: the first word that is no option is the bundle,
 * unless an option or its twin named one; options may follow it. There may be
 * no command, nor a bundle.
 */
int sb_job_read_show(struct sb_job *j, int argc, char **argv,
		     struct sb_err *err);

void sb_job_free(struct sb_job *j);

/*
 * --workdir, with its letters (of v) and its variables (of env) expanded.
 * Returns 0 with *path the caller's to free, NULL where none is asked for; or
 * -1 with err set, and *path NULL: it cannot be expanded, or is not absolute.
 */
int sb_job_workdir(const struct sb_job *j, char **env,
		   const struct sb_values *v, char **path, struct sb_err *err);

/* Prints the options of run, for --help; with show, those of show. */
void sb_job_usage(FILE *to, int show);

#endif
