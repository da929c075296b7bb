/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stepbox run: one way from what is asked to what runs. A task that is alone on
 * its node, or has a container of its own:
 *
 *   job -> task directory -> conf -> user namespace -> plan -> runtime
 *
 * One of several that share a container: the first has it made (maker.c, the
 * same way in a child), and all enter it (join.c).
 */
#define _GNU_SOURCE
#include "run.h"

#include "../spank/contract.h"
#include "direct.h"
#include "forward.h"
#include "join.h"
#include "maker.h"
#include "mem.h"
#include "mpi.h"
#include "prepare.h"
#include "share.h"
#include "supervise.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* ---- a container of its own ---- */

/* What the plugin would have seen to. That the container has ended, and nothing
 * of it is left, when the task has, is best seen to by whoever watches it. */
static int check_alone(struct sb_run *r, struct sb_err *err)
{
	if (r->job.alone != 1)
		return 0;
	if (!r->job.uid && !r->conf.allow_root)
		return sb_fail(err, SB_FAIL,
			       "a job of root gets no container "
			       "(AllowRoot=yes allows it)");
	if (sb_conf_has_create(&r->conf))
		r->conf.mode = SB_MODE_CREATE;
	return 0;
}

/* Ends as the command did; nothing of ours outlives it. */
static void __attribute__((noreturn)) end_as(struct sb_run *r, int status)
{
	sb_layer_discard(&r->plan.layer, &r->dir);
	sb_run_free(r);
	sb_supervise_exit_as(status);
}

/* RunTimeRun: becomes the runtime. By hand there is nobody to remove the
 * directory afterwards: then as a child. */
static int run_runtime(struct sb_run *r, struct sb_err *err)
{
	_cleanup_strv_ struct sb_strv words = {0};
	int status;

	if (sb_runtime_words(&r->rt, SB_OP_RUN, &words, err) < 0)
		return -1;
	sb_runtime_tell(&r->rt, SB_OP_RUN, words.v);
	if (!r->dir.temporary)
		return sb_runtime_exec(words.v, r->rt.env.v, err);
	if (sb_forward_run(words.v, r->rt.env.v, &status, err) < 0)
		return -1;
	end_as(r, status);
}

static int create_and_start(struct sb_run *r, struct sb_err *err)
{
	struct sb_supervise s = {
		.rt = &r->rt,
		.dir = &r->dir,
		.report = &r->report,
		.init = r->plan.inside.init,
		.terminal = r->plan.terminal,
		.parent = r->parent_end,
	};
	int status, rc = sb_supervise(&s, &status, err);

	if (*s.left.text)
		sb_run_say(r, s.left.text);
	if (rc < 0)
		return -1;
	sb_run_debug_report(r);
	end_as(r, status);
}

/* A step's own directory is for the plugin to keep. */
static void tell_keep(struct sb_run *r)
{
	char text[PATH_MAX + 64];

	if (!r->conf.disable_cleanup || !r->dir.temporary)
		return;
	sb_taskdir_keep(&r->dir);
	snprintf(text, sizeof(text), "%s stays (DisableCleanup): it is yours",
		 r->dir.step);
	sb_run_say(r, text);
}

static int run_direct(struct sb_run *r, struct sb_err *err)
{
	int status;

	if (sb_direct_run(r, &status, err) < 0)
		return -1;
	end_as(r, status);
}

static int run_alone(struct sb_run *r, struct sb_err *err)
{
	if (sb_run_conf(r, err) < 0 || check_alone(r, err) < 0)
		return -1;
	tell_keep(r);
	if (sb_taskdir_make(&r->dir, r->job.task, 0, err) < 0 ||
	    sb_run_prepare(r, err) < 0)
		return -1;
	if (r->conf.ignore_config)
		return run_direct(r, err);
	return r->plan.mode == SB_MODE_RUN ? run_runtime(r, err)
					   : create_and_start(r, err);
}

