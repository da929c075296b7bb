/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes and starts a container by RunTimeCreate and RunTimeStart, and knows its
 * process. */
#ifndef SB_CREATE_H
#define SB_CREATE_H

#include "../spank/err.h"
#include "report.h"
#include "runtime.h"
#include "taskdir.h"

struct sb_create {
	struct sb_runtime *rt;	      /* borrowed, as the next two */
	const struct sb_taskdir *dir; /* gets the report */
	struct sb_report *report;     /* kept up to date */
	sigset_t mask;		      /* for the runtime and its container */
	pid_t pid;		      /* the container's process; 0: none */
	int pidfd;		      /* owned; -1: none, or Linux < 5.3 */
	int child;		      /* it is a child of the caller's */
	char comm[20]; /* its /proc/PID/comm before RunTimeStart */
};

/*
 * Calls the runtime twice, and where the second call fails RunTimeKill, once.
 * The caller is a subreaper. Returns 0, or -1 with err set; then c->pid, if not
 * 0, may still live. A runtime's word for it is not taken: the process is the
 * one that create left to its subreaper. The caller closes c->pidfd, also after
 * an error.
 */
int sb_create(struct sb_create *c, struct sb_err *err);

/*
 * Waits, for a second at most, until a container that was started can take a
 * signal. Until it has executed its first program the process is the runtime's,
 * which handles signals itself; and what reaches PID 1 of a pid namespace while
 * it neither blocks nor handles it is dropped by the kernel, signal(7). init:
 * the program is our init, which blocks all.
 */
void sb_create_await(const struct sb_create *c, int init);

/*
 * Kills and collects all children that the caller, a subreaper, has by now:
 * whatever a runtime left that did not do what it should. Each one's wait
 * status goes to reaped, unless that is NULL. Waits for a second at most: a
 * process in an uninterruptible wait dies later.
 */
void sb_create_end(void (*reaped)(void *arg, pid_t pid, int status), void *arg);

#endif
