/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stepbox run: one way from what is asked to what runs,
 *
 *   job, conf -> bundle -> task directory -> inside, env -> spec -> runtime
 *
 * each stage from data to data, and the last one the runtime itself.
 */
#define _GNU_SOURCE
#include "run.h"

#include "../spank/contract.h"
#include "bundle.h"
#include "cgroup.h"
#include "conf.h"
#include "env.h"
#include "fdio.h"
#include "inside.h"
#include "job.h"
#include "mem.h"
#include "pending.h"
#include "report.h"
#include "runtime.h"
#include "spec.h"
#include "supervise.h"
#include "taskdir.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

struct run {
	struct sb_job job;
	struct sb_conf conf;
	struct sb_bundle bundle;
	struct sb_taskdir dir;
	struct sb_runtime rt;
	struct sb_report report;

	struct sb_inside inside;
	struct sb_strv env; /* the container's */
	int terminal;	    /* the task has the step's terminal */
	char where[64 + HOST_NAME_MAX];

	/* the patterns' values */
	char number[5][16];
	char *env_file;
};

static void say(const struct run *r, const char *text)
{
	char safe[2048], line[sizeof(safe) + sizeof(r->where) + 32];
	int n;

	sb_escape(safe, sizeof(safe), text);
	n = snprintf(line, sizeof(line), "stepbox: %s (%s)\n", safe, r->where);
	if (sb_fdio_write_all(STDERR_FILENO, line, n) < 0)
		return;
}

/* ---- config.json ---- */

static int plan_inside(struct run *r, struct sb_err *err)
{
	const struct sb_inside_of of = {
		.job = &r->job,
		.conf = &r->conf,
		.bundle = &r->bundle,
		.dir = &r->dir,
		.where = r->where,
		.terminal = r->terminal,
	};

	return sb_inside_plan(&r->inside, &of, err);
}

static int make_env(struct run *r, struct sb_err *err)
{
	_cleanup_strv_ struct sb_strv theirs = {0};
	const char *shell = getenv("SHELL");

	if (sb_spec_env(r->bundle.config.root, &theirs, err) < 0)
		return -1;
	return sb_env_container(
		environ, theirs.v,
		r->conf.has_env_exclude ? &r->conf.env_exclude : NULL,
		shell && sb_fdio_in_root(r->bundle.rootfs_fd, shell), &r->env,
		err);
}

/* With our init the container's process finds out itself where it can go. */
static const char *choose_cwd(struct run *r)
{
	char text[PATH_MAX + 128];

	if (r->inside.init || !r->job.cwd)
		return NULL;
	if (sb_fdio_in_root(r->bundle.rootfs_fd, r->job.cwd))
		return r->job.cwd;
	snprintf(text, sizeof(text),
		 "%s is not in the container: working directory is the "
		 "bundle's",
		 r->job.cwd);
	if (!r->job.rank)
		say(r, text);
	return NULL;
}

static int write_config(struct run *r, struct sb_err *err)
{
	struct sb_spec spec = {
		.args = r->inside.args.v,
		.env = r->env.v,
		/* create hands the terminal itself on; run makes one. */
		.terminal = r->terminal && r->conf.mode == SB_MODE_RUN,
		.cwd = choose_cwd(r),
		.rootfs = r->bundle.rootfs,
		.mounts = r->inside.mounts,
		.n_mounts = r->inside.n_mounts,
	};
	struct winsize size = {.ws_row = 0};
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (spec.terminal && !ioctl(STDIN_FILENO, TIOCGWINSZ, &size)) {
		spec.rows = size.ws_row;
		spec.columns = size.ws_col;
	}
	if (sb_spec_edit(r->bundle.config.root, &spec, err) < 0)
		return sb_wrap(err, "bundle %s", r->bundle.path);
	text = sb_json_dump(&r->bundle.config, &len, err);
	if (!text)
		return -1;
	if (sb_fdio_write(r->dir.fd, "config.json", text, len, err) < 0)
		return sb_wrap(err, "step directory %s", r->dir.path);
	return 0;
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
	for (size_t i = 0; i < r->env.n; i++)
		sb_buf_add(&b, r->env.v[i], strlen(r->env.v[i]) + 1);
	if (b.failed)
		return sb_fail(err, SB_FAIL, "out of memory");
	return sb_fdio_write(r->dir.fd, "environment", b.data, b.len, err);
}

