/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What it takes to get into a container that is there: its namespaces, and what
 * the init is told, through which whoever has entered becomes the command. */
#ifndef SB_ENTER_H
#define SB_ENTER_H

#include "../spank/err.h"
#include "buf.h"

#include <sys/types.h>

/* Kinds of namespaces, but for the user namespaces. */
enum {
	SB_SPACE_IPC,
	SB_SPACE_UTS,
	SB_SPACE_NET,
	SB_SPACE_CGROUP,
	SB_SPACE_PID,
	SB_SPACE_MNT, /* the last to be entered */
	SB_SPACES
};

#define SB_SPACE_ANY ((1 << SB_SPACES) - 1)

/* Namespaces as descriptors; -1: not to be entered. */
struct sb_spaces {
	/* The user namespace that owns the others: the one that the runtime
	 * ran in. */
	int outer;
	int fd[SB_SPACES];
	/* The user namespace of the container's process, if that is another:
	 * the one in which the user is himself. The init enters it: in there he
	 * has no capability left after an execve(2). */
	int inner;
};

#define SB_SPACES_NONE                                                         \
	{                                                                      \
		-1, {-1, -1, -1, -1, -1, -1}, -1                               \
	}

/*
 * Opens those of the process pid that are not the caller's own, of the kinds
 * given (bits), which have SB_SPACE_MNT. Returns 0; 1 where the process that
 * began at start has ended; or -1 with err set. Release with sb_spaces_close,
 * also after an error.
 */
int sb_spaces_open(struct sb_spaces *s, pid_t pid, unsigned long long start,
		   unsigned int kinds, struct sb_err *err);

/*
 * Enters the outer one, if it was not entered, and those of the kinds given. A
 * pid namespace holds for children to come. Returns 0, or -1 with err set.
 */
int sb_spaces_enter(struct sb_spaces *s, unsigned int kinds,
		    struct sb_err *err);

void sb_spaces_close(struct sb_spaces *s);

/*
 * The process that is in the mount namespace mnt (a descriptor) for pid: pid
 * itself, or a child or grandchild of it, as of a runtime's exec, which stays
 * outside. Returns its pid, and when it began in *start; 0: there is none.
 */
pid_t sb_enter_inside(int mnt, pid_t pid, unsigned long long *start);

/* What the init is told (init.c, -x), beside what holds for all of a container;
 * all borrowed. */
struct sb_entry {
	const char *init;	   /* where it is */
	const char *where;	   /* "node n1, task 0", for its messages */
	const char *cwd, *workdir; /* one of them, or none */
	int quiet, terminal;	   /* -q, -t */
	int identify;		   /* to be uid and gid, in place of root */
	uid_t uid;
	gid_t gid;
	int inner;		     /* the inner namespace; -1: none */
	const struct sb_strv *words; /* for all of the container */
};

/* Adds them to args, up to where the command follows. Returns 0, or -1 with err
 * set. */
int sb_entry_words(const struct sb_entry *e, struct sb_strv *args,
		   struct sb_err *err);

#endif
