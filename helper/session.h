/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of the user's session follows him into the container: ssh-agent, X11. */
#ifndef SB_SESSION_H
#define SB_SESSION_H

#include "../spank/err.h"
#include "bundle.h"
#include "mounts.h"

#include <regex.h>

struct sb_session_of {
	const struct sb_bundle *bundle;
	const char *place;	/* a directory in the container */
	const regex_t *exclude; /* EnvExclude: these are not shown; or NULL */
	int no_points;		/* no mount point may be made for this */
};

/*
 * Shows the sockets and files that variables of the job's environment name, if
 * they exist, in place: SSH_AUTH_SOCK, and with DISPLAY XAUTHORITY
 * (~/.Xauthority without it). env gets the variables as they must be inside. A
 * display of this very host (DISPLAY=:N) gets its socket's directory. Returns
 * 0, or -1 with err set.
 */
int sb_session_plan(struct sb_mounts *m, const struct sb_session_of *of,
		    struct sb_strv *env, struct sb_err *err);

#endif
