/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that comes before the runtime is called: from what is asked to what is
 * planned, each stage from data to data. */
#ifndef SB_PREPARE_H
#define SB_PREPARE_H

#include "../spank/err.h"
#include "conf.h"
#include "job.h"
#include "letters.h"
#include "plan.h"
#include "report.h"
#include "runtime.h"
#include "taskdir.h"

#include <limits.h>

/* What stands between the stages. Start with SB_RUN_INIT. */
struct sb_run {
	struct sb_job job;
	struct sb_conf conf;
	struct sb_taskdir dir;
	struct sb_plan plan;
	struct sb_runtime rt;
	struct sb_report report;
	int have_conf;
	char where[64 + HOST_NAME_MAX]; /* "node n1, task 0" */
	struct sb_letters letters;
	pid_t parent;	/* of a step: slurmstepd */
	int parent_end; /* its pidfd; -1: by hand, or unknown */
	int fds;	/* from 3 on, for the command: sb_mpi_settle */
	int script;	/* the batch script, for the next one; owned; or -1 */
};

#define SB_RUN_INIT                                                            \
	{                                                                      \
		.plan.bundle = {.fd = -1, .rootfs_fd = -1},                    \
		.dir = SB_TASKDIR_NONE, .parent_end = -1, .script = -1,        \
	}

/* Says a line on standard error, with the place; control characters escaped. */
void sb_run_say(const struct sb_run *r, const char *text);

/* With -vv or --debug: the same, after the milliseconds since the helper
 * began. */
void sb_run_debug(const struct sb_run *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* With these: WHAT: WORD... */
void sb_run_debug_words(const struct sb_run *r, const char *what, char **words);

/* With these: the report's line, as it stands, which slurmd's log gets too. */
void sb_run_debug_report(const struct sb_run *r);

/* Loads the site's configuration, if that was not done. Returns 0, or -1 with
 * err set. */
int sb_run_conf(struct sb_run *r, struct sb_err *err);

/* Writes env to the task's environment file (%e), where the configuration wants
 * one, and says once per step which variables it cannot hold. Returns 0, or -1
 * with err set. */
int sb_run_env_file(struct sb_run *r, char **env, struct sb_err *err);

/*
 * The rest, in a user namespace that the calling process then is in: finds the
 * programs, makes the plan, writes config.json, the environment file (%e) and
 * the first report, and with -v tells what will be done. The job is read, its
 * configuration loaded, r->dir open. Returns 0, or -1 with err set.
 *
 * For a runtime that is no OCI runtime (IgnoreFileConfigJson) there is no
 * config.json, and it is called where we are, as the user himself.
 */
int sb_run_prepare(struct sb_run *r, struct sb_err *err);

/* The number of the descriptor that a batch script is, where it is one. */
int sb_run_script_fd(const struct sb_run *r);

void sb_run_free(struct sb_run *r);

#endif
