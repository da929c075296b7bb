/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that comes before the runtime is called. */
#define _GNU_SOURCE
#include "prepare.h"

#include "../spank/contract.h"
#include "../spank/keyval.h"
#include "env.h"
#include "envfile.h"
#include "fdio.h"
#include "image.h"
#include "mem.h"
#include "mpi.h"
#include "pending.h"
#include "userns.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void say_at(const char *where, const char *text)
{
	char safe[SB_ERR_ESCAPED], line[sizeof(safe) + 128 + HOST_NAME_MAX];
	int n;

	sb_escape(safe, sizeof(safe), text);
	n = snprintf(line, sizeof(line), "stepbox: %s (%s)\n", safe, where);
	if (sb_fdio_write_all(STDERR_FILENO, line, n) < 0)
		return;
}

void sb_run_say(const struct sb_run *r, const char *text)
{
	say_at(r->where, text);
}

void sb_run_debug(const struct sb_run *r, const char *fmt, ...)
{
	long long us = (sb_report_now() - r->report.began) / 1000;
	char text[2048];
	va_list ap;
	int n;

	if (r->job.verbose < 2)
		return;
	n = snprintf(text, sizeof(text), "%lld.%lld ms: ", us / 1000,
		     us / 100 % 10);
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	va_end(ap);
	sb_run_say(r, text);
}

void sb_run_debug_words(const struct sb_run *r, const char *what, char **words)
{
	_cleanup_buf_ struct sb_buf line = {0};

	if (r->job.verbose < 2)
		return;
	sb_buf_puts(&line, what);
	sb_buf_putc(&line, ':');
	for (; *words; words++) {
		sb_buf_putc(&line, ' ');
		sb_buf_puts(&line, *words);
	}
	if (!line.failed)
		sb_run_debug(r, "%s", line.data);
}

void sb_run_debug_report(const struct sb_run *r)
{
	char line[1024];

	if (r->job.verbose < 2)
		return;
	sb_report_line(&r->report, line, sizeof(line));
	sb_run_debug(r, "%s", line);
}

static void tell_call(void *arg, const char *text)
{
	sb_run_debug(arg, "%s", text);
}

/* What all tasks would say, one says; the one that makes a container for all
 * may be any. */
static void say_once(const struct sb_plan *p, const char *text)
{
	if (!p->job->rank || p->shared)
		say_at(p->where, text);
}

/* Without CreateEnvFile there is one where a pattern asks for it. */
static enum sb_env_file env_file(const struct sb_conf *c)
{
	for (int i = 0; c->env_file == SB_ENV_FILE_AUTO && i < SB_OPS; i++)
		if (c->pattern[i] && sb_pattern_uses(c->pattern[i], 'e'))
			return SB_ENV_FILE_NUL;
	return c->env_file;
}

int sb_run_env_file(struct sb_run *r, char **env, struct sb_err *err)
{
	_cleanup_strv_ struct sb_strv left = {0};
	_cleanup_buf_ struct sb_buf text = {0};

	if (sb_envfile_write(r->dir.fd, env, env_file(&r->conf), &left, err) <
	    0)
		return sb_wrap(err, "step directory %s", r->dir.path);
	if (!left.n)
		return 0;
	sb_buf_puts(&text, "not in the environment file, since they hold a "
			   "newline (CreateEnvFile):");
	for (size_t i = 0; i < left.n; i++) {
		sb_buf_putc(&text, ' ');
		sb_buf_puts(&text, left.v[i]);
	}
	if (text.failed)
		return sb_no_memory(err);
	if (sb_taskdir_first(&r->dir, text.data))
		sb_run_say(r, text.data);
	return 0;
}

/* ---- the stages ---- */

/* StdIODebug: the site's word for everybody's -v and --container-debug. */
static void set_verbosity(struct sb_run *r)
{
	int level = r->conf.stdio_debug;
	int verbose = (level >= SB_LEVEL_VERBOSE) + (level >= SB_LEVEL_DEBUG);

	if (r->job.verbose < verbose)
		r->job.verbose = verbose;
}

