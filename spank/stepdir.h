/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Root's side of the step directory: makes it, knows whose it is, has it
 * emptied by a child that has become the user, and removes it. Root opens
 * nothing in it.
 *
 *   <ContainerPath>/                   root, 0755
 *   <ContainerPath>/<node>/            root, 0711
 *     <job>.<step>.<restart>/          the user's, 0700: the step directory
 *     .owner/<job>.<step>.<restart>    root's: who made it (owner.h)
 *     .trash/<job>.<step>.<restart>.*  what would not go; tried again later
 *     .kept/<job>.<step>.<restart>     the record of one that stays, empty
 *                                      of processes (DisableCleanup)
 *     user.<uid>/                      see contract.h, only while needed
 */
#ifndef SB_STEPDIR_H
#define SB_STEPDIR_H

#include "asuser.h"
#include "err.h"

#include <stdint.h>

struct sb_stepdir {
	int node;      /* <ContainerPath>/<node>, O_PATH */
	int fd;	       /* the step directory, O_PATH; -1: none */
	char name[48]; /* <job>.<step>.<restart> */
};

/*
 * Opens <path>/<node>, making what is missing (root's) if create. Every
 * directory on the way must be root's and writable by root alone. Returns an
 * O_PATH descriptor, or -1 with err set; errno is ENOENT where it is missing.
 */
int sb_stepdir_open_node(const char *path, const char *node, int create,
			 struct sb_err *err);

/*
 * Makes the step directory for user and records the calling slurmstepd as its
 * owner. One that an earlier, dead slurmstepd left under the same name goes to
 * the trash first. Returns 0, or -1 with err set and nothing left behind.
 * sd->node must be open; the caller closes sd->fd.
 */
int sb_stepdir_make(struct sb_stepdir *sd, uint32_t job, uint32_t step,
		    uint32_t restart, const struct sb_user *user,
		    struct sb_err *err);

/*
 * Ends what the step directory's reports name, empties it and removes it and
 * its record. keep_deletes: a task died by a signal, so its runtime may not
 * have cleaned up after itself. What resists goes to the trash. text as in
 * sb_asuser: the reports' log lines. Returns 0, or -1 if something was left
 * (text says what).
 */
int sb_stepdir_remove(struct sb_stepdir *sd, const struct sb_user *user,
		      int keep_deletes, char *text);

/*
 * DisableCleanup: the same, but what is in the step directory stays there, and
 * the directory, until sb_stepdir_unkeep. A step of the same name puts it to
 * the trash. Returns 0, or -1 where something in it does not end.
 */
int sb_stepdir_keep(struct sb_stepdir *sd, const struct sb_user *user,
		    int keep_deletes, char *text);

/* Makes what was kept of job (0: of any) what a dead slurmstepd left, for
 * sb_stepdir_sweep to remove. */
void sb_stepdir_unkeep(int node, uint32_t job);

/* What became of a directory. */
enum {
	SB_STEPDIR_GONE,
	SB_STEPDIR_LEFT, /* something of it resists: tried again later */
	SB_STEPDIR_KEPT,
};

/* Of so many users something may take too long, then a sweep is over. */
#define SB_SWEEP_USERS 16

/* A sweep, of one node directory or of many in turn. */
struct sb_sweep {
	uint32_t job;  /* its steps alone; 0: of any */
	int keep;      /* as sb_stepdir_keep does, leaves the directories */
	long long end; /* of sb_now_ms(): then it is over; 0: no such */
	/* Called for each one that was dealt with. */
	void (*found)(const char *name, int became, const char *text);
	/* The sweep's own: users something of whom took too long. */
	uid_t slow[SB_SWEEP_USERS];
	int nslow;
	/* How many were left for later, theirs or for want of time; the latter
	 * are not all counted. */
	int skipped;
};

/*
 * Removes what dead slurmstepds left below node: step directories, then trash.
 * When a user's takes too long, his others are skipped.
 * Directories of a live slurmstepd, or of one whose pid cannot be judged from
 * here (another pid namespace), stay.
 */
void sb_stepdir_sweep(int node, struct sb_sweep *s);

/*
 * Calls fn for each directory that fits the glob(7) pattern, absolute, with no
 * other on the way than such as sb_stepdir_open_node would take: nothing that a
 * user may have mounted is looked at.
 */
void sb_stepdir_each(const char *pattern, void (*fn)(void *arg, char *path),
		     void *arg);

/*
 * Removes <path>/<node>, and so many (levels) of the directories above, as far
 * as they are empty. Whoever makes a step directory at the same time may find
 * one missing (ENOENT), and begins again.
 */
void sb_stepdir_prune(const char *path, const char *node, int levels);

#endif
