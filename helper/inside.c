/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of ours the container sees. */
#define _GNU_SOURCE
#include "inside.h"

#include "../spank/contract.h"
#include "caps.h"
#include "hold.h"
#include "mem.h"
#include "session.h"
#include "slurmclient.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* Names in the place. */
#define INIT "init"
#define SCRIPT "slurm_script"
#define BROADCAST "bcast"
#define STATUS "status"
#define TERMINALS "pts"

/* Where a container that mounts no tmpfs gets one for our files. */
#define OWN_PLACE "/.stepbox"

/* Shows a file of the host's in the place. */
static int show(struct sb_mounts *m, const char *source, const char *dest,
		struct sb_err *err)
{
	if (!source || !dest)
		return sb_no_memory(err);
	return sb_mounts_bind(m, source, dest, "bind", err);
}

/* Below a tmpfs that the container mounts anyway: no mount point to make. */
static int find_place(struct sb_inside *in, struct sb_mounts *m,
		      const struct sb_inside_of *of, struct sb_err *err)
{
	static const char options[] = "nosuid,nodev,mode=755,size=64k";
	const char *tmpfs =
		sb_spec_tmpfs(of->bundle->config.root, sb_mounts_cover, m);

	if (!tmpfs) {
		tmpfs = OWN_PLACE;
		if (sb_mounts_tmpfs(m, tmpfs, options, err) < 0)
			return -1;
	}
	in->place = sb_mounts_path(m, tmpfs, SB_SPEC_PLACE);
	return in->place ? 0 : sb_no_memory(err);
}

int sb_inside_identity(const struct sb_job *job, const struct sb_conf *conf,
		       int remap_root)
{
	/* Root is root. */
	return !remap_root && job->uid && conf->init != SB_INIT_NO;
}

static int show_init(struct sb_inside *in, struct sb_mounts *m,
		     const struct sb_inside_of *of, struct sb_err *err)
{
	if (of->conf->init == SB_INIT_NO && !of->shared)
		return 0;
	if (access(SB_INIT_PATH, X_OK) < 0)
		return sb_fail(err, SB_FAIL, "init %s: %s", SB_INIT_PATH,
			       strerror(errno));
	in->init = 1;
	in->identity = sb_inside_identity(of->job, of->conf, of->remap_root);
	in->program = sb_mounts_path(m, in->place, INIT);
	if (show(m, SB_INIT_PATH, in->program, err) < 0)
		return -1;
	if (of->mode != SB_MODE_CREATE || of->shared)
		return 0;
	if (sb_taskdir_touch(of->dir, SB_TASKDIR_STATUS, err) < 0)
		return -1;
	return show(m, sb_mounts_path(m, of->dir->path, SB_TASKDIR_STATUS),
		    sb_mounts_path(m, in->place, STATUS), err);
}

/*
 * Whether the command is a file of the host's that no container has; name gets
 * what it is called in the place. A batch script lies in slurmd's spool
 * directory. What was broadcast keeps its name: some programs go by it.
 */
static int is_hosts_file(const struct sb_job *job, char *name, size_t size)
{
	const char *path = job->cmd.v[0], *base = strrchr(path, '/');

	if (*path != '/')
		return 0;
	if (job->step == SB_STEP_BATCH && !strcmp(base, "/" SCRIPT))
		snprintf(name, size, "%s", SCRIPT);
	else if (job->bcast == 1)
		snprintf(name, size, "%s%s", BROADCAST, base);
	else
		return 0;
	return 1;
}

static int show_command(struct sb_inside *in, struct sb_mounts *m,
			const struct sb_inside_of *of, struct sb_err *err)
{
	char name[NAME_MAX + 16];

	if (!is_hosts_file(of->job, name, sizeof(name)))
		return 0;
	in->command = of->job->cmd.v[0];
	in->command_inside = sb_mounts_path(m, in->place, name);
	return show(m, in->command, in->command_inside, err);
}

/* The step's terminal belongs to the host's devpts, which the container's own
 * hides: without a name in /dev, ttyname(3) fails there. */
