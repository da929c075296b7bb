/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The containers in a step's directory: what their reports say, and what of
 * that is true. All of it is the user's word: read as the user, and what is
 * said of processes is compared with /proc.
 */
#ifndef SB_CONTAINERS_H
#define SB_CONTAINERS_H

#include "../spank/err.h"

#include <limits.h>
#include <sys/types.h>

/* A task in a container. */
struct sb_ctask {
	unsigned int task, rank; /* local and global id */
	/* Its process, or of a container of its own the container's; 0: it has
	 * ended, or is not there yet. */
	pid_t pid;
	unsigned long long start;
	/* The process that is in the container for it, where pid, of a
	 * runtime's exec, is not; else pid. */
	pid_t inside;
	unsigned long long inside_start;
	int stopped;	 /* suspended */
	long long since; /* seconds since 1970 */
};

struct sb_container {
	char name[40]; /* of its directory, below the step's */
	int shared;
	/* As they were reported, escaped for people; "" where nothing was. */
	char runtime[32], mode[16], bundle[4 * PATH_MAX];
	long long since; /* seconds since 1970; 0: unknown */
	/* Its own process, and of one that is no slurmstepd's child whatever
	 * serves it (the helper, the runtime); 0: none lives. */
	pid_t pid, server;
	unsigned long long start, server_start;
	int has_status, status; /* wait status, if it was seen */
	int init;		/* its own process is our init */
	struct sb_ctask *tasks; /* owned; by rank. Of a shared one those that
				   have entered, else exactly one */
	size_t n;
};

/*
 * Calls fn for each container in dir, by name; c is released afterwards. Stops
 * if fn returns other than 0. Returns what fn did last, or -1 with err set.
 */
int sb_containers_each(int dir,
		       int (*fn)(const struct sb_container *c, void *arg),
		       void *arg, struct sb_err *err);

/* A copy of c, whose tasks the caller frees. Returns 0, or -1: no memory. */
int sb_container_copy(struct sb_container *to, const struct sb_container *c);

/* Whether it, a task, or what serves it lives. */
int sb_container_lives(const struct sb_container *c);

#endif