/* ---- the runtime ---- */

static int set_values(struct run *r, struct sb_err *err)
{
	const uint32_t numbers[] = {r->job.job, r->job.step, r->job.task,
				    geteuid(), UINT32_MAX};
	static const char letters[] = "jstUp";
	const char **letter = r->rt.values.letter;

	r->rt.conf = &r->conf;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		snprintf(r->number[i], sizeof(r->number[i]), "%u", numbers[i]);
		letter[(int)letters[i]] = r->number[i];
	}
	if (asprintf(&r->env_file, "%s/environment", r->dir.path) < 0)
		return sb_fail(err, SB_FAIL, "out of memory");
	letter['b'] = r->dir.path;
	letter['e'] = r->env_file;
	letter['m'] = r->dir.step;
	letter['n'] = r->job.node;
	letter['r'] = r->bundle.rootfs;
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
	r->report.how = r->conf.mode == SB_MODE_RUN ? "run" : "create";
	r->report.task = r->job.task;
	r->report.pid = getpid();
	r->report.prepared = sb_report_now();
	if (sb_report_write(r->dir.fd, &r->report, err) < 0)
		return sb_wrap(err, "step directory %s", r->dir.path);
	return 0;
}

/* -v: the words of each command that may be run. */
static int tell(struct run *r, struct sb_err *err)
{
	static const enum sb_op run[] = {SB_OP_RUN, SB_OPS};
	static const enum sb_op create[] = {SB_OP_CREATE, SB_OP_START,
					    SB_OP_DELETE, SB_OPS};
	const enum sb_op *op = r->conf.mode == SB_MODE_RUN ? run : create;

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
	sb_taskdir_close(&r->dir);
	sb_supervise_exit_as(status);
}

static int create_and_start(struct run *r, struct sb_err *err)
{
	struct sb_supervise s = {
		.rt = &r->rt,
		.dir = &r->dir,
		.report = &r->report,
		.init = r->inside.init,
		.terminal = r->terminal,
		.watch_parent = !r->dir.temporary,
	};
	int status;

	if (sb_supervise(&s, &status, err) < 0)
		return -1;
	sb_taskdir_close(&r->dir);
	sb_supervise_exit_as(status);
}

/* ---- the whole ---- */

static int prepare(struct run *r, struct sb_err *err)
{
	struct sb_job *j = &r->job;

	if (sb_conf_load(&r->conf, j->conf, err) < 0 ||
	    sb_bundle_open(&r->bundle, j->bundle, err) < 0 ||
	    plan_inside(r, err) < 0 || make_env(r, err) < 0 ||
	    write_config(r, err) < 0 || set_values(r, err) < 0 ||
	    write_env_file(r, err) < 0)
		return -1;
	if (!r->dir.temporary)
		sb_cgroup_stay();
	sb_pending_run(&r->rt, &r->dir);
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
	r->terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static void release(struct run *r)
{
	sb_taskdir_close(&r->dir);
	sb_bundle_close(&r->bundle);
	sb_conf_free(&r->conf);
	sb_inside_free(&r->inside);
	sb_strv_free(&r->env);
	sb_strv_free(&r->rt.env);
	free(r->env_file);
	sb_job_free(&r->job);
}

int sb_run(int argc, char **argv)
{
	struct run r = {.report.began = sb_report_now(),
			.bundle = {.fd = -1, .rootfs_fd = -1},
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
		rc = r.conf.mode == SB_MODE_RUN ? run_runtime(&r, &err)
						: create_and_start(&r, &err);
	if (rc < 0 && sb_taskdir_first(&r.dir, err.text))
		say(&r, err.text);
	release(&r);
	return rc < 0 ? err.code : 0;
}
