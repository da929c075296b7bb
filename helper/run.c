/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stepbox run: one way from what is asked to what runs,
 *
 *   job -> conf -> task directory -> user namespace -> plan -> runtime
 *
 * each stage from data to data, and the last one the runtime itself.
 */
#define _GNU_SOURCE
#include "run.h"

#include "../spank/contract.h"
#include "conf.h"
#include "env.h"
#include "fdio.h"
#include "job.h"
#include "mem.h"
#include "pending.h"
#include "plan.h"
#include "report.h"
#include "runtime.h"
#include "supervise.h"
#include "taskdir.h"
#include "userns.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

struct run {
	struct sb_job job;
	struct sb_conf conf;
	struct sb_taskdir dir;
	struct sb_plan plan;
	struct sb_runtime rt;
	struct sb_report report;
	char where[64 + HOST_NAME_MAX];

	/* the patterns' values */
	char number[5][16];
	char *env_file;
};

static void say_at(const char *where, const char *text)
{
	char safe[2048], line[sizeof(safe) + 128 + HOST_NAME_MAX];
	int n;

	sb_escape(safe, sizeof(safe), text);
	n = snprintf(line, sizeof(line), "stepbox: %s (%s)\n", safe, where);
	if (sb_fdio_write_all(STDERR_FILENO, line, n) < 0)
		return;
}

static void say(const struct run *r, const char *text)
{
	say_at(r->where, text);
}

/* What all tasks would say, one says. */
static void say_once(const struct sb_plan *p, const char *text)
{
	if (!p->job->rank)
		say_at(p->where, text);
}

/* %e: the container's environment, each variable ended by a NUL byte. */
static int write_env_file(struct run *r, struct sb_err *err)
{
	_cleanup_buf_ struct sb_buf b = {0};
	int used = 0;

	for (int i = 0; i < SB_OPS; i++)
		used |= r->conf.pattern[i] &&
			sb_pattern_uses(r->conf.pattern[i], 'e');
	if (!used)
		return 0;
	for (size_t i = 0; i < r->plan.env.n; i++)
		sb_buf_add(&b, r->plan.env.v[i], strlen(r->plan.env.v[i]) + 1);
	if (b.failed)
		return sb_no_memory(err);
	return sb_fdio_write(r->dir.fd, "environment", b.data, b.len, err);
}

/* ---- the runtime ---- */

static int set_values(struct run *r, struct sb_err *err)
{
	const uint32_t numbers[] = {r->job.job, r->job.step, r->job.task,
				    r->job.uid, UINT32_MAX};
	static const char letters[] = "jstUp";
	const char **letter = r->rt.values.letter;

	r->rt.conf = &r->conf;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		snprintf(r->number[i], sizeof(r->number[i]), "%u", numbers[i]);
		letter[(int)letters[i]] = r->number[i];
	}
	if (asprintf(&r->env_file, "%s/environment", r->dir.path) < 0)
		return sb_no_memory(err);
	letter['b'] = r->dir.path;
	letter['e'] = r->env_file;
	letter['m'] = r->dir.step;
	letter['n'] = r->job.node;
	letter['u'] = r->job.user ? r->job.user : r->number[3];
	letter['Z'] = r->job.cwd;
	r->rt.values.argv = r->job.cmd.v;
	return sb_env_runtime(environ,
			      r->conf.has_runtime_env_exclude
				      ? &r->conf.runtime_env_exclude
				      : NULL,
			      &r->rt.env, err);
}

static int report(struct run *r, struct sb_err *err)
{
	r->report.runtime = r->conf.runtime ? r->conf.runtime : "runtime";
	r->report.how = r->plan.mode == SB_MODE_RUN ? "run" : "create";
	r->report.task = r->job.task;
	r->report.pid = getpid();
	r->report.prepared = sb_report_now();
	if (sb_report_write(r->dir.fd, &r->report, err) < 0)
		return sb_wrap(err, "step directory %s", r->dir.path);
	return 0;
}

/* -v: what became of config.json, the words of each command that may be run. */
static int tell(struct run *r, struct sb_err *err)
{
	static const enum sb_op run[] = {SB_OP_RUN, SB_OPS};
	static const enum sb_op create[] = {SB_OP_CREATE, SB_OP_START,
					    SB_OP_DELETE, SB_OPS};
	const enum sb_op *op = r->plan.mode == SB_MODE_RUN ? run : create;

	for (size_t i = 0; r->job.verbose && i < r->plan.notes.n; i++)
		say(r, r->plan.notes.v[i]);
	for (; r->job.verbose && *op != SB_OPS; op++) {
		_cleanup_strv_ struct sb_strv words = {0};
		_cleanup_buf_ struct sb_buf line = {0};

		if (sb_runtime_words(&r->rt, *op, &words, err) < 0)
			return -1;
		sb_buf_puts(&line, sb_conf_op_key(*op));
		sb_buf_putc(&line, ':');
		for (size_t i = 0; i < words.n; i++) {
			sb_buf_putc(&line, ' ');
			sb_buf_puts(&line, words.v[i]);
		}
		if (!line.failed)
			say(r, line.data);
	}
	return 0;
}

