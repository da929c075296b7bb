/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of one child. */
#ifndef SB_AWAIT_H
#define SB_AWAIT_H

#include <errno.h>
#include <sys/wait.h>

/* Waits until the child pid has ended, whatever signals come meanwhile.
 * Returns 0 with its wait status (wait(2)) in status, which may be NULL; or -1
 * with errno set and status as it was: there is no such child. */
static inline int sb_await(pid_t pid, int *status)
{
	pid_t rc;

	do
		rc = waitpid(pid, status, 0);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -1 : 0;
}

#endif
