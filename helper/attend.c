/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands before a child that has entered a container. */
#define _GNU_SOURCE
#include "attend.h"

#include "../spank/contract.h"
#include "fdio.h"
#include "mem.h"
#include "tty.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>

enum { SIGNALS, CONTAINER, MASTER, INPUT, OUTPUT, POLLED };

/* What was read from one side and not yet taken by the other. */
struct queue {
	char text[16384];
	size_t from, to;
};

struct talk {
	struct sb_attend *a;
	struct pollfd p[POLLED];
	struct termios before; /* if raw */
	int own;	       /* it has a terminal of its own */
	int raw;
	int in_line;	      /* what was typed last did not end a line */
	int typing, printing; /* there may be more */
	struct queue typed, printed;
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

static int has_some(const struct queue *q)
{
	return q->from < q->to;
}

/* Returns 0 where there is nothing more to come. */
static int fill(struct queue *q, int fd)
{
	ssize_t n = read(fd, q->text, sizeof(q->text));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 1;
	q->from = 0;
	q->to = n > 0 ? n : 0;
	return n > 0;
}

/* Returns -1 where nobody takes it any more. */
static int drain(struct queue *q, int fd)
{
	ssize_t n = write(fd, q->text + q->from, q->to - q->from);

	if (n > 0)
		q->from += n;
	return n < 0 && errno != EAGAIN && errno != EINTR ? -1 : 0;
}

static void stop_typing(struct talk *t)
{
	t->typing = 0;
	t->typed.from = t->typed.to;
}

/* EIO: nobody has the terminal open any more, to type to either. */
static void take_output(struct talk *t)
{
	t->printing = fill(&t->printed, t->a->master);
	if (!t->printing)
		stop_typing(t);
}

/* Without a reader of its output the program hangs up, as after ssh. */
static void pass_output(struct talk *t)
{
	if (!drain(&t->printed, STDOUT_FILENO))
		return;
	t->printed.from = t->printed.to;
	t->printing = 0;
	stop_typing(t);
	sb_cleanup_fd(&t->a->master);
	t->a->master = -1;
}

static void take_input(struct talk *t)
{
	struct queue *q = &t->typed;

	t->typing = fill(q, STDIN_FILENO);
	if (has_some(q))
		t->in_line = !memchr("\n\r\4", q->text[q->to - 1], 3);
	if (t->typing)
		return;
	/* The end of a file or pipe is what ^D is on a terminal; within a line
	 * the first one ends that alone. */
	memcpy(q->text, "\4\4", 2);
	q->from = 0;
	q->to = t->in_line ? 2 : 1;
}

/* The master takes no more than its program reads: never waited for, since
 * that one may wait for us to take its output. */
static void pass_input(struct talk *t)
{
	if (drain(&t->typed, t->a->master) < 0)
		t->typed.from = t->typed.to;
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
		if (!t->own)
			sb_tty_stop_too(WSTOPSIG(status));
	}
}

static void take_signal(struct talk *t, const struct signalfd_siginfo *si)
{
	if (si->ssi_signo == SIGCHLD)
		return reap(t);
	/* Of our own making: an error of write(2). */
	if (si->ssi_signo == SIGPIPE && (pid_t)si->ssi_pid == getpid())
		return;
	if (t->own && (si->ssi_signo == SIGWINCH || si->ssi_signo == SIGCONT)) {
		make_raw(t);
		return copy_size(t->a);
	}
	/* A terminal's signals go to the child too, if it shares ours. */
	if (!t->own && si->ssi_code == SI_KERNEL && isatty(STDIN_FILENO))
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

/* Whom to wait for. A descriptor from which nothing is wanted is left out: its
 * hangup would be told again and again. */
static void expect(struct talk *t)
{
	int output = t->printing && !has_some(&t->printed) ? POLLIN : 0;
	int input = has_some(&t->typed) ? POLLOUT : 0;

	t->p[MASTER].events = output | input;
	t->p[MASTER].fd = output | input ? t->a->master : -1;
	t->p[INPUT].fd = t->typing && !input ? STDIN_FILENO : -1;
	t->p[OUTPUT].fd = has_some(&t->printed) ? STDOUT_FILENO : -1;
}

static void step(struct talk *t)
{
	expect(t);
	if (poll(t->p, POLLED, -1) < 0)
		return;
	if (t->p[SIGNALS].revents)
		take_signals(t);
	if (t->p[CONTAINER].revents) {
		t->p[CONTAINER].fd = -1;
		kill(t->a->child, SIGKILL);
	}
	if (t->p[MASTER].events & POLLIN &&
	    t->p[MASTER].revents & (POLLIN | POLLHUP | POLLERR))
		take_output(t);
	if (t->p[MASTER].revents & (POLLOUT | POLLHUP | POLLERR) &&
	    has_some(&t->typed))
		pass_input(t);
	if (t->p[INPUT].revents)
		take_input(t);
	if (t->p[OUTPUT].revents)
		pass_output(t);
}

/* What it wrote last. Others that have the terminal are not waited for; nor, if
 * a signal comes, is a reader that does not read. */
static void finish_output(struct talk *t)
{
	struct pollfd p[2] = {{.fd = t->a->signals, .events = POLLIN},
			      {.fd = STDOUT_FILENO, .events = POLLOUT}};
	struct pollfd master = {.fd = t->a->master, .events = POLLIN};
	struct signalfd_siginfo si;

	for (;;) {
		if (!has_some(&t->printed)) {
			if (!t->printing || poll(&master, 1, 0) <= 0)
				return;
			take_output(t);
			continue;
		}
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents)
			pass_output(t);
		else if (read(t->a->signals, &si, sizeof(si)) == sizeof(si) &&
			 si.ssi_signo != SIGCHLD)
			return;
	}
}

int sb_attend(struct sb_attend *a)
{
	struct talk t = {.a = a};

	t.own = t.typing = t.printing = a->master >= 0;
	t.p[SIGNALS] = (struct pollfd){.fd = a->signals, .events = POLLIN};
	t.p[CONTAINER] = (struct pollfd){.fd = a->container, .events = POLLIN};
	t.p[INPUT].events = POLLIN;
	t.p[OUTPUT].events = POLLOUT;
	make_raw(&t);
	/* It may have ended before SIGCHLD was there to be read. */
	reap(&t);
	while (!t.ended)
		step(&t);
	finish_output(&t);
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
