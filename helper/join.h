/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A task enters a container that is there, and becomes its command. */
#ifndef SB_JOIN_H
#define SB_JOIN_H

#include "../spank/err.h"
#include "prepare.h"

enum {
	SB_JOIN_FAILED = -1, /* err is set */
	SB_JOIN_GONE = 1,    /* the container has ended: nothing was done */
};

/*
 * Enters the container whose directory is name, below r's step directory, and
 * becomes the job's command there: by its namespaces, or by RunTimeExec. The
 * process stays what it is, with its descriptors, limits and terminal.
 *
 * Source: setns(2), ioctl_ns(2), user_namespaces(7). Returns only if it fails.
 */
int sb_join(struct sb_run *r, const char *name, struct sb_err *err);

#endif
