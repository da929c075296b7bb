/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A runtime that is no OCI runtime, from its start to its end. */
#define _GNU_SOURCE
#include "direct.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "mem.h"
#include "supervise.h"
#include "tty.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

/* Seconds. */
#define KILL_SECONDS 5
#define DELETE_SECONDS 10
/* From RunTimeKill to RunTimeDelete, where no slurmstepd is left to see to it.
 */
#define GRACE_SECONDS 5

#define MAX_CHILDREN 64

struct direct {
	struct sb_run *r;
	pid_t pid;
	int signals; /* a signalfd */
	int parent;  /* pidfd of slurmstepd; -1: by hand, or gone */
	int ended;   /* a zombie: not waited for, and so its pid is its own */
	int status;
	sigset_t mask;	/* the caller's */
	long long late; /* sb_report_now when there is no more time; 0: never */
};

/* ---- its processes ---- */

/* Waits for those that it has left to us, a subreaper, and have ended. */
static void reap_others(const struct direct *d)
{
	pid_t kids[MAX_CHILDREN];
	int n = sb_proc_children(getpid(), kids, MAX_CHILDREN);

	for (int i = 0; i < n; i++)
		if (kids[i] != d->pid)
			waitpid(kids[i], NULL, WNOHANG);
}

/* Looks whether it has ended or stopped. slurmstepd takes no notice of a task
 * that has stopped, nor continues it. */
