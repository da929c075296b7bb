/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who the user is, in the container's own passwd and group. */
#ifndef SB_IDENT_H
#define SB_IDENT_H

#include "../spank/err.h"
#include "bundle.h"
#include "job.h"
#include "mounts.h"
#include "taskdir.h"

struct sb_ident_of {
	const struct sb_job *job;
	const struct sb_bundle *bundle;
	const struct sb_taskdir *dir;
	const struct sb_mounts *mounts; /* all that are planned */
	int slurm_users; /* the host's SlurmUser, for a client inside */
};

/* A file that the container is to have in place of its own. */
struct sb_ident_file {
	const char *path; /* in the container, static */
	char *source;	  /* on the host, owned; NULL: its own will do */
};

struct sb_ident {
	struct sb_ident_file files[2];
};

/*
 * Where the container's /etc/passwd or /etc/group lacks the user, writes one
 * that has him to the task's directory. A file that is mounted from elsewhere
 * is left alone. Returns 0, or -1 with err set. Release with sb_ident_free,
 * also after an error.
 */
int sb_ident_plan(struct sb_ident *ident, const struct sb_ident_of *of,
		  struct sb_err *err);

void sb_ident_free(struct sb_ident *ident);

#endif
