/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RunTimeRun as a child, where somebody must be left when it has ended. */
#ifndef SB_FORWARD_H
#define SB_FORWARD_H

#include "../spank/err.h"

/*
 * Executes words (words[0] a path) with the environment env as a child, passes
 * on to it every signal but those that a terminal sends to both, and waits for
 * its end. All signals are blocked from then on. Returns 0 with the wait status
 * in *status; or -1 with err set: no child could be made. A child that cannot
 * execute says so and exits with err's code.
 */
int sb_forward_run(char **words, char **env, int *status, struct sb_err *err);

#endif
