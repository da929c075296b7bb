/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The container that all tasks of a step share on a node. */
#define _GNU_SOURCE
#include "maker.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "create.h"
#include "fdio.h"
#include "hold.h"
#include "mem.h"
#include "mpi.h"
#include "recipe.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Until its process has set itself up; only a machine out of memory needs more
 * than milliseconds. */
#define READY_SECONDS 30
#define DELETE_SECONDS 10

/* The child's word for SB_SHARE_TASK; others are an exit code of ours, or 0. */
#define ONE_PER_TASK 1

/* ---- whether it can be shared ---- */

/* Whether text stands for something else in each task. */
static int names_task(const char *text)
{
	static const char *const own[] = {
		"%t",
		"SLURM_PROCID",
		"SLURM_LOCALID",
		"SLURM_TASK_PID",
		"SLURM_GTIDS",
		"PMI_RANK",
		"PMIX_RANK",
		"CUDA_VISIBLE_DEVICES",
	};

	for (size_t i = 0; text && i < ARRAY_SIZE(own); i++)
		if (strstr(text, own[i]))
			return 1;
	return 0;
}

static int has_poststop(const struct sb_run *r)
{
	const json_t *hooks =
		json_object_get(r->plan.bundle.config.root, "hooks");

	return json_array_size(json_object_get(hooks, "poststop")) > 0;
}

/* Why each task must have its own, by the site's and the user's words; NULL: it
 * need not. Sets *quiet where the user has asked for just that. */
static const char *why_not(const struct sb_run *r, int *quiet)
{
	const struct sb_conf *c = &r->conf;

	*quiet = 0;
	if (!sb_conf_has_create(c))
		return "the site's configuration has RunTimeRun alone";
	if (sb_runtime_state_outside(c))
		return "RunTimeDelete must follow each, since the runtime "
		       "keeps its state outside the step directory";
	*quiet = 1;
	if (names_task(r->job.mounts) ||
	    (sb_plan_writable(&r->job, c) && names_task(c->writable_path)))
		return "a mount or path names the task";
	if (names_task(c->mount_spool_dir))
		return "MountSpoolDir names the task";
	for (size_t i = 0; i < c->mounts.n; i++)
		if (names_task(c->mounts.v[i]))
			return "a mount of the site's names the task";
	return NULL;
}

static enum sb_share_state per_task(const struct sb_run *r, const char *why,
				    int quiet)
{
	char text[256];

	snprintf(text, sizeof(text), "one container per task: %s", why);
	if (!quiet || r->job.per == SB_PER_NODE || r->job.verbose)
		sb_run_say(r, text);
	return SB_SHARE_TASK;
}

/* ---- the child ---- */

