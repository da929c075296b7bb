/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The task's report: what the plugin must end, and one line for the log. */
#ifndef SB_REPORT_H
#define SB_REPORT_H

#include "../spank/err.h"

#include <sys/types.h>

/* Of a runtime that is no OCI runtime. */
#define SB_REPORT_DIRECT "direct"

struct sb_report {
	const char *runtime; /* Runtime=, or the program's name; borrowed */
	const char *how;     /* "run", "create" or SB_REPORT_DIRECT */
	const char *bundle;  /* its path; NULL: not known yet; borrowed */
	unsigned int task;   /* local id */
	unsigned int rank;   /* global id */
	unsigned int shared; /* so many tasks share it; 0: it is one task's */
	pid_t pid;	     /* the process that is or serves the task; or 0 */
	pid_t container;     /* the container's, where it is known; else 0 */
	long long began;     /* sb_report_now at the helper's start */
	long long prepared;  /* nanoseconds; 0: not there yet */
	long long created, started, ended;
	int status; /* wait status, once ended */
	int init;   /* the container's process is our init */
};

/* CLOCK_MONOTONIC in nanoseconds. */
long long sb_report_now(void);

/* The report's line for the log, without what it begins with there: which task,
 * how, and its phases with their milliseconds. */
void sb_report_line(const struct sb_report *r, char *text, size_t size);

/* Writes the report to the task's directory, whole. Returns 0, or -1 with err
 * set. */
int sb_report_write(int taskdir, const struct sb_report *r, struct sb_err *err);

#endif