static int show_terminal(struct sb_inside *in, struct sb_mounts *m,
			 const struct sb_inside_of *of, struct sb_err *err)
{
	char tty[PATH_MAX] = "";

	if (!of->terminal || of->shared || of->mode != SB_MODE_CREATE ||
	    strcmp(in->place, "/dev/" SB_SPEC_PLACE) ||
	    ttyname_r(STDIN_FILENO, tty, sizeof(tty)))
		return 0;
	return show(m, tty, "/dev/console", err);
}

/*
 * In a shared container the one that needs it comes later, and gives its
 * terminal that name itself (join.c): from here. The node's devpts in place of
 * the container's would do for the name, but no program could open a terminal
 * of its own there: its ptmx is for root alone (systemd mounts it so), and
 * /dev/ptmx works only beside it.
 */
static int show_terminals(struct sb_inside *in, struct sb_mounts *m,
			  const struct sb_inside_of *of, struct sb_err *err)
{
	if (!of->shared || strcmp(in->place, "/dev/" SB_SPEC_PLACE))
		return 0;
	in->terminals = sb_mounts_path(m, in->place, TERMINALS);
	return show(m, "/dev/pts", in->terminals, err);
}

/* Where tasks tell the container's process that they have come. */
static int show_hold(struct sb_inside *in, struct sb_mounts *m,
		     const struct sb_inside_of *of, struct sb_err *err)
{
	if (!of->shared)
		return 0;
	return show(m, sb_mounts_path(m, of->dir->path, SB_HOLD_DIR),
		    sb_mounts_path(m, in->place, SB_HOLD_DIR), err);
}

/* Its programs are started by our init. */
static int show_client(struct sb_inside *in, struct sb_mounts *m,
		       const struct sb_inside_of *of, struct sb_err *err)
{
	if (!of->conf->slurm_client)
		return 0;
	if (!in->init)
		return sb_fail(err, SB_FAIL,
			       "SlurmClient=yes does not go with Init=no");
	return sb_slurmclient_plan(m, of->dir, of->srun, in->place, &in->path,
				   err);
}

static int show_session(struct sb_inside *in, struct sb_mounts *m,
			const struct sb_inside_of *of, struct sb_err *err)
{
	const struct sb_session_of session = {
		.bundle = of->bundle,
		.place = in->place,
		.exclude = sb_conf_env_exclude(of->conf),
		.no_points = of->no_points,
	};

	return sb_session_plan(m, &session, &in->env, err);
}

/* ---- the words ---- */

static void add_option(struct sb_strv *args, const char *option,
		       const char *value)
{
	sb_strv_add(args, option);
	sb_strv_add(args, value);
}

/* The soft limit of open files: Go programs (runc) raise their own. */
static void add_limit(struct sb_strv *args)
{
	struct rlimit files;
	char number[24];

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	snprintf(number, sizeof(number), "%llu",
		 (unsigned long long)files.rlim_cur);
	add_option(args, "-f", number);
}

/* The user again. */
static void add_identity(struct sb_strv *args, const struct sb_inside_of *of)
{
	char text[32];

	snprintf(text, sizeof(text), "%u:%u", of->job->uid, of->job->gid);
	add_option(args, "-u", text);
}

void sb_inside_caps(const json_t *config, struct sb_strv *args)
{
	struct sb_caps caps;
	char text[80];

	sb_caps_read(config, &caps);
	snprintf(text, sizeof(text), "%llx:%llx:%llx:%llx", caps.bounding,
		 caps.inheritable, caps.ambient, caps.permitted);
	add_option(args, "-k", text);
}

void sb_inside_process(const json_t *config, struct sb_strv *args)
{
	const json_t *process = json_object_get(config, "process");
	const char *personality = sb_spec_personality(config);

	if (json_is_true(json_object_get(process, "noNewPrivileges")))
		sb_strv_add(args, "-n");
	if (personality)
		add_option(args, "-d", personality);
}

