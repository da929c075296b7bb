/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ContainerPath: where step directories are, a pattern of oci.conf(5). Root
 * makes what it says, so of that grammar's letters it has those whose values no
 * user writes.
 */
#ifndef SB_PLACE_H
#define SB_PLACE_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Whose place; all borrowed. */
struct sb_place {
	const char *node; /* %n; NULL: any */
	uint32_t job;	  /* %j; 0: any, and of any user and step */
	/* Not NULL: the rest is known too. */
	const char *user; /* %u */
	uint32_t step;	  /* %s */
	uid_t uid;	  /* %U */
};

/*
 * Checks a pattern: absolute, with the letters %%, %n, %j, %s, %u, %U, and %t,
 * before whose component it ends, as Slurm cuts it for a step's directory
 * (26.05, src/slurmd/slurmstepd/container.c, _generate_spooldir()): each task
 * has a directory of its own below that anyway. Returns 0, or -1 with err set.
 */
int sb_place_check(const char *pattern, struct sb_err *err);

/* Whether pattern has the letter. */
int sb_place_has(const char *pattern, char letter);

/* Whether the place depends on more than the node. */
int sb_place_varies(const char *pattern);

/* Writes the place of a step, of which all is known, to dst. Returns 0, or -1
 * with err set: too long, a user's name that cannot be a directory's. */
int sb_place_expand(char *dst, size_t size, const char *pattern,
		    const struct sb_place *of, struct sb_err *err);

/* How many directories of place, which pattern stands for, are not the same for
 * all: the last of it, which go when nothing is in them any more. */
int sb_place_levels(const char *pattern, const char *place);

/*
 * Writes a glob(7) pattern of all places that fit what is known of them to dst,
 * with /NODE behind: what holds the nodes' directories. Returns 0, or -1 where
 * it is too long.
 */
int sb_place_glob(char *dst, size_t size, const char *pattern,
		  const struct sb_place *of);

#endif
