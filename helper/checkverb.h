/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb check. */
#ifndef SB_CHECKVERB_H
#define SB_CHECKVERB_H

/* argv[0] is the verb's name. Returns the exit code: 0, or 1 where there were
 * warnings, or 2 where there were failures; SB_FAIL for bad usage. */
int sb_checkverb(int argc, char **argv);

#endif