/* Ends as the command did; nothing of ours outlives it. */
static void __attribute__((noreturn)) end_as(struct run *r, int status)
{
	sb_layer_discard(&r->plan.layer, &r->dir);
	sb_taskdir_close(&r->dir);
	sb_supervise_exit_as(status);
}

/* RunTimeRun: becomes the runtime. By hand there is nobody to remove the
 * directory afterwards: then as a child. */
static int run_runtime(struct run *r, struct sb_err *err)
{
	_cleanup_strv_ struct sb_strv words = {0};
	int status;
	pid_t pid;

	if (sb_runtime_words(&r->rt, SB_OP_RUN, &words, err) < 0)
		return -1;
	if (!r->dir.temporary)
		return sb_runtime_exec(words.v, r->rt.env.v, err);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	pid = fork();
	if (!pid) {
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		sb_runtime_exec(words.v, r->rt.env.v, err);
		say(r, err->text);
		_exit(err->code);
	}
	if (pid < 0)
		return sb_fail(err, SB_FAIL, "fork: %s", strerror(errno));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	end_as(r, status);
}

static int create_and_start(struct run *r, struct sb_err *err)
{
	struct sb_supervise s = {
		.rt = &r->rt,
		.dir = &r->dir,
		.report = &r->report,
		.init = r->plan.inside.init,
		.terminal = r->plan.terminal,
		.watch_parent = !r->dir.temporary,
	};
	int status;

	if (sb_supervise(&s, &status, err) < 0)
		return -1;
	end_as(r, status);
}

/* ---- the whole ---- */

static int make_plan(struct run *r, struct sb_err *err)
{
	r->plan.job = &r->job;
	r->plan.conf = &r->conf;
	r->plan.dir = &r->dir;
	r->plan.values = &r->rt.values;
	r->plan.where = r->where;
	r->plan.say = say_once;
	if (sb_plan_make(&r->plan, err) < 0)
		return -1;
	r->rt.values.letter['r'] = r->plan.root;
	return 0;
}

static int prepare(struct run *r, struct sb_err *err)
{
	if (sb_conf_load(&r->conf, r->job.conf, r->job.runtime, err) < 0 ||
	    set_values(r, err) < 0 ||
	    sb_runtime_find(&r->rt,
			    r->job.writable >= 0 ? r->job.writable
						 : r->conf.writable,
			    err) < 0)
		return -1;
	sb_plan_programs(&r->plan, &r->conf);
	if (sb_userns_enter(err) < 0 || make_plan(r, err) < 0 ||
	    write_env_file(r, err) < 0)
		return -1;
	sb_pending_run(&r->rt, &r->dir, r->job.uid);
	if (sb_pending_keep(&r->rt, &r->dir, err) < 0 || tell(r, err) < 0)
		return -1;
	return report(r, err);
}

static void locate(struct run *r)
{
	if (r->job.step_name)
		snprintf(r->where, sizeof(r->where), "node %s, task %u",
			 r->job.node, r->job.rank);
	else
		snprintf(r->where, sizeof(r->where), "by hand");
	r->plan.terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static void release(struct run *r)
{
	sb_plan_free(&r->plan);
	sb_taskdir_close(&r->dir);
	sb_conf_free(&r->conf);
	sb_runtime_free(&r->rt);
	free(r->env_file);
	sb_job_free(&r->job);
}

int sb_run(int argc, char **argv)
{
	struct run r = {.report.began = sb_report_now(),
			.plan.bundle = {.fd = -1, .rootfs_fd = -1},
			.dir = {.step_fd = -1, .fd = -1}};
	struct sb_err err;
	int rc;

	rc = sb_job_read(&r.job, argc, argv, &err);
	locate(&r);
	if (!rc)
		rc = sb_taskdir_open(&r.dir, r.job.dir, r.job.task, &err);
	if (!rc)
		rc = prepare(&r, &err);
	if (!rc)
		rc = r.plan.mode == SB_MODE_RUN ? run_runtime(&r, &err)
						: create_and_start(&r, &err);
	if (rc < 0 && sb_taskdir_first(&r.dir, err.text))
		say(&r, err.text);
	release(&r);
	return rc < 0 ? err.code : 0;
}
