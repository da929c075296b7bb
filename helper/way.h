/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way to a program that every user of the site runs. */
#ifndef SB_WAY_H
#define SB_WAY_H

#include "../spank/err.h"

/*
 * Whether nobody but root can put another in the place of the file at path,
 * which is absolute: each directory on the way is root's, and where others can
 * write to it (sticky, as /tmp) they cannot rename what is root's; each link is
 * root's too. What is executed is path as it is written, so the way is walked
 * as the kernel does (path_resolution(7)), from link to link.
 *
 * Returns 0; or -1 with err set, to SB_NOEXEC: "runtime PATH: why".
 */
int sb_way_check(const char *path, struct sb_err *err);

#endif