/* ---- one for all tasks of the node ---- */

/* How often a container that was entered too late is followed by another. */
#define TRIES 3

static int may_share(const struct sb_run *r)
{
	return r->job.tasks > 1 && r->job.dir && r->job.per != SB_PER_TASK;
}

/* Returns 1 where the task gets a container of its own after all; else as
 * sb_run. */
static int run_shared(struct sb_run *r, struct sb_err *err)
{
	struct sb_share s = {.dir = r->dir.step_fd, .lock = -1};
	enum sb_share_state state;
	int rc = sb_share_find(&s, &state, err);

	if (!rc)
		sb_run_debug(r, state == SB_SHARE_MAKE
					? "makes the node's container"
					: "another task made the node's "
					  "container, or tried");
	for (int i = 0; !rc && i < TRIES; i++) {
		if (state == SB_SHARE_MAKE) {
			state = sb_maker_make(r, &s);
			rc = sb_share_publish(&s, state, err);
		}
		if (rc || state == SB_SHARE_TASK)
			return rc ? rc : 1;
		if (state == SB_SHARE_FAILED)
			exit(s.code);
		rc = sb_join(r, s.name, err);
		if (rc == SB_JOIN_GONE)
			rc = sb_share_again(&s, &state, err);
	}
	sb_share_close(&s);
	return rc ? rc
		  : sb_fail(err, SB_FAIL,
			    "the node's container ends again and again");
}

/* ---- the whole ---- */

static void locate(struct sb_run *r)
{
	if (r->job.step_name)
		snprintf(r->where, sizeof(r->where), "node %s, task %u",
			 r->job.node, r->job.rank);
	else
		snprintf(r->where, sizeof(r->where), "by hand");
	r->plan.terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* crun opens up to 20 at once, runc 24; and what was made must be removed. */
#define MIN_FILES 32

/* crun's libraries take a third of that; the loader's words about them, and its
 * exit code, would be taken for the command's. */
#define MIN_SPACE (32UL << 20)

static int check_limits(struct sb_err *err)
{
	struct rlimit files, space;

	if (!getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur < MIN_FILES)
		return sb_fail(err, SB_FAIL,
			       "the limit of open files (ulimit -n) is %d: too "
			       "low to make a container",
			       (int)files.rlim_cur);
	if (!getrlimit(RLIMIT_AS, &space) && space.rlim_cur < MIN_SPACE)
		return sb_fail(err, SB_FAIL,
			       "the limit of address space (ulimit -v) is %d "
			       "KiB: too low to make a container",
			       (int)(space.rlim_cur / 1024));
	return 0;
}

static int run(struct sb_run *r, struct sb_err *err)
{
	int rc = 1;

	if (check_limits(err) < 0 ||
	    sb_taskdir_step(&r->dir, r->job.dir, err) < 0)
		return -1;
	if (may_share(r))
		rc = run_shared(r, err);
	return rc == 1 ? run_alone(r, err) : rc;
}

/* As early as can be: it may end before there is anything to end with it. */
static void watch_parent(struct sb_run *r)
{
	r->parent = getppid();
	if (r->job.step_name)
		r->parent_end = syscall(SYS_pidfd_open, r->parent, 0);
}

int sb_run(int argc, char **argv)
{
	struct sb_run r = SB_RUN_INIT;
	struct sb_err err;
	int rc;

	r.report.began = sb_report_now();
	r.fds = sb_mpi_settle();
	rc = sb_job_read(&r.job, argc, argv, &err);
	if (!rc && r.fds < 0)
		rc = sb_no_memory(&err);
	locate(&r);
	if (!rc)
		watch_parent(&r);
	if (!rc)
		rc = run(&r, &err);
	if (rc < 0 && sb_taskdir_first(&r.dir, err.text))
		sb_run_say(&r, err.text);
	sb_run_free(&r);
	return rc < 0 ? err.code : 0;
}
