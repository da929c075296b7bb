/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the child that has become the user does in a step directory. All of it
 * is async-signal-safe, trusts nothing it reads there, and executes nothing.
 */
#ifndef SB_REAP_H
#define SB_REAP_H

#include "asuser.h"

enum sb_keep {
	SB_KEEP_NONE,
	SB_KEEP_ALL,
	SB_KEEP_FAILED, /* SB_FILE_AGAIN alone: the others were not needed */
};

struct sb_reap {
	/* The step's name (job.step.restart); borrowed. */
	const char *name;
	/* The task to end (local id), or one of the below. */
	long task;
	/* Of SB_FILE_DELETE and SB_FILE_AGAIN files: which are kept, in the
	 * directory passed as extra. */
	enum sb_keep keep_deletes;
	int have_extra;
	/* What was generated stays, for somebody to look at. */
	int keep_files;
};

enum {
	SB_REAP_ALL = -1, /* all, and empty the directory */
	/* The containers that tasks share: the tasks have ended. Their own
	 * processes are about to end too, and are killed only if they do not.
	 */
	SB_REAP_SHARED = -2,
	/* The directory is SB_USER_DIR: removes from it all but what a step has
	 * put there. Done where nothing else can be removed, too. */
	SB_REAP_PENDING = -3,
};

enum {
	SB_REAP_DONE = 0,
	/* keep_deletes, there is one, and no extra: nothing was removed yet. */
	SB_REAP_NEEDS_EXTRA = 1,
	/* Something would not go. */
	SB_REAP_LEFT = 2,
};

/*
 * An sb_asuser_fn; arg is a struct sb_reap. Kills what the tasks' reports name
 * and, with SB_REAP_ALL, tells their log lines and empties the directory, never
 * following a link or crossing a mount, making unreadable directories readable
 * first. With keep_files, all of it stays but a writable container's data,
 * which lie elsewhere. What a single task's own process had begun to make for
 * all tasks ends with it, but not what is theirs already. Returns one of the
 * above.
 */
int sb_reap(int dir, int out, void *arg);

/* Removes the directory name below parent with all that is in it, in the same
 * way; only if it is the caller's own. Returns 0, or -1. */
int sb_reap_tree(int parent, const char *name);

#endif
