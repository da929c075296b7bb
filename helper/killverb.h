/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stepbox kill: a signal to the tasks of containers. */
#ifndef SB_KILLVERB_H
#define SB_KILLVERB_H

/* The verb; argv[0] is its name. Returns the exit code: 0, or SB_FAIL, also if
 * there was nobody to get it. */
int sb_killverb(int argc, char **argv);

/* A signal's number by its name, with or without SIG in front, or by its
 * number; -1 if there is none. */
int sb_killverb_signal(const char *name);

#endif
