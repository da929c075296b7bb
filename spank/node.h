/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This node's name as slurmd has it (slurmd -N); never a user's word. */
#ifndef SB_NODE_H
#define SB_NODE_H

#include <stddef.h>

/* In slurmstepd and in the epilog. The string is static. */
const char *sb_node_name(void);

/* In slurmd itself. The string is static. */
const char *sb_node_of_slurmd(void);

/*
 * Sets name (size bytes) to the node's in the name of the socket that this
 * process, slurmstepd, listens on: SlurmdSpoolDir/NODE_JOB.STEP. Returns 1, or
 * 0 if there is no such socket.
 */
int sb_node_listening(char *name, size_t size);

#endif
