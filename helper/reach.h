/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a bundle's file system answers. One whose server is gone (NFS, FUSE)
 * holds whoever touches it, against all signals but SIGKILL: a child touches it
 * first, so that somebody is left to say so.
 */
#ifndef SB_REACH_H
#define SB_REACH_H

#include "../spank/err.h"

/*
 * Waits until the bundle at path has been opened and read, with or without
 * success: what is wrong with it is told by sb_bundle_open. Returns 0; or -1
 * with err set when that took longer than this many seconds (0: however long).
 * Nothing is left then, unless the kernel does not let even SIGKILL through: a
 * process that holds nothing of the caller's.
 */
int sb_reach_bundle(const char *path, unsigned int seconds, struct sb_err *err);

#endif
