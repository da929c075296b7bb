/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of the user's session follows him into the container: ssh-agent, X11. */
#ifndef SB_SESSION_H
#define SB_SESSION_H

#include "../spank/err.h"
#include "mounts.h"

/*
 * Shows the sockets and files that variables of the job's environment name, if
 * they exist, in place (a directory in the container): SSH_AUTH_SOCK, and with
 * DISPLAY XAUTHORITY (~/.Xauthority without it). env gets the variables as they
 * must be inside. A display of this very host (DISPLAY=:N) gets its socket's
 * directory. Returns 0, or -1 with err set.
 */
int sb_session_plan(struct sb_mounts *m, const char *place, struct sb_strv *env,
		    struct sb_err *err);

#endif
