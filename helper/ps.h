/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stepbox ps: this node's containers. */
#ifndef SB_PS_H
#define SB_PS_H

/* The verb; argv[0] is its name. Returns the exit code: 0, or SB_FAIL. */
int sb_ps(int argc, char **argv);

#endif
