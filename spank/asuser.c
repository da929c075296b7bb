/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A child that becomes the user. */
#define _GNU_SOURCE
#include "asuser.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	FD_DIR = 3,
	FD_OUT = 4,
	FD_EXTRA = SB_ASUSER_EXTRA,
	FD_END,
};

static void close_from(int first)
{
	struct rlimit lim;

	if (!syscall(__NR_close_range, first, ~0U, 0))
		return;
	if (getrlimit(RLIMIT_NOFILE, &lim) < 0 || lim.rlim_cur > 65536)
		lim.rlim_cur = 65536;
	for (int fd = first; fd < (int)lim.rlim_cur; fd++)
		close(fd);
}

/* Lays the descriptors out; through high numbers, so that none is lost. */
static int arrange(int dir, int out, int extra)
{
	int d = fcntl(dir, F_DUPFD, FD_END), o = fcntl(out, F_DUPFD, FD_END);
	int e = extra < 0 ? -1 : fcntl(extra, F_DUPFD, FD_END);

	if (d < 0 || o < 0 || (extra >= 0 && e < 0) || dup2(d, FD_DIR) < 0 ||
	    dup2(o, FD_OUT) < 0 || (e >= 0 && dup2(e, FD_EXTRA) < 0))
		return -1;
	close_from(e >= 0 ? FD_EXTRA + 1 : FD_EXTRA);
	for (int fd = 0; fd < FD_DIR; fd++)
		close(fd);
	return 0;
}

/*
 * The plain system calls, not glibc's wrappers: those would make every thread
 * follow and take locks for it, and the child of a fork has one thread only.
 */
static int become(const struct sb_user *u)
{
	uid_t r, e, s;

	if (syscall(SYS_setgroups, u->ngroups, u->groups) < 0 ||
	    syscall(SYS_setresgid, u->gid, u->gid, u->gid) < 0 ||
	    syscall(SYS_setresuid, u->uid, u->uid, u->uid) < 0)
		return -1;
	if (syscall(SYS_getresuid, &r, &e, &s) < 0 || r != u->uid ||
	    e != u->uid || s != u->uid)
		return -1;
	if (syscall(SYS_getresgid, &r, &e, &s) < 0 || r != u->gid ||
	    e != u->gid || s != u->gid)
		return -1;
	if (prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return chdir("/");
}

static void child(const struct sb_user *user, int dir, int out, int extra,
		  sb_asuser_fn *fn, void *arg)
{
	struct sigaction ign = {.sa_handler = SIG_IGN};

	/* slurmstepd's own signal handlers must not run here; a reader that
	 * has gone away is no reason to leave the work half done. */
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigaction(SIGPIPE, &ign, NULL);
	if (arrange(dir, out, extra) < 0 || become(user) < 0)
		_exit(SB_CHILD_LOST);
	_exit(fn(FD_DIR, FD_OUT, arg));
}

long long sb_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Reads to the end of file: the child holds the other end until it has ended
 * and forks no other. Returns 0, or -1 when the deadline has passed. */
static int listen_to(int fd, long long deadline, char *text)
{
	size_t fill = 0;
	char rest[256];

	for (;;) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};
		long long left = deadline - sb_now_ms();
		int room = fill < SB_REPORT_MAX;
		ssize_t n;
		int rc = left <= 0 ? 0 : poll(&pfd, 1, left);

		if (!rc)
			return -1;
		if (rc < 0)
			continue; /* EINTR: a read here could wait for ever */
		n = read(fd, room ? text + fill : rest,
			 room ? SB_REPORT_MAX - fill : sizeof(rest));
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return 0;
		if (room)
			fill += n;
		text[fill] = '\0';
	}
}

/* Takes the child's status; of a killed one only if it comes soon. In an
 * uninterruptible wait (a dead NFS server) SIGKILL takes effect later, and
 * slurmstepd must not wait with it. */
static pid_t collect(pid_t pid, int late, int *status)
{
	struct timespec nap = {.tv_nsec = 10000000};
	pid_t done;

	for (int tries = 0; tries < SB_ASUSER_LATE_MS / 10; tries++) {
		done = waitpid(pid, status, late ? WNOHANG : 0);
		if (done == pid || (done < 0 && errno != EINTR))
			return done;
		if (late)
			nanosleep(&nap, NULL);
		else
			tries = 0;
	}
	return 0;
}

int sb_asuser(const struct sb_user *user, int dir, int extra, sb_asuser_fn *fn,
	      void *arg, int ms, char *text)
{
	sigset_t all, old;
	int out[2], status, late;
	pid_t pid, done;

	text[0] = '\0';
	if (pipe2(out, O_CLOEXEC) < 0) {
		snprintf(text, SB_REPORT_MAX, "pipe: %s", strerror(errno));
		return -1;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (!pid)
		child(user, dir, out[1], extra, fn, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	close(out[1]);
	if (pid < 0) {
		snprintf(text, SB_REPORT_MAX, "fork: %s", strerror(errno));
		close(out[0]);
		return -1;
	}
	late = listen_to(out[0], sb_now_ms() + ms, text);
	close(out[0]);
	if (late)
		kill(pid, SIGKILL);
	done = collect(pid, late, &status);
	if (done == pid && WIFEXITED(status) && !late)
		return WEXITSTATUS(status);
	if (late)
		snprintf(text, SB_REPORT_MAX, "given up after %d.%d s",
			 ms / 1000, ms / 100 % 10);
	else if (!text[0])
		snprintf(text, SB_REPORT_MAX, "the child was killed");
	return -1;
}
