/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work in a step's directory, done by its owner: by the caller himself, or if
 * that is root, by a child that becomes the owner. */
#ifndef SB_ASOWNER_H
#define SB_ASOWNER_H

#include "steps.h"

/*
 * Calls fn with the step's directory (O_PATH), a descriptor to print to, which
 * is standard output's, and arg. As root it is called in a child that has
 * become the owner for good (asuser.h), since what is read there is the user's
 * word; it has so many seconds, and no other descriptor: not even standard
 * error.
 *
 * Returns what fn does (0 to 100), or -1 with err set: the directory is not
 * there, or the child was too slow.
 */
int sb_asowner(const struct sb_step *s, int (*fn)(int dir, int out, void *arg),
	       void *arg, int seconds, struct sb_err *err);

#endif
