/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stepbox show: what `stepbox run` would do, without doing it. */
#ifndef SB_SHOW_H
#define SB_SHOW_H

/* The verb; argv[0] is its name. Returns the exit code. */
int sb_show(int argc, char **argv);

#endif
