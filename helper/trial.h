/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A child that does first what may not come to an end. */
#ifndef SB_TRIAL_H
#define SB_TRIAL_H

/* Forks. Returns 1 in the child, which goes on, and ends by _exit(2); the
 * kernel ends it after so many seconds of processor time, and with its parent.
 * In the parent, when it has ended: 0, with its wait status (wait(2)); or
 * -1 with errno set if there could be no child. */
int sb_trial(unsigned int seconds, int *status);

#endif
