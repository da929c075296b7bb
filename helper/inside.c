/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of ours the container sees. */
#define _GNU_SOURCE
#include "inside.h"

#include "../spank/contract.h"
#include "mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* Names in the place. */
#define INIT "init"
#define SCRIPT "slurm_script"
#define STATUS "status"

static int no_memory(struct sb_err *err)
{
	return sb_fail(err, SB_FAIL, "out of memory");
}

/* "a/b"; NULL when memory runs out. */
static const char *path(struct sb_inside *in, const char *a, const char *b)
{
	char *p = NULL;

	if (asprintf(&p, "%s/%s", a, b) < 0)
		return NULL;
	sb_strv_take(&in->paths, p);
	return in->paths.failed ? NULL : p;
}

static int show(struct sb_inside *in, const char *source, const char *dest,
		struct sb_err *err)
{
	if (!source || !dest)
		return no_memory(err);
	in->mounts[in->n_mounts++] =
		(struct sb_spec_mount){.source = source, .destination = dest};
	return 0;
}

/* Below a tmpfs that the container mounts anyway. */
static int find_place(struct sb_inside *in, const struct sb_inside_of *of,
		      struct sb_err *err)
{
	const char *tmpfs = sb_spec_tmpfs(of->bundle->config.root);

	if (!tmpfs)
		return 0;
	in->place = path(in, tmpfs, SB_SPEC_PLACE);
	return in->place ? 0 : no_memory(err);
}

static int show_init(struct sb_inside *in, const struct sb_inside_of *of,
		     struct sb_err *err)
{
	if (!in->place && of->conf->init == SB_INIT_YES)
		return sb_fail(err, SB_FAIL,
			       "Init=yes: config.json of %s mounts no tmpfs "
			       "(such as /dev) that stepbox's init could be "
			       "shown in",
			       of->bundle->path);
	if (!in->place || of->conf->init == SB_INIT_NO)
		return 0;
	if (access(SB_INIT_PATH, X_OK) < 0)
		return sb_fail(err, SB_FAIL, "init %s: %s", SB_INIT_PATH,
			       strerror(errno));
	in->init = 1;
	if (show(in, SB_INIT_PATH, path(in, in->place, INIT), err) < 0)
		return -1;
	if (of->conf->mode != SB_MODE_CREATE)
		return 0;
	if (sb_taskdir_touch(of->dir, SB_TASKDIR_STATUS, err) < 0)
		return -1;
	return show(in, path(in, of->dir->path, SB_TASKDIR_STATUS),
		    path(in, in->place, STATUS), err);
}

static int is_batch_script(const struct sb_job *job)
{
	const char *base = strrchr(job->cmd.v[0], '/');

	return job->step == SB_STEP_BATCH && *job->cmd.v[0] == '/' &&
	       !strcmp(base, "/slurm_script");
}

/* A batch script lies in slurmd's spool directory, which no container has. */
static int show_script(struct sb_inside *in, const struct sb_inside_of *of,
		       struct sb_err *err)
{
	if (!is_batch_script(of->job))
		return 0;
	if (!in->place)
		return sb_fail(err, SB_FAIL,
			       "batch script: config.json of %s mounts no "
			       "tmpfs (such as /dev) that it could be shown in",
			       of->bundle->path);
	return show(in, of->job->cmd.v[0], path(in, in->place, SCRIPT), err);
}

/* The step's terminal belongs to the host's devpts, which the container's own
 * hides: without a name in /dev, ttyname(3) fails there. */
static int show_terminal(struct sb_inside *in, const struct sb_inside_of *of,
			 struct sb_err *err)
{
	const char *tmpfs = sb_spec_tmpfs(of->bundle->config.root);
	const char *tty = of->terminal ? ttyname(STDIN_FILENO) : NULL;

	if (!tty || of->conf->mode != SB_MODE_CREATE || !tmpfs ||
	    strcmp(tmpfs, "/dev"))
		return 0;
	return show(in, tty, "/dev/console", err);
}

static void add_option(struct sb_strv *args, const char *option,
		       const char *value)
{
	sb_strv_add(args, option);
	sb_strv_add(args, value);
}

/* The soft limit of open files: Go programs (runc) raise their own. */
static void add_limit(struct sb_strv *args, const json_t *config)
{
	struct rlimit files;
	char number[24];

	if (sb_spec_has_rlimit(config, "RLIMIT_NOFILE") ||
	    getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	snprintf(number, sizeof(number), "%llu",
		 (unsigned long long)files.rlim_cur);
	add_option(args, "-f", number);
}

/* The init's options, see init.c. */
static int add_init(struct sb_inside *in, const struct sb_inside_of *of,
		    struct sb_err *err)
{
	const char *init = path(in, in->place, INIT);
	const char *status = path(in, in->place, STATUS);

	if (!init || !status)
		return no_memory(err);
	sb_strv_add(&in->args, init);
	add_option(&in->args, "-N", of->where);
	if (of->job->cwd)
		add_option(&in->args, "-c", of->job->cwd);
	if (of->job->rank)
		sb_strv_add(&in->args, "-q");
	if (of->job->step == SB_STEP_INTERACTIVE)
		sb_strv_add(&in->args, "-s");
	if (of->terminal)
		sb_strv_add(&in->args, "-t");
	if (of->conf->mode == SB_MODE_CREATE)
		add_option(&in->args, "-r", status);
	add_limit(&in->args, of->bundle->config.root);
	sb_strv_add(&in->args, "--");
	return 0;
}

static int make_args(struct sb_inside *in, const struct sb_inside_of *of,
		     struct sb_err *err)
{
	const char *first = of->job->cmd.v[0];

	if (in->init && add_init(in, of, err) < 0)
		return -1;
	if (is_batch_script(of->job))
		first = path(in, in->place, SCRIPT);
	if (!first)
		return no_memory(err);
	sb_strv_add(&in->args, first);
	for (size_t i = 1; i < of->job->cmd.n; i++)
		sb_strv_add(&in->args, of->job->cmd.v[i]);
	return in->args.failed ? no_memory(err) : 0;
}

int sb_inside_plan(struct sb_inside *in, const struct sb_inside_of *of,
		   struct sb_err *err)
{
	*in = (struct sb_inside){.init = 0};
	if (find_place(in, of, err) < 0 || show_init(in, of, err) < 0 ||
	    show_script(in, of, err) < 0 || show_terminal(in, of, err) < 0)
		return -1;
	return make_args(in, of, err);
}

void sb_inside_free(struct sb_inside *in)
{
	sb_strv_free(&in->args);
	sb_strv_free(&in->paths);
}