static void look(struct direct *d)
{
	siginfo_t si = {.si_pid = 0};

	if (d->ended)
		return;
	if (!waitid(P_PID, d->pid, &si, WSTOPPED | WNOHANG) && si.si_pid &&
	    !d->r->job.step_name)
		sb_tty_stop_too(si.si_status);
	si.si_pid = 0;
	if (waitid(P_PID, d->pid, &si, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	    !si.si_pid)
		return;
	d->ended = 1;
	d->status = si.si_code == CLD_EXITED ? si.si_status << 8 : si.si_status;
}

/* Kills what there is but the program itself, and that too if it goes on.
 * Returns whether there was anything. */
static int kill_rest(const struct direct *d)
{
	pid_t kids[MAX_CHILDREN];
	int n = sb_proc_children(getpid(), kids, MAX_CHILDREN), left = 0;

	for (int i = 0; i < n; i++) {
		if (kids[i] == d->pid && d->ended)
			continue;
		left = 1;
		kill(kids[i], SIGKILL);
	}
	return left;
}

static int anything_left(const struct direct *d)
{
	pid_t kids[MAX_CHILDREN];
	int n = sb_proc_children(getpid(), kids, MAX_CHILDREN);

	return !d->ended || n > 1;
}

/* ---- RunTimeKill and RunTimeDelete ---- */

/* The site's word for "end": SIGINT is one, too. Where it does not do or there
 * is none, what has reached us. */
static void end(struct direct *d)
{
	char out[1024], text[128];
	struct sb_err err;
	int rc;

	if (d->ended)
		return;
	if (!d->r->conf.pattern[SB_OP_KILL]) {
		kill(d->pid, SIGTERM);
		return;
	}
	rc = sb_runtime_do(&d->r->rt, SB_OP_KILL, &d->mask, KILL_SECONDS, out,
			   sizeof(out), &err);
	look(d);
	if (!rc || d->ended)
		return;
	if (rc < 0)
		snprintf(text, sizeof(text), "RunTimeKill: %.96s", err.text);
	else
		snprintf(text, sizeof(text),
			 "RunTimeKill: %s %d: SIGTERM in its place",
			 WIFEXITED(rc) ? "exit code" : "signal",
			 WIFEXITED(rc) ? WEXITSTATUS(rc) : WTERMSIG(rc));
	sb_run_say(d->r, text);
	kill(d->pid, SIGTERM);
}

/* With %p it is for what still runs; else for what the runtime keeps. */
static void clean_up(struct direct *d)
{
	const char *pattern = d->r->conf.pattern[SB_OP_DELETE];
	char out[4096];
	struct sb_err ignored;

	if (pattern && (anything_left(d) || !sb_pattern_uses(pattern, 'p')))
		sb_runtime_do(&d->r->rt, SB_OP_DELETE, &d->mask, DELETE_SECONDS,
			      out, sizeof(out), &ignored);
	unlinkat(d->r->dir.fd, SB_FILE_DELETE, 0);
}

/* ---- while it runs ---- */

static void take_signal(struct direct *d, const struct signalfd_siginfo *si)
{
	if (si->ssi_signo == SIGCHLD) {
		look(d);
		reap_others(d);
	} else if (si->ssi_signo == SIGTERM) {
		end(d);
	} else if (!d->ended &&
		   !(si->ssi_code == SI_KERNEL && isatty(STDIN_FILENO))) {
		kill(d->pid, si->ssi_signo);
	}
}

static void take_signals(struct direct *d)
{
	struct signalfd_siginfo si;

	while (read(d->signals, &si, sizeof(si)) == sizeof(si))
		take_signal(d, &si);
}

static int time_left(const struct direct *d)
{
	long long ms = (d->late - sb_report_now()) / 1000000;

	return !d->late ? -1 : ms > 0 ? ms : 0;
}

static void watch(struct direct *d)
{
	struct pollfd p[2] = {{.fd = d->signals, .events = POLLIN},
			      {.fd = d->parent, .events = POLLIN}};

	while (!d->ended) {
		int n = poll(p, 2, time_left(d));

		if ((n < 0 && errno != EINTR) || (!n && d->late))
			break;
		if (p[0].revents)
			take_signals(d);
		if (!p[1].revents)
			continue;
		p[1].fd = -1;
		d->late = sb_report_now() + GRACE_SECONDS * 1000000000LL;
		end(d);
	}
}

/* What RunTimeDelete has not ended. A process may have become another user's
 * (sudo): such a one is not waited for long. */
static void finish(struct direct *d)
{
	struct timespec nap = {.tv_nsec = 2000000};
	int i;

	clean_up(d);
	for (i = 0; i < 1000; i++) {
		look(d);
		reap_others(d);
		if (!kill_rest(d))
			break;
		nanosleep(&nap, NULL);
	}
	look(d);
	if (!d->ended) {
		sb_run_say(d->r, "the runtime's process does not end");
		d->status = SB_FAIL << 8;
	}
	sb_runtime_process(&d->r->rt, 0);
	waitpid(d->pid, NULL, WNOHANG);
}

/* ---- the start ---- */

/* Puts the batch script where the command's name says that it is. Returns the
 * first descriptor that the program is not to have. */
static int keep_script(const struct sb_run *r)
{
	int fd = sb_run_script_fd(r);

	if (r->script < 0)
		return fd;
	/* dup2(2) of a descriptor to itself would leave it as it is. */
	if (r->script == fd)
		fcntl(fd, F_SETFD, 0);
	else
		dup2(r->script, fd);
	return fd + 1;
}

static void __attribute__((noreturn))
child(struct direct *d, char **words, pid_t caller)
{
	struct sb_err err;

	/* Who kills us wants its end. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != caller)
		_exit(SB_FAIL);
	sigprocmask(SIG_SETMASK, &d->mask, NULL);
	sb_runtime_execute(words, d->r->rt.env.v, keep_script(d->r), &err);
	sb_run_say(d->r, err.text);
	_exit(err.code);
}

static int start(struct direct *d, struct sb_err *err)
{
	_cleanup_strv_ struct sb_strv words = {0};
	struct sb_err ignored;
	pid_t self = getpid();

	if (sb_runtime_words(&d->r->rt, SB_OP_RUN, &words, err) < 0)
		return -1;
	sb_runtime_tell(&d->r->rt, SB_OP_RUN, words.v);
	d->pid = fork();
	if (d->pid < 0)
		return sb_fail(err, SB_FAIL, "fork: %s", strerror(errno));
	if (!d->pid)
		child(d, words.v, self);
	sb_runtime_process(&d->r->rt, d->pid);
	d->r->report.container = d->pid;
	d->r->report.created = d->r->report.started = sb_report_now();
	sb_report_write(d->r->dir.fd, &d->r->report, &ignored);
	return 0;
}

int sb_direct_run(struct sb_run *r, int *status, struct sb_err *err)
{
	struct direct d = {.r = r, .signals = -1, .parent = r->parent_end};
	struct sb_err ignored;

	/* First of all: no signal may be lost or kill us from here on. */
	d.signals = sb_supervise_signals(&d.mask, err);
	if (d.signals < 0)
		return -1;
	if (start(&d, err) < 0)
		return -1;
	watch(&d);
	finish(&d);
	*status = r->report.status = d.status;
	r->report.ended = sb_report_now();
	sb_report_write(r->dir.fd, &r->report, &ignored);
	sb_run_debug_report(r);
	sb_cleanup_fd(&d.signals);
	return 0;
}
