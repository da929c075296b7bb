/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process of a container that all tasks on a node share: part of the
 * init. */
#ifndef SB_HOLD_H
#define SB_HOLD_H

#include <sys/types.h>

/* Names in the directory that holder and tasks both see: pipes (mkfifo(3)). */
#define SB_HOLD_DIR "hold"
#define SB_HOLD_READY                                                          \
	"ready"		    /* gets a byte once the container can be entered */
#define SB_HOLD_JOIN "join" /* each task writes its pid there (a pid_t) */

/*
 * Holds the container's namespaces until expected tasks have come and all have
 * gone; or until all have gone, and the process parent, which starts them. Then
 * it kills what else of the user's is in its mount namespace, and ends. It
 * keeps no descriptor of the caller's and heeds no signal. What cannot be
 * watched (no pidfds, too many open files) it outlives: then it must be killed.
 * Does not return.
 */
void sb_hold(const char *dir, int expected, pid_t parent)
	__attribute__((noreturn));

#endif