int sb_run_conf(struct sb_run *r, struct sb_err *err)
{
	if (r->have_conf)
		return 0;
	if (sb_conf_load(&r->conf, r->job.conf, r->job.runtime, err) < 0)
		return -1;
	r->have_conf = 1;
	set_verbosity(r);
	sb_run_debug(r, "%s: Runtime=%s RunTimeMode=%s", r->job.conf,
		     r->conf.runtime ? r->conf.runtime : "(patterns alone)",
		     r->conf.mode == SB_MODE_RUN ? "run" : "create");
	for (size_t i = 0; r->job.verbose && i < r->conf.remarks.n; i++)
		sb_run_say(r, r->conf.remarks.v[i]);
	return 0;
}

static int report(struct sb_run *r, struct sb_err *err)
{
	r->report.runtime = r->conf.runtime ? r->conf.runtime : "runtime";
	r->report.how = r->conf.ignore_config	      ? SB_REPORT_DIRECT
			: r->plan.mode == SB_MODE_RUN ? "run"
						      : "create";
	r->report.task = r->job.task;
	r->report.rank = r->job.rank;
	r->report.bundle = r->plan.bundle.path;
	r->report.shared = r->plan.shared;
	r->report.init = r->plan.inside.init;
	r->report.pid = getpid();
	r->report.prepared = sb_report_now();
	if (sb_report_write(r->dir.fd, &r->report, err) < 0)
		return sb_wrap(err, "step directory %s", r->dir.path);
	return 0;
}

/* A site's own command that lets no descriptor through. */
static void tell_mpi(const struct sb_run *r)
{
	enum sb_op op = r->plan.mode == SB_MODE_RUN ? SB_OP_RUN : SB_OP_CREATE;
	char text[128];

	if (!r->fds || sb_pattern_uses(r->conf.pattern[op], 'f'))
		return;
	snprintf(text, sizeof(text),
		 "PMI_FD is not passed on: %s has no %%f "
		 "(--preserve-fds=%%f)",
		 sb_conf_op_key(op));
	say_once(&r->plan, text);
}

static void tell_plan(void *arg, const char *text)
{
	sb_run_say(arg, text);
}

/* -v: what became of config.json, the words of each command that may be run. */
static int tell(struct sb_run *r, struct sb_err *err)
{
	static const enum sb_op run[] = {SB_OP_RUN, SB_OPS};
	static const enum sb_op create[] = {SB_OP_CREATE, SB_OP_START,
					    SB_OP_DELETE, SB_OPS};
	const enum sb_op *op = r->plan.mode == SB_MODE_RUN ? run : create;

	for (size_t i = 0; r->job.verbose && i < r->plan.notes.n; i++)
		sb_run_say(r, r->plan.notes.v[i]);
	/* With -vv each is told when it is called. */
	for (; r->job.verbose == 1 && *op != SB_OPS; op++) {
		_cleanup_strv_ struct sb_strv words = {0};

		if (sb_runtime_words(&r->rt, *op, &words, err) < 0)
			return -1;
		r->rt.tell = tell_plan;
		sb_runtime_tell(&r->rt, *op, words.v);
		r->rt.tell = NULL;
	}
	return 0;
}

static int make_plan(struct sb_run *r, struct sb_err *err)
{
	r->plan.job = &r->job;
	r->plan.conf = &r->conf;
	r->plan.dir = &r->dir;
	r->plan.values = &r->rt.values;
	r->plan.where = r->where;
	r->plan.say = say_once;
	if ((r->conf.ignore_config ? sb_image_plan(&r->plan, err)
				   : sb_plan_make(&r->plan, err)) < 0)
		return -1;
	r->rt.values.letter['r'] = r->plan.root;
	if (r->conf.ignore_config)
		r->rt.values.letter['b'] = r->plan.bundle.path;
	return 0;
}

