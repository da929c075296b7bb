/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which task of a step has the container made that all of its tasks on the node
 * share: the first one, and when it dies, another.
 */
#ifndef SB_SHARE_H
#define SB_SHARE_H

#include "../spank/err.h"
#include "taskdir.h"

enum sb_share_state {
	SB_SHARE_MAKE,	 /* make it, and call sb_share_publish */
	SB_SHARE_READY,	 /* enter it: name */
	SB_SHARE_TASK,	 /* each task has its own */
	SB_SHARE_FAILED, /* it cannot be had, and that was said: code */
};

struct sb_share {
	int dir;       /* the step directory; borrowed */
	int lock;      /* owned; -1: not held */
	char name[40]; /* the container's directory, below the step's */
	int maker;     /* the process that made it: a task may make two */
	int code;
};

/*
 * Finds out what became of it; waits while another task makes it. A lock tells
 * the maker from the others: the kernel releases it when he dies. Returns 0
 * with the state in *state, or -1 with err set. With SB_SHARE_MAKE the lock is
 * held. Release with sb_share_close.
 */
int sb_share_find(struct sb_share *s, enum sb_share_state *state,
		  struct sb_err *err);

/* Tells the others; state is one of the latter three, of which READY and
 * FAILED take s->name and s->code. Returns 0, or -1 with err set; then it is
 * FAILED for the others, as far as they could be told. That a failure cannot be
 * written down is no other failure. */
int sb_share_publish(struct sb_share *s, enum sb_share_state state,
		     struct sb_err *err);

/*
 * The container that was READY has ended: unless another has been made
 * meanwhile, the caller is to make one. As sb_share_find.
 */
int sb_share_again(struct sb_share *s, enum sb_share_state *state,
		   struct sb_err *err);

void sb_share_close(struct sb_share *s);

#endif
