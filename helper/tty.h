/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The controlling terminal: a terminal controls one session only. */
#ifndef SB_TTY_H
#define SB_TTY_H

/*
 * Gives up standard input as the caller's controlling terminal, so that a
 * session of the container can take it. The hangup that this sends is not the
 * user's: SIGHUP and SIGCONT must be blocked, and are taken back. Nothing
 * happens where it controls nothing.
 */
void sb_tty_release(void);

/* To be called when sig has stopped a child that has the caller's terminal. If
 * that was the terminal's doing (^Z), the caller stops too, for the shell which
 * waits for it to see; nobody else would know that it is to be continued. */
void sb_tty_stop_too(int sig);

#endif
