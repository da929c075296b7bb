/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container by RunTimeCreate and RunTimeStart: from its making to its exact
 * exit status, without polling and without a pipe of ours. */
#ifndef SB_SUPERVISE_H
#define SB_SUPERVISE_H

#include "report.h"
#include "runtime.h"
#include "taskdir.h"

struct sb_supervise {
	struct sb_runtime *rt;
	const struct sb_taskdir *dir;
	struct sb_report *report;
	int init;     /* our init is the container's process */
	int terminal; /* standard input is the step's terminal */
	int parent;   /* pidfd of slurmstepd, to end with it; or -1 */
	/* Out: why what the runtime keeps outside the step directory is still
	 * there; empty: it is not. */
	struct sb_err left;
};

/*
 * Creates the container, starts it, forwards signals to it until its process
 * has ended, kills what is left of it, deletes it. A runtime's word for any of
 * that is not taken: the process is known by a pidfd and ends by it.
 *
 * Returns 0 with the command's wait status in *status; or -1 with err set when
 * it could not be started, and nothing of it is left.
 */
int sb_supervise(struct sb_supervise *s, int *status, struct sb_err *err);

/*
 * Blocks all signals, and lets the orphans of the calling process's children
 * come to it. Returns a signalfd for all signals, the caller's, with the old
 * mask in *mask; or -1 with err set.
 */
int sb_supervise_signals(sigset_t *mask, struct sb_err *err);

/* Ends the calling process as status says: by the same exit code or the same
 * signal (without a core: the command had the chance to leave its own). */
void sb_supervise_exit_as(int status) __attribute__((noreturn));

#endif