/* The init's options, see init.c. */
static int add_init(struct sb_inside *in, struct sb_mounts *m,
		    const struct sb_inside_of *of, struct sb_err *err)
{
	const char *status = sb_mounts_path(m, in->place, STATUS);
	const char *cwd = of->workdir ? of->workdir : of->job->cwd;

	if (!in->program || !status)
		return sb_no_memory(err);
	sb_strv_add(&in->args, in->program);
	add_option(&in->args, "-N", of->where);
	if (cwd)
		add_option(&in->args, of->workdir ? "-w" : "-c", cwd);
	if (of->job->rank)
		sb_strv_add(&in->args, "-q");
	if (of->job->step == SB_STEP_INTERACTIVE)
		sb_strv_add(&in->args, "-s");
	if (of->terminal)
		sb_strv_add(&in->args, "-t");
	if (of->mode == SB_MODE_CREATE)
		add_option(&in->args, "-r", status);
	if (in->identity) {
		add_identity(&in->args, of);
		sb_inside_caps(of->bundle->config.root, &in->args);
	}
	for (size_t i = 0; i < in->filter.words.n; i++)
		sb_strv_add(&in->args, in->filter.words.v[i]);
	add_limit(&in->args);
	sb_strv_add(&in->args, "--");
	return 0;
}

/* For tasks that enter: what the runtime would make of process and
 * linux.personality. Its uid, gid and umask are the tasks' anyway. */
static void add_join(struct sb_inside *in, const struct sb_inside_of *of)
{
	const json_t *config = of->bundle->config.root;

	sb_inside_process(config, &in->join);
	sb_inside_caps(config, &in->join);
	for (size_t i = 0; i < in->filter.words.n; i++)
		sb_strv_add(&in->join, in->filter.words.v[i]);
}

/* The container's process runs no task. */
static int make_shared(struct sb_inside *in, struct sb_mounts *m,
		       const struct sb_inside_of *of, struct sb_err *err)
{
	const char *hold = sb_mounts_path(m, in->place, SB_HOLD_DIR);
	char number[16];

	if (!in->program || !hold)
		return sb_no_memory(err);
	sb_strv_add(&in->args, in->program);
	add_option(&in->args, "-N", of->where);
	add_option(&in->args, "-H", hold);
	snprintf(number, sizeof(number), "%u", of->shared);
	add_option(&in->args, "-T", number);
	snprintf(number, sizeof(number), "%d", of->parent);
	add_option(&in->args, "-P", number);
	/* By RunTimeExec each makes himself the user: runtimes enter whatever
	 * user namespace they find, and from the inner one crun could not go
	 * on. */
	if (in->identity && of->conf->join != SB_JOIN_EXEC)
		add_identity(&in->args, of);
	add_join(in, of);
	return in->args.failed || in->join.failed ? sb_no_memory(err) : 0;
}

static int make_args(struct sb_inside *in, struct sb_mounts *m,
		     const struct sb_inside_of *of, struct sb_err *err)
{
	const char *first = of->first ? of->first : of->job->cmd.v[0];

	if (of->shared)
		return make_shared(in, m, of, err);
	if (in->init && add_init(in, m, of, err) < 0)
		return -1;
	sb_strv_add(&in->args, in->command ? in->command_inside : first);
	for (size_t i = 1; i < of->job->cmd.n; i++)
		sb_strv_add(&in->args, of->job->cmd.v[i]);
	return in->args.failed ? sb_no_memory(err) : 0;
}

int sb_inside_plan(struct sb_inside *in, struct sb_mounts *m,
		   const struct sb_inside_of *of, struct sb_strv *notes,
		   struct sb_err *err)
{
	struct sb_filter_of filter = {
		.conf = of->conf,
		.bundle = of->bundle,
		.dir = of->dir,
	};

	*in = (struct sb_inside){.init = 0};
	if (find_place(in, m, of, err) < 0 || show_init(in, m, of, err) < 0 ||
	    show_command(in, m, of, err) < 0 || show_hold(in, m, of, err) < 0 ||
	    show_terminal(in, m, of, err) < 0 ||
	    show_terminals(in, m, of, err) < 0 ||
	    show_client(in, m, of, err) < 0 || show_session(in, m, of, err) < 0)
		return -1;
	/* As root the command runs under the runtime's rules: the init may load
	 * nothing there without CAP_SYS_ADMIN. Who enters later has that. */
	filter.place = in->identity || of->shared ? in->place : NULL;
	if (sb_filter_plan(&in->filter, m, &filter, notes, err) < 0)
		return -1;
	return make_args(in, m, of, err);
}

void sb_inside_free(struct sb_inside *in)
{
	sb_strv_free(&in->args);
	sb_strv_free(&in->join);
	sb_strv_free(&in->env);
	sb_filter_free(&in->filter);
}
