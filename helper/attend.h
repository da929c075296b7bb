/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands before a child that has entered a container: passes on its signals,
 * its end, and what goes to and from a terminal of its own. */
#ifndef SB_ATTEND_H
#define SB_ATTEND_H

#include "../spank/err.h"

#include <signal.h>
#include <sys/types.h>

/* Start with SB_ATTEND_NONE. */
struct sb_attend {
	pid_t child;
	int container; /* pidfd of the container's process, with which the child
			* ends; -1: none */
	int master;    /* the child's terminal; -1: it has the caller's */
	int signals;   /* a signalfd, from sb_attend_block */
	sigset_t mask; /* the child's signal mask, likewise */
};

#define SB_ATTEND_NONE                                                         \
	{                                                                      \
		.container = -1, .master = -1, .signals = -1                   \
	}

/* Blocks all signals, before the child is made: none is lost, and none ends us.
 * Returns 0, or -1 with err set. */
int sb_attend_block(struct sb_attend *a, struct sb_err *err);

/*
 * Opens a new terminal of the devpts that pid, a container's process, has at
 * /dev/pts; as large as the caller's. Sets a->master and *slave, which the
 * caller closes. Source: pty(7), ioctl_tty(2), TIOCGPTPEER. Returns 0, or -1
 * with err set.
 */
int sb_attend_terminal(struct sb_attend *a, pid_t pid, int *slave,
		       struct sb_err *err);

/*
 * Waits until the child has ended. With a terminal of its own the caller's, if
 * standard input is one, is raw meanwhile. Without, whoever stops the child
 * stops the caller too. Returns the child's wait status.
 */
int sb_attend(struct sb_attend *a);

void sb_attend_close(struct sb_attend *a);

#endif