/* Whether RunTimeCreate may be called, whatever RunTimeMode says. */
static int may_create(const struct sb_run *r)
{
	return r->plan.shared || r->plan.terminal ||
	       sb_plan_writable(&r->job, &r->conf);
}

/*
 * The batch script lies in a directory of slurmd's, which no image has, nor any
 * mount that we could make: it becomes a descriptor of the command's.
 */
static int open_script(struct sb_run *r, struct sb_err *err)
{
	const char *path = r->job.cmd.v[0], *base = strrchr(path, '/');
	char name[32];

	if (r->job.step != SB_STEP_BATCH || !r->job.step_name || !base ||
	    strcmp(base, "/slurm_script"))
		return 0;
	r->script = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (r->script < 0)
		return sb_fail(err, SB_FAIL, "batch script %s: %s", path,
			       strerror(errno));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", sb_run_script_fd(r));
	free(r->job.cmd.v[0]);
	r->job.cmd.v[0] = strdup(name);
	return r->job.cmd.v[0] ? 0 : sb_no_memory(err);
}

int sb_run_script_fd(const struct sb_run *r)
{
	return r->fds ? SB_MPI_FD + 1 : SB_MPI_FD;
}

/* What makes no container itself needs no user namespace of ours either, and
 * may not be able to work in one (setuid programs). */
static int prepare_direct(struct sb_run *r, struct sb_err *err)
{
	if (make_plan(r, err) < 0 || open_script(r, err) < 0 ||
	    sb_runtime_environ_direct(&r->rt, r->plan.env.v, err) < 0 ||
	    sb_runtime_find(&r->rt, 0, err) < 0)
		return -1;
	return sb_run_env_file(r, r->plan.env.v, err);
}

static int prepare_oci(struct sb_run *r, struct sb_err *err)
{
	if (sb_runtime_environ(&r->rt, err) < 0 ||
	    sb_runtime_find(&r->rt, may_create(r), err) < 0)
		return -1;
	if (sb_plan_programs(&r->plan, &r->conf, err) < 0 ||
	    sb_userns_enter(err) < 0)
		return -1;
	sb_run_debug(r, "in a user namespace");
	if (make_plan(r, err) < 0 || sb_run_env_file(r, r->plan.env.v, err) < 0)
		return -1;
	sb_run_debug(r, "bundle %s: %s/config.json is written, root %s",
		     r->plan.bundle.path, r->dir.path, r->plan.root);
	tell_mpi(r);
	return 0;
}

int sb_run_prepare(struct sb_run *r, struct sb_err *err)
{
	int rc;

	r->rt.conf = &r->conf;
	r->rt.tell_arg = r;
	if (r->job.verbose > 1)
		r->rt.tell = tell_call;
	if (sb_letters_set(&r->letters, &r->rt.values, &r->job, &r->dir, err) <
	    0)
		return -1;
	r->rt.values.letter['f'] = r->fds ? "1" : "0";
	rc = r->conf.ignore_config ? prepare_direct(r, err)
				   : prepare_oci(r, err);
	if (rc < 0)
		return -1;
	sb_pending_run(&r->rt, &r->dir, r->job.uid);
	if (sb_pending_keep(&r->rt, &r->dir, err) < 0 || tell(r, err) < 0 ||
	    report(r, err) < 0)
		return -1;
	sb_run_debug_report(r);
	return 0;
}

void sb_run_free(struct sb_run *r)
{
	sb_plan_free(&r->plan);
	sb_taskdir_close(&r->dir);
	sb_conf_free(&r->conf);
	sb_runtime_free(&r->rt);
	sb_letters_free(&r->letters);
	sb_cleanup_fd(&r->script);
	sb_cleanup_fd(&r->parent_end);
	sb_job_free(&r->job);
}
