/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A task enters a container that is there, and becomes its command. */
#define _GNU_SOURCE
#include "join.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "argmax.h"
#include "caps.h"
#include "enter.h"
#include "env.h"
#include "exclude.h"
#include "fdio.h"
#include "hold.h"
#include "mem.h"
#include "mpi.h"
#include "recipe.h"
#include "tty.h"
#include "userns.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* ---- what the command gets ---- */

static int make_env(const struct sb_run *r, const struct sb_recipe *recipe,
		    struct sb_strv *env, struct sb_err *err)
{
	struct sb_env_of of = {
		.job = environ,
		.keep = r->job.keep,
		.bundle = recipe->bundle_env.v,
		.site = recipe->site_env.v,
		.shell_inside = recipe->shell_inside,
	};
	regex_t exclude;
	int rc;

	if (recipe->env_exclude) {
		if (sb_exclude_compile(&exclude, "EnvExclude",
				       recipe->env_exclude, err) < 0)
			return -1;
		of.exclude = &exclude;
	}
	rc = sb_env_container(&of, env, err);
	if (recipe->env_exclude)
		regfree(&exclude);
	if (!rc && recipe->path)
		rc = sb_env_path(env, recipe->path, err);
	return rc;
}

/* The init's options (init.c), then the command. inner: the user namespace's
 * descriptor; -1: none. */
static int make_args(struct sb_run *r, const struct sb_recipe *recipe,
		     int inner, struct sb_strv *args, struct sb_err *err)
{
	const struct sb_strv *cmd = &r->job.cmd;
	_cleanup_free_ char *workdir = NULL;
	struct sb_entry entry = {
		.init = recipe->program,
		.where = r->where,
		.quiet = r->job.rank != 0,
		.terminal = recipe->exec && r->plan.terminal,
		/* With RunTimeExec it starts as the runtime's root, as init
		 * does. */
		.identify = recipe->exec && recipe->identity,
		.uid = r->job.uid,
		.gid = r->job.gid,
		.inner = inner,
		.words = &recipe->words,
	};

	if ((r->job.workdir && sb_letters_set(&r->letters, &r->rt.values,
					      &r->job, &r->dir, err) < 0) ||
	    sb_job_workdir(&r->job, environ, &r->rt.values, &workdir, err) < 0)
		return -1;
	entry.workdir = workdir;
	entry.cwd = workdir ? NULL : r->job.cwd;
	if (sb_entry_words(&entry, args, err) < 0)
		return -1;
	sb_strv_add(args, recipe->command && recipe->command_inside &&
					  !strcmp(cmd->v[0], recipe->command)
				  ? recipe->command_inside
				  : cmd->v[0]);
	for (size_t i = 1; i < cmd->n; i++)
		sb_strv_add(args, cmd->v[i]);
	return args->failed ? sb_no_memory(err) : 0;
}

/* ---- the way in ---- */

static int open_spaces(const struct sb_recipe *recipe, struct sb_spaces *s,
		       struct sb_err *err)
{
	unsigned int kinds = 1 << SB_SPACE_MNT | !!recipe->ipc << SB_SPACE_IPC;
	int rc = sb_spaces_open(s, recipe->pid, recipe->start, kinds, err);

	if (!rc)
		return 0;
	sb_spaces_close(s);
	return rc > 0 ? SB_JOIN_GONE : SB_JOIN_FAILED;
}

