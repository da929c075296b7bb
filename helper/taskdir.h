/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The task's directory below the step directory: the bundle copy that the
 * runtime gets (%b), the report, and the box that the container sees. */
#ifndef SB_TASKDIR_H
#define SB_TASKDIR_H

#include "../spank/err.h"

#define SB_BOX "box"
/* In the box: places to mount on, and where the init leaves a wait status. */
#define SB_BOX_INIT "init"
#define SB_BOX_SCRIPT "slurm_script"
#define SB_BOX_STATUS "status"

struct sb_taskdir {
	int step_fd; /* the step directory */
	int fd;	     /* <step directory>/task-<id> */
	char *step;  /* absolute paths of both */
	char *path;
	int temporary; /* made by us: a run by hand */
};

/*
 * Opens the step directory (NULL: makes one below XDG_RUNTIME_DIR or /tmp),
 * which must be the caller's own, and makes the task's directory with its box
 * in it. Returns 0, or -1 with err set. Release with sb_taskdir_close.
 */
int sb_taskdir_open(struct sb_taskdir *t, const char *step, unsigned int task,
		    struct sb_err *err);

/* Closes it; a temporary one is removed first. */
void sb_taskdir_close(struct sb_taskdir *t);

/* Whether text is said for the first time in this step on this node: with 64
 * tasks that fail alike, one line is enough. */
int sb_taskdir_first(const struct sb_taskdir *t, const char *text);

#endif