static int make_pipes(const struct sb_run *r, int *ready, struct sb_err *err)
{
	_cleanup_fd_ int dir = -1;

	if (mkdirat(r->dir.fd, SB_HOLD_DIR, 0700) == 0)
		dir = openat(r->dir.fd, SB_HOLD_DIR,
			     O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || mkfifoat(dir, SB_HOLD_READY, 0600) < 0 ||
	    mkfifoat(dir, SB_HOLD_JOIN, 0600) < 0)
		return sb_fail(err, SB_FAIL, "step directory %s: %s",
			       r->dir.path, strerror(errno));
	*ready = openat(dir, SB_HOLD_READY, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (*ready < 0)
		return sb_fail(err, SB_FAIL, "step directory %s: %s",
			       r->dir.path, strerror(errno));
	return 0;
}

/* RunTimeStart has answered; now its process makes itself the inner user
 * namespace, says what is wrong with that, or that it is done. */
static int wait_ready(const struct sb_create *c, int ready, struct sb_err *err)
{
	struct pollfd p[2] = {{.fd = ready, .events = POLLIN},
			      {.fd = c->pidfd, .events = POLLIN}};
	char byte;
	int n;

	do
		n = poll(p, 2, READY_SECONDS * 1000);
	while (n < 0 && errno == EINTR);
	if (n > 0 && read(ready, &byte, 1) == 1)
		return 0;
	return sb_fail(err, SB_FAIL, "the container's process (pid %d) %s",
		       c->pid,
		       n ? "ended before any task could enter"
			 : "is not ready in 30 s");
}

/* Whether it can be entered by its namespaces: it is in a mount namespace of
 * its own and, as we asked, in our pid namespace. */
static int is_namespaces(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	return sb_proc_elsewhere(pid) == 1 && !stat(path, &st) &&
	       st.st_ino == sb_proc_pidns();
}

/* Returns 1 for RunTimeExec, 0 for namespaces, -1 for neither. */
static int choose_join(const struct sb_run *r, pid_t pid)
{
	int has_exec = r->conf.pattern[SB_OP_EXEC] != NULL;

	if (r->conf.join == SB_JOIN_EXEC)
		return has_exec ? 1 : -1;
	if (is_namespaces(pid))
		return 0;
	return has_exec && r->conf.join == SB_JOIN_AUTO ? 1 : -1;
}

static int create(struct sb_run *r, struct sb_create *c, int ready,
		  struct sb_err *err)
{
	int exec, rc = sb_create(c, err);

	if (rc < 0 || wait_ready(c, ready, err) < 0)
		return -1;
	exec = choose_join(r, c->pid);
	if (exec < 0) {
		sb_run_say(r, "one container per task: what the runtime makes "
			      "cannot be entered, and there is no RunTimeExec");
		return ONE_PER_TASK;
	}
	/* The layer's server serves as long as the container's process. */
	if (sb_layer_hand_over(&r->plan.layer, c->pid, err) < 0)
		return -1;
	r->report.pid = 0;
	if (sb_recipe_write(&r->plan, c->pid, exec, err) < 0 ||
	    sb_report_write(r->dir.fd, &r->report, err) < 0)
		return sb_wrap(err, "step directory %s", r->dir.path);
	return 0;
}

/* The one that this task made before, whose process was killed: tasks may be in
 * it still, and what names them stays. Returns whether there was one. */
static int put_aside(const struct sb_run *r)
{
	char from[40], to[64];

	snprintf(from, sizeof(from), SB_TASK_PREFIX "%u" SB_NODE_SUFFIX,
		 r->job.task);
	snprintf(to, sizeof(to), SB_TASK_PREFIX "%u.%d" SB_NODE_SUFFIX,
		 r->job.task, getpid());
	return !renameat(r->dir.step_fd, from, r->dir.step_fd, to);
}

/* Its runtime still has one of that name. */
static void forget_first(const struct sb_run *r)
{
	struct sb_err ignored;
	char out[4096];
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	sb_runtime_do(&r->rt, SB_OP_DELETE, &mask, DELETE_SECONDS, out,
		      sizeof(out), &ignored);
}

static int work(struct sb_run *r, struct sb_err *err)
{
	struct sb_create c = {.rt = &r->rt,
			      .dir = &r->dir,
			      .report = &r->report,
			      .pidfd = -1};
	_cleanup_fd_ int ready = -1;
	sigset_t all;
	int rc, again = put_aside(r);

	r->plan.shared = r->job.tasks;
	r->plan.parent = r->parent;
	if (sb_taskdir_make(&r->dir, r->job.task, 1, err) < 0 ||
	    make_pipes(r, &ready, err) < 0 || sb_run_prepare(r, err) < 0)
		return -1;
	if (again)
		forget_first(r);
	/* A change of credentials may have cleared it, prctl(2). */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (has_poststop(r)) {
		per_task(r, "the bundle has poststop hooks", 0);
		return ONE_PER_TASK;
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &c.mask);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return sb_fail(err, SB_FAIL, "subreaper: %s", strerror(errno));
	rc = create(r, &c, ready, err);
	if (!rc)
		sb_run_debug_report(r);
	/* Also what a runtime has begun that then hung or died: nobody else
	 * knows of that. */
	if (rc)
		sb_create_end(NULL, NULL);
	if (rc && c.pid > 1 && !c.child)
		sb_proc_kill(c.pid, 0);
	sb_cleanup_fd(&c.pidfd);
	return rc;
}

static void __attribute__((noreturn)) child(struct sb_run *r, pid_t caller)
{
	struct sb_err err;
	int rc;

	/* Who makes it when the caller dies is another's business, and that
	 * one's container another one. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != caller)
		_exit(SB_FAIL);
	/* The task's own, which the container's process must not hold. */
	if (r->fds)
		close(SB_MPI_FD);
	r->fds = 0;
	unsetenv("PMI_FD");
	rc = work(r, &err);
	if (rc < 0)
		sb_run_say(r, err.text);
	/* What was made stays, in the container's mount namespace. */
	if (rc)
		sb_run_free(r);
	_exit(rc < 0 ? err.code : rc);
}

/* ---- the caller ---- */

/* Whether sig would end the caller, had it not blocked all. */
static int is_fatal(int sig)
{
	struct sigaction sa;

	if (sig == SIGCHLD || sig == SIGCONT || sig == SIGURG ||
	    sig == SIGWINCH || sig == SIGTSTP || sig == SIGTTIN ||
	    sig == SIGTTOU)
		return 0;
	return !sigaction(sig, NULL, &sa) && sa.sa_handler != SIG_IGN;
}

/*
 * Ends as sig would have ended it, but not before what the maker has begun has:
 * a runtime dies with the maker, but not what that one has started, which
 * would hold the step's output open. It comes to us only if we are a subreaper.
 */
static void __attribute__((noreturn)) give_up(pid_t maker, int sig)
{
	sigset_t set;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	kill(maker, SIGKILL);
	sb_create_end(NULL, NULL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(sig, SIG_DFL);
	raise(sig);
	_exit(SB_FAIL);
}

/* With all signals blocked. Returns the maker's wait status. */
static int wait_maker(pid_t maker)
{
	sigset_t all;
	int status, sig;

	sigfillset(&all);
	while (waitpid(maker, &status, WNOHANG) != maker) {
		sig = sigwaitinfo(&all, NULL);
		if (sig == SIGTSTP)
			raise(SIGSTOP);
		else if (sig > 0 && is_fatal(sig))
			give_up(maker, sig);
	}
	return status;
}

enum sb_share_state sb_maker_make(struct sb_run *r, struct sb_share *s)
{
	pid_t self = getpid(), pid;
	const char *why;
	struct sb_err err;
	char text[128];
	sigset_t all, mask;
	int quiet, status = 0;

	if (sb_run_conf(r, &err) < 0) {
		sb_run_say(r, err.text);
		s->code = err.code;
		return SB_SHARE_FAILED;
	}
	/* What is no OCI runtime makes none that others could enter. */
	if ((r->job.per < 0 && r->conf.per == SB_PER_TASK) ||
	    r->conf.ignore_config)
		return SB_SHARE_TASK;
	why = why_not(r, &quiet);
	if (why)
		return per_task(r, why, quiet);
	s->code = SB_FAIL;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	pid = fork();
	if (pid > 0)
		status = wait_maker(pid);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (!pid)
		child(r, self);
	if (pid > 0 && WIFEXITED(status)) {
		s->code = WEXITSTATUS(status);
		snprintf(s->name, sizeof(s->name),
			 SB_TASK_PREFIX "%u" SB_NODE_SUFFIX, r->job.task);
		s->maker = pid;
		return !s->code			 ? SB_SHARE_READY
		       : s->code == ONE_PER_TASK ? SB_SHARE_TASK
						 : SB_SHARE_FAILED;
	}
	snprintf(text, sizeof(text),
		 pid < 0 ? "cannot make the container: fork: %s"
			 : "cannot make the container: %s signal %d",
		 pid < 0 ? strerror(errno) : "its maker was killed by",
		 pid < 0 ? 0 : WTERMSIG(status));
	sb_run_say(r, text);
	return SB_SHARE_FAILED;
}