/* Tells the container's process, so that it waits for our end. */
static int announce(int dir, struct sb_err *err)
{
	_cleanup_fd_ int pipe = openat(dir, SB_HOLD_DIR "/" SB_HOLD_JOIN,
				       O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	pid_t self = getpid();
	void (*before)(int);
	ssize_t n = -1;
	int errnum;

	if (pipe < 0 && errno == ENXIO) /* nobody reads it any more */
		return SB_JOIN_GONE;
	if (pipe >= 0) {
		/* It may end between the two: no signal for that. */
		before = signal(SIGPIPE, SIG_IGN);
		n = write(pipe, &self, sizeof(self));
		errnum = errno;
		signal(SIGPIPE, before);
		errno = errnum;
	}
	if (n < 0 && errno == EPIPE)
		return SB_JOIN_GONE;
	if (n != sizeof(self))
		return sb_fail(err, SB_FAIL, "step directory: %s: %s",
			       SB_HOLD_DIR "/" SB_HOLD_JOIN, strerror(errno));
	return 0;
}

/* Who has entered: for whoever must end what a dead slurmstepd left, and for
 * whoever asks. Appended whole by one write(2). */
static void record(const struct sb_run *r, int dir)
{
	_cleanup_fd_ int fd = openat(
		dir, SB_FILE_JOINED,
		O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct sb_proc self;
	char line[96];
	int n;

	if (fd < 0 || sb_proc_read(getpid(), &self) < 0)
		return;
	n = snprintf(line, sizeof(line), "pid %d %llu %u %u\n", getpid(),
		     self.start, r->job.task, r->job.rank);
	if (sb_fdio_write_all(fd, line, n) < 0)
		return;
}

/* The terminal gets the name there that it has in a container of its own, or
 * ttyname(3) would find none. As root of the container, before it is left. */
static void name_terminal(const struct sb_recipe *recipe, const char *tty)
{
	char path[PATH_MAX];
	int fd;

	if (!recipe->terminals || strncmp(tty, "/dev/pts/", 9))
		return;
	snprintf(path, sizeof(path), "%s/%s", recipe->terminals, tty + 9);
	fd = open("/dev/console", O_RDONLY | O_CREAT | O_NOCTTY | O_CLOEXEC,
		  0600);
	if (fd >= 0)
		close(fd);
	/* Without that name everything else works. */
	(void)!mount(path, "/dev/console", NULL, MS_BIND, NULL);
}

static int enter(const struct sb_recipe *recipe, struct sb_spaces *s,
		 const char *tty, struct sb_err *err)
{
	if (sb_spaces_enter(s, SB_SPACE_ANY, err) < 0)
		return -1;
	name_terminal(recipe, tty);
	/* A new root comes with itself as working directory. */
	if (chdir(recipe->cwd) < 0 && chdir("/") < 0)
		return sb_fail(err, SB_FAIL, "%s: %s", recipe->cwd,
			       strerror(errno));
	return 0;
}

static int by_namespaces(struct sb_run *r, const struct sb_recipe *recipe,
			 char **env, struct sb_err *err)
{
	_cleanup_strv_ struct sb_strv args = {0};
	char tty[PATH_MAX] = "";
	struct sb_spaces s;
	int rc = open_spaces(recipe, &s, err);

	if (rc)
		return rc;
	if (r->plan.terminal && ttyname_r(STDIN_FILENO, tty, sizeof(tty)))
		*tty = '\0';
	rc = make_args(r, recipe, s.inner, &args, err);
	if (!rc)
		rc = sb_argmax_check(args.v, env, err);
	sb_run_debug(r, "enters the namespaces user mnt%s%s of pid %d",
		     recipe->ipc ? " ipc" : "",
		     s.inner >= 0 ? " and the inner user's" : "", recipe->pid);
	if (!rc)
		rc = enter(recipe, &s, tty, err);
	if (!rc) {
		/* Through one of a directory its program could leave the
		 * container. */
		sb_fdio_end_at_exec(SB_MPI_FD + r->fds);
		if (s.inner >= 0)
			fcntl(s.inner, F_SETFD, 0);
		sb_run_debug_words(r, "becomes", args.v);
		execve(args.v[0], args.v, env);
		rc = sb_fail(err, SB_FAIL, "init %s: %s", args.v[0],
			     strerror(errno));
	}
	sb_spaces_close(&s);
	return rc;
}

/* ---- by RunTimeExec ---- */

/* config-spec, process: what `exec --process` of crun and runc read. */
static json_t *process_of(const struct sb_recipe *recipe, char **args,
			  char **env)
{
	json_t *a = sb_json_list(args), *e = sb_json_list(env);

	return json_pack("{s:b, s:{s:i, s:i}, s:o, s:o, s:s, s:o}", "terminal",
			 0, "user", "uid", 0, "gid", 0, "args", a, "env", e,
			 "cwd", recipe->cwd, "capabilities",
			 sb_caps_only("CAP_SETFCAP"));
}

static int write_process(const struct sb_run *r, const struct sb_recipe *recipe,
			 char **args, char **env, struct sb_err *err)
{
	struct sb_json doc = {.root = process_of(recipe, args, env)};
	_cleanup_free_ char *text = NULL;
	size_t len;
	int rc = -1;

	if (!doc.root && sb_json_no_memory())
		return sb_no_memory(err);
	if (!doc.root)
		return sb_fail(err, SB_FAIL,
			       "a variable or argument holds bytes that are no "
			       "UTF-8, which RunTimeExec cannot carry");
	text = sb_json_dump(&doc, &len, err);
	if (text)
		rc = sb_fdio_write(r->dir.fd, "process.json", text, len, err);
	sb_json_free(&doc);
	return rc;
}

/* The runtime acts as root of its user namespace, as when it made the
 * container; and it is to leave the step's cgroups alone. */
static int enter_outer(const struct sb_recipe *recipe, struct sb_err *err)
{
	struct sb_spaces s;
	int rc = open_spaces(recipe, &s, err);

	if (rc)
		return rc;
	rc = sb_spaces_enter(&s, 0, err);
	if (!rc && unshare(CLONE_NEWNS) < 0)
		rc = sb_fail(err, SB_FAIL, "mount namespace: %s",
			     strerror(errno));
	if (!rc)
		sb_userns_freeze_cgroups();
	sb_spaces_close(&s);
	return rc;
}

/* For a process that does not block signals. */
static void release_terminal(void)
{
	sigset_t hup, mask;

	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	sigaddset(&hup, SIGCONT);
	sigprocmask(SIG_BLOCK, &hup, &mask);
	sb_tty_release();
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

static int by_exec(struct sb_run *r, const struct sb_recipe *recipe,
		   const char *name, char **env, struct sb_err *err)
{
	_cleanup_strv_ struct sb_strv words = {0}, args = {0};
	_cleanup_free_ char *container = NULL, *process = NULL;
	char task[16];
	int rc;

	if (sb_run_conf(r, err) < 0 ||
	    sb_taskdir_make(&r->dir, r->job.task, 0, err) < 0 ||
	    make_args(r, recipe, -1, &args, err) < 0 ||
	    sb_argmax_check(args.v, env, err) < 0 ||
	    sb_run_env_file(r, env, err) < 0 ||
	    write_process(r, recipe, args.v, env, err) < 0)
		return -1;
	if (asprintf(&container, "%s/%s", r->dir.step, name) < 0 ||
	    asprintf(&process, "%s/process.json", r->dir.path) < 0)
		return sb_no_memory(err);
	r->rt.conf = &r->conf;
	if (sb_letters_set(&r->letters, &r->rt.values, &r->job, &r->dir, err) <
	    0)
		return -1;
	/* The container's. */
	snprintf(task, sizeof(task), "%u", recipe->task);
	r->rt.values.letter['t'] = task;
	r->rt.values.letter['b'] = container;
	r->rt.values.letter['f'] = r->fds ? "1" : "0";
	r->rt.values.letter['x'] = process;
	if (sb_runtime_find(&r->rt, 1, err) < 0 ||
	    sb_runtime_environ(&r->rt, err) < 0 ||
	    sb_runtime_words(&r->rt, SB_OP_EXEC, &words, err) < 0)
		return -1;
	rc = enter_outer(recipe, err);
	if (rc)
		return rc;
	sb_run_debug_words(r, sb_conf_op_key(SB_OP_EXEC), words.v);
	if (r->plan.terminal)
		release_terminal();
	return sb_runtime_exec(words.v, r->rt.env.v, err);
}

/* ---- both ---- */

int sb_join(struct sb_run *r, const char *name, struct sb_err *err)
{
	_cleanup_strv_ struct sb_strv env = {0};
	_cleanup_fd_ int dir =
		openat(r->dir.step_fd, name,
		       O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct sb_recipe recipe;
	int rc;

	if (dir < 0)
		return sb_fail(err, SB_FAIL, "step directory %s: %s: %s",
			       r->dir.step, name, strerror(errno));
	/* First of all: the container waits for everybody, also for one that
	 * then fails. */
	rc = announce(dir, err);
	if (rc)
		return rc;
	record(r, dir);
	rc = sb_recipe_read(&recipe, dir, err);
	/* The site's word, which the task that read it has passed on. */
	if (!rc && r->job.verbose < recipe.verbose)
		r->job.verbose = recipe.verbose;
	if (!rc)
		rc = make_env(r, &recipe, &env, err);
	if (!rc)
		rc = recipe.exec ? by_exec(r, &recipe, name, env.v, err)
				 : by_namespaces(r, &recipe, env.v, err);
	sb_recipe_free(&recipe);
	return rc;
}
