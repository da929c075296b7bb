/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container by RunTimeCreate and RunTimeStart. */
#define _GNU_SOURCE
#include "supervise.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "create.h"
#include "fdio.h"
#include "mem.h"
#include "tty.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Seconds. */
#define DELETE_SECONDS 10

struct container {
	pid_t pid;
	int pidfd;
	int child; /* adopted by us: we get its wait status */
	int ended; /* it was waited for; status is valid */
	int status;
	int init;		       /* as in struct sb_supervise */
	const struct sb_create *begun; /* until it surely runs; borrowed */
};

/* ---- while it runs ---- */

static void reaped(void *arg, pid_t pid, int status)
{
	struct container *c = arg;

	if (pid != c->pid)
		return;
	c->ended = 1;
	c->status = status;
}

static void reap(struct container *c)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		reaped(c, pid, status);
}

static void forward(const struct container *c, int sig)
{
	if (c->pidfd < 0)
		kill(c->pid, sig);
	else
		syscall(SYS_pidfd_send_signal, c->pidfd, sig, NULL, 0);
}

static void take_signals(int sfd, struct container *c)
{
	struct signalfd_siginfo si;

	while (read(sfd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD) {
			reap(c);
			continue;
		}
		if (c->begun)
			sb_create_await(c->begun, c->init);
		c->begun = NULL;
		forward(c, si.ssi_signo);
	}
}

/* Until the container's process has ended; or, in a step, its slurmstepd. */
static void wait_container(struct sb_supervise *s, struct container *c, int sfd)
{
	struct pollfd p[3] = {{.fd = sfd, .events = POLLIN},
			      {.fd = c->pidfd, .events = POLLIN},
			      {.fd = s->parent, .events = POLLIN}};

	while (!c->ended) {
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents)
			take_signals(sfd, c);
		if (p[1].revents && !c->ended) {
			reap(c);
			if (!c->child)
				break;
		}
		if (p[2].revents) {
			forward(c, SIGKILL);
			p[2].fd = -1;
		}
	}
}

/* ---- the end ---- */

/* Kills what the container left to us, and the container if it still runs. */
static void end_processes(struct container *c)
{
	sb_create_end(reaped, c);
	if (c->pid > 1 && !c->ended && !c->child)
		forward(c, SIGKILL);
}

/* The process is dead: what the runtime answers matters only where it keeps
 * something that does not go with the step directory. Then it is told again,
 * by the user's next container (pending.c). */
static void keep_delete(struct sb_supervise *s, int status)
{
	if (status >= 0)
		sb_fail(&s->left, SB_FAIL, "%s failed with %s %d",
			s->report->runtime,
			WIFSIGNALED(status) ? "signal" : "exit code",
			WIFSIGNALED(status) ? WTERMSIG(status)
					    : WEXITSTATUS(status));
	sb_wrap(&s->left, "RunTimeDelete, which your next container here "
			  "repeats");
	renameat(s->dir->fd, SB_FILE_DELETE, s->dir->fd, SB_FILE_AGAIN);
}

static void delete (struct sb_supervise *s, const sigset_t *mask)
{
	char out[4096];
	int status = sb_runtime_do(s->rt, SB_OP_DELETE, mask, DELETE_SECONDS,
				   out, sizeof(out), &s->left);

	if (status && sb_runtime_state_outside(s->rt->conf)) {
		keep_delete(s, status);
	} else {
		s->left.text[0] = '\0';
		unlinkat(s->dir->fd, SB_FILE_DELETE, 0);
	}
	/* What the call may have left to us. */
	sb_create_end(NULL, NULL);
}

/* A container's process as PID 1 cannot die by a signal as its command did:
 * our init leaves the command's wait status in a file. */
static int read_status(struct sb_supervise *s, const struct container *c)
{
	int status, n = -1;
	int fd = openat(s->dir->fd, SB_TASKDIR_STATUS,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd >= 0) {
		n = read(fd, &status, sizeof(status));
		close(fd);
	}
	if (n == sizeof(status) && (WIFEXITED(status) || WIFSIGNALED(status)))
		return status;
	return c->ended ? c->status : SB_FAIL << 8;
}

static int final_status(struct sb_supervise *s, const struct container *c)
{
	if (s->init)
		return read_status(s, c);
	/* Without our init, what was not seen is no success. */
	return c->ended ? c->status : SB_FAIL << 8;
}

/* Makes the container, and watches it to its end. */
static int create_and_wait(struct sb_supervise *s, struct container *c, int sfd,
			   const sigset_t *mask, struct sb_err *err)
{
	struct sb_create made = {
		.rt = s->rt, .dir = s->dir, .report = s->report, .mask = *mask};
	int rc = sb_create(&made, err);

	c->pid = made.pid;
	c->pidfd = made.pidfd;
	c->child = made.child;
	c->begun = &made;
	if (!rc)
		wait_container(s, c, sfd);
	c->begun = NULL;
	return rc;
}

int sb_supervise_signals(sigset_t *mask, struct sb_err *err)
{
	sigset_t all;
	int fd;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, mask);
	fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd >= 0 && !prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
		return fd;
	sb_fail(err, SB_FAIL, "signalfd or subreaper: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

int sb_supervise(struct sb_supervise *s, int *status, struct sb_err *err)
{
	struct container c = {.pid = 0, .pidfd = -1, .init = s->init};
	_cleanup_fd_ int sfd = -1;
	struct sb_err ignored;
	sigset_t mask;
	int rc;

	/* First of all: no signal may be lost or kill us from here on. */
	sfd = sb_supervise_signals(&mask, err);
	if (sfd < 0)
		return -1;
	if (s->terminal)
		sb_tty_release();
	rc = create_and_wait(s, &c, sfd, &mask, err);
	end_processes(&c);
	s->report->ended = sb_report_now();
	*status = s->report->status = final_status(s, &c);
	delete (s, &mask);
	if (!rc)
		sb_report_write(s->dir->fd, s->report, &ignored);
	sb_cleanup_fd(&c.pidfd);
	return rc;
}

void sb_supervise_exit_as(int status)
{
	struct rlimit none = {0, 0};
	sigset_t set;
	int sig = WTERMSIG(status);

	if (!WIFSIGNALED(status))
		_exit(WEXITSTATUS(status));
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0); /* a core_pattern with '|' has no limit */
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(sig);
	_exit(128 + sig);
}
