/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands before a child that has entered a container. */
#define _GNU_SOURCE
#include "attend.h"

#include "../spank/contract.h"
#include "fdio.h"
#include "mem.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>

enum { SIGNALS, CONTAINER, MASTER, INPUT, POLLED };

struct talk {
	struct sb_attend *a;
	struct pollfd p[POLLED];
	struct termios before; /* if raw */
	int raw;
	char typed[4096]; /* not yet taken by the master */
	size_t from, to;
	int ended, status;
};

int sb_attend_block(struct sb_attend *a, struct sb_err *err)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &a->mask);
	/* Inherited as ignored, it would hide the child's end. */
	signal(SIGCHLD, SIG_DFL);
	a->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	return a->signals < 0
		       ? sb_fail(err, SB_FAIL, "signalfd: %s", strerror(errno))
		       : 0;
}

/* ---- the terminal ---- */

static void copy_size(const struct sb_attend *a)
{
	struct winsize size;

	if (!ioctl(STDIN_FILENO, TIOCGWINSZ, &size) ||
	    !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		ioctl(a->master, TIOCSWINSZ, &size);
}

int sb_attend_terminal(struct sb_attend *a, pid_t pid, int *slave,
		       struct sb_err *err)
{
	_cleanup_fd_ int root = -1;
	char path[32];
	int unlock = 0;

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root >= 0)
		a->master = sb_fdio_open_in_root(root, "/dev/pts/ptmx",
						 O_RDWR | O_NOCTTY | O_CLOEXEC |
							 O_NONBLOCK);
	if (a->master < 0 || ioctl(a->master, TIOCSPTLCK, &unlock) < 0)
		return sb_fail(err, SB_FAIL,
			       "no terminal from /dev/pts/ptmx of the "
			       "container: %s",
			       strerror(errno));
	*slave = ioctl(a->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*slave < 0)
		return sb_fail(err, SB_FAIL, "terminal: %s", strerror(errno));
	copy_size(a);
	return 0;
}

static void make_raw(struct talk *t)
{
	struct termios raw;

	if (t->a->master < 0 || (!t->raw && tcgetattr(0, &t->before) < 0))
		return;
	raw = t->before;
	cfmakeraw(&raw);
	t->raw = !tcsetattr(0, TCSANOW, &raw);
}

/* Returns whether there may be more. */
static int take_output(struct talk *t)
{
	char buf[16384];
	ssize_t n = read(t->a->master, buf, sizeof(buf));

	if (n > 0)
		return !sb_fdio_write_all(STDOUT_FILENO, buf, n);
	/* EIO: nobody has the terminal open any more. */
	return n < 0 && (errno == EINTR || errno == EAGAIN);
}

static void take_input(struct talk *t)
{
	ssize_t n = read(STDIN_FILENO, t->typed, sizeof(t->typed));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	t->from = 0;
	t->to = n > 0 ? n : 1;
	if (n > 0)
		return;
	/* The end of a file or pipe is what ^D is on a terminal. */
	t->typed[0] = 4;
	t->p[INPUT].fd = -1;
}

/* The master takes no more than its program reads: never waited for, since
 * that one may wait for us to take its output. */
static void pass_input(struct talk *t)
{
	ssize_t n = write(t->a->master, t->typed + t->from, t->to - t->from);

	if (n > 0)
		t->from += n;
	else if (errno != EAGAIN && errno != EINTR)
		t->from = t->to;
}

/* ---- signals ---- */

static void reap(struct talk *t)
{
	int status;

	while (waitpid(t->a->child, &status, WNOHANG | WUNTRACED) > 0) {
		if (!WIFSTOPPED(status)) {
			t->status = status;
			t->ended = 1;
			return;
		}
		/* Whoever started us is to see that. */
		if (t->a->master < 0)
			raise(SIGSTOP);
	}
}

static void take_signal(struct talk *t, const struct signalfd_siginfo *si)
{
	int own = t->a->master >= 0;

	if (si->ssi_signo == SIGCHLD)
		return reap(t);
	if (own && (si->ssi_signo == SIGWINCH || si->ssi_signo == SIGCONT)) {
		make_raw(t);
		return copy_size(t->a);
	}
	/* A terminal's signals go to the child too, if it shares ours. */
	if (!own && si->ssi_code == SI_KERNEL && isatty(STDIN_FILENO))
		return;
	kill(t->a->child, si->ssi_signo);
}

static void take_signals(struct talk *t)
{
	struct signalfd_siginfo si;

	while (!t->ended && read(t->a->signals, &si, sizeof(si)) == sizeof(si))
		take_signal(t, &si);
}

/* ---- the whole ---- */

static void step(struct talk *t)
{
	int pending = t->from < t->to;

	t->p[MASTER].events = POLLIN | (pending ? POLLOUT : 0);
	t->p[INPUT].events = pending ? 0 : POLLIN;
	if (poll(t->p, POLLED, -1) < 0)
		return;
	if (t->p[SIGNALS].revents)
		take_signals(t);
	if (t->p[CONTAINER].revents) {
		t->p[CONTAINER].fd = -1;
		kill(t->a->child, SIGKILL);
	}
	if (t->p[MASTER].revents & (POLLIN | POLLHUP | POLLERR) &&
	    !take_output(t))
		t->p[MASTER].fd = -1;
	if (t->p[MASTER].revents & POLLOUT)
		pass_input(t);
	if (!pending && t->p[INPUT].revents)
		take_input(t);
}

int sb_attend(struct sb_attend *a)
{
	struct talk t = {.a = a};

	t.p[SIGNALS] = (struct pollfd){.fd = a->signals, .events = POLLIN};
	t.p[CONTAINER] = (struct pollfd){.fd = a->container, .events = POLLIN};
	t.p[MASTER] = (struct pollfd){.fd = a->master};
	t.p[INPUT] = (struct pollfd){.fd = a->master < 0 ? -1 : STDIN_FILENO};
	make_raw(&t);
	/* It may have ended before SIGCHLD was there to be read. */
	reap(&t);
	while (!t.ended)
		step(&t);
	/* What it wrote last; others that have the terminal are not waited for.
	 */
	for (int more = t.p[MASTER].fd >= 0; more;) {
		struct pollfd p = {.fd = a->master, .events = POLLIN};

		more = poll(&p, 1, 0) > 0 && take_output(&t);
	}
	if (t.raw)
		tcsetattr(0, TCSANOW, &t.before);
	return t.status;
}

void sb_attend_close(struct sb_attend *a)
{
	sb_cleanup_fd(&a->container);
	sb_cleanup_fd(&a->master);
	sb_cleanup_fd(&a->signals);
	a->container = a->master = a->signals = -1;
}
