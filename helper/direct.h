/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A runtime that is no OCI runtime, from its start to its end
 * (IgnoreFileConfigJson): as a child of ours, since RunTimeKill and
 * RunTimeDelete are for its process (%p), and somebody must call them.
 */
#ifndef SB_DIRECT_H
#define SB_DIRECT_H

#include "../spank/err.h"
#include "prepare.h"

/*
 * Runs RunTimeRun and waits for its end. SIGTERM becomes RunTimeKill where the
 * site has one, and so does the end of the parent where that is slurmstepd;
 * other signals are passed on, but for those that a terminal sends to both.
 * What it leaves behind is ended: by RunTimeDelete, if there is one, then by
 * SIGKILL. %p is its process, which is not waited for before that: nobody else
 * gets its number. All signals are blocked from then on.
 *
 * Returns 0 with its wait status in *status; or -1 with err set: it was not
 * started.
 */
int sb_direct_run(struct sb_run *r, int *status, struct sb_err *err);

#endif
