/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stepbox clean: what dead slurmstepds left. */
#ifndef SB_CLEAN_H
#define SB_CLEAN_H

/* The verb; argv[0] is its name. Returns the exit code: 0, or SB_FAIL, also if
 * something would not go. */
int sb_clean(int argc, char **argv);

#endif
