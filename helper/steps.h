/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps that have a directory on this machine. */
#ifndef SB_STEPS_H
#define SB_STEPS_H

#include "../spank/err.h"
#include "../spank/owner.h"
#include "buf.h"

#include <stdint.h>

struct sb_step {
	char *node; /* <ContainerPath>/<node>, owned */
	char name[48];
	uint32_t job, step, restart;
	struct sb_owner owner;
	int dead; /* its slurmstepd surely is */
};

struct sb_steps {
	struct sb_step *v; /* by node, job, step, restart */
	size_t n;
};

/*
 * Finds them by root's records below each node's directory: of uid, or with
 * uid 0 of everybody. path is ContainerPath as the configuration has it, or
 * NULL. Several slurmd may share a machine; where ContainerPath cannot be
 * listed, the one that SLURMD_NODENAME names or that is called as the host is
 * looked for. Returns 0, or -1 with err set. Release with sb_steps_free, also
 * after an error.
 */
int sb_steps_find(struct sb_steps *s, const char *path, uid_t uid,
		  struct sb_err *err);

/* The directories of the machine's nodes, found in the same way: absolute,
 * added to nodes. Returns 0, or -1 with err set. */
int sb_steps_nodes(struct sb_strv *nodes, const char *path, struct sb_err *err);

void sb_steps_free(struct sb_steps *s);

/* The node's name: the last part of its directory; borrowed. */
const char *sb_step_node(const struct sb_step *s);

/* Opens (O_PATH) the step's directory, if it is its owner's. Returns a
 * descriptor, or -1 with errno set. */
int sb_step_open(const struct sb_step *s);

#endif
