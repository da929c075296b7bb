/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The task's directory below the step directory: the bundle copy that the
 * runtime gets (%b), the report, and what the init tells the helper. */
#ifndef SB_TASKDIR_H
#define SB_TASKDIR_H

#include "../spank/err.h"

/* Where the init leaves the command's wait status. */
#define SB_TASKDIR_STATUS "status"

struct sb_taskdir {
	int step_fd; /* the step directory */
	int fd;	     /* <step directory>/task-<id>, or a container's; or -1 */
	char *step;  /* absolute paths of both */
	char *path;
	int temporary; /* made by us: a run by hand */
	int lock;      /* held by whom a temporary one is in use; or -1 */
	int keep;      /* DisableCleanup: a temporary one stays */
};

#define SB_TASKDIR_NONE                                                        \
	{                                                                      \
		.step_fd = -1, .fd = -1, .lock = -1                            \
	}

/*
 * Opens the step directory, which must be the caller's own. NULL: makes one
 * below XDG_RUNTIME_DIR or /tmp, and removes those of the caller's there that
 * others like it, which were killed, have left. Returns 0, or -1 with err set.
 * Release with sb_taskdir_close.
 */
int sb_taskdir_step(struct sb_taskdir *t, const char *step, struct sb_err *err);

/* Makes the directory of task, or if shared, that of the container which task
 * makes for all on this node; and opens it. Returns 0, or -1 with err set. */
int sb_taskdir_make(struct sb_taskdir *t, unsigned int task, int shared,
		    struct sb_err *err);

/* Both: the step directory, and the task's own. */
int sb_taskdir_open(struct sb_taskdir *t, const char *step, unsigned int task,
		    struct sb_err *err);

/* Makes an empty file in it. Returns 0, or -1 with err set. */
int sb_taskdir_touch(const struct sb_taskdir *t, const char *name,
		     struct sb_err *err);

/* Lets a temporary one stay, for somebody to look at. */
void sb_taskdir_keep(struct sb_taskdir *t);

/* Closes it; a temporary one is removed first, but with keep. */
void sb_taskdir_close(struct sb_taskdir *t);

/* Whether text is said for the first time in this step on this node: with 64
 * tasks that fail alike, one line is enough. */
int sb_taskdir_first(const struct sb_taskdir *t, const char *text);

#endif
