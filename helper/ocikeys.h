/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of oci.conf(5)'s keys that are words of Slurm's. */
#ifndef SB_OCIKEYS_H
#define SB_OCIKEYS_H

#include "../spank/err.h"
#include "buf.h"

/* CreateEnvFile. */
enum sb_env_file {
	SB_ENV_FILE_AUTO, /* not said: as NUL, where a pattern uses %e */
	SB_ENV_FILE_NONE,
	SB_ENV_FILE_NUL,     /* each variable ended by a NUL byte */
	SB_ENV_FILE_NEWLINE, /* one variable to a line */
};

/*
 * CreateEnvFile's value: null, newline or disabled, or a true or false in
 * Slurm's spellings for this key (Slurm 26.05, src/common/oci_config.c). Case
 * does not matter. Returns an enum sb_env_file, or -1 for another word.
 */
int sb_ocikeys_env_file(const char *value);

/*
 * Adds the kinds of hooks that DisableHooks names (separated by commas, blanks
 * around them do not matter) to kinds, as config.json spells them. Returns 0,
 * or -1 with err set: a kind that runtime-spec does not have.
 */
int sb_ocikeys_hooks(const char *value, struct sb_strv *kinds,
		     struct sb_err *err);

/* Checks DebugFlags: each is one of slurm.conf(5)'s, of any release since
 * 20.11. Returns 0, or -1 with err set. */
int sb_ocikeys_flags(const char *value, struct sb_err *err);

#endif
