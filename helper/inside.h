/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of ours the container sees: the init, the batch script, the terminal's
 * name, Slurm's client; and the words that its process gets. */
#ifndef SB_INSIDE_H
#define SB_INSIDE_H

#include "../spank/err.h"
#include "bundle.h"
#include "conf.h"
#include "filter.h"
#include "job.h"
#include "mounts.h"
#include "taskdir.h"

struct sb_inside {
	int init;     /* our init is the container's process */
	int identity; /* and makes the user himself again, not root */
	/* The directory that our files are mounted in; mounts owns it. */
	const char *place;
	struct sb_strv args; /* process.args */
	struct sb_strv env;  /* variables that must point to what is shown */
	const char *path;    /* to be put before PATH; NULL: nothing */
	struct sb_filter filter;
	/* For tasks that enter a shared container: the init, and its options
	 * for all of them. */
	const char *program;
	struct sb_strv join;
	const char *terminals; /* where it sees the node's; NULL: nowhere */
	/* The command, if it is a file of the node's, and what it is inside. */
	const char *command, *command_inside;
};

/* What the plan is made of; all borrowed. */
struct sb_inside_of {
	const struct sb_job *job;
	const struct sb_conf *conf;
	struct sb_bundle *bundle;
	const struct sb_taskdir *dir;
	enum sb_mode mode;
	const char *where;   /* "node n1, task 0", for the init's messages */
	const char *first;   /* the command in place of the job's, or NULL */
	const char *workdir; /* must be there; NULL: the job's, if it is */
	int remap_root;	     /* root inside */
	int no_points;	     /* what the user writes is to stay in his bundle */
	int terminal;	     /* the task has the step's terminal */
	const char *srun;    /* the host's; NULL: not installed */
	/* So many tasks enter the container, which runs none itself; 0: it is
	 * one task's. */
	unsigned int shared;
	pid_t parent; /* whoever starts them; 0: unknown */
};

/* Whether the init makes the user himself again, in a user namespace of his
 * own, and not root. */
int sb_inside_identity(const struct sb_job *job, const struct sb_conf *conf,
		       int remap_root);

/*
 * Plans it, adds to mounts what is to be shown, and to notes what -v should
 * tell. Returns 0, or -1 with err set: something cannot be shown, or is not
 * installed. Release with sb_inside_free, also after an error.
 */
int sb_inside_plan(struct sb_inside *in, struct sb_mounts *mounts,
		   const struct sb_inside_of *of, struct sb_strv *notes,
		   struct sb_err *err);

void sb_inside_free(struct sb_inside *in);

/* What the init of whoever enters a container of config is told to make of
 * process and linux.personality, and of the capabilities; the words are added
 * to args, whose failed says when memory ran out. */
void sb_inside_process(const json_t *config, struct sb_strv *args);
void sb_inside_caps(const json_t *config, struct sb_strv *args);

#endif
