/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stepbox.conf: what the site says. Grammar: spank/keyval.h. */
#ifndef SB_CONF_H
#define SB_CONF_H

#include "../spank/err.h"

#include <regex.h>

/* The runtime's operations, in oci.conf's words. */
enum sb_op {
	SB_OP_RUN,
	SB_OP_CREATE,
	SB_OP_START,
	SB_OP_QUERY,
	SB_OP_KILL,
	SB_OP_DELETE,
	SB_OPS
};

enum sb_mode {
	SB_MODE_UNSET,
	SB_MODE_RUN,	/* RunTimeRun: the helper becomes the runtime */
	SB_MODE_CREATE, /* RunTimeCreate and RunTimeStart, supervised */
};

enum sb_init {
	SB_INIT_AUTO, /* our init, where it can be had */
	SB_INIT_NO,
	SB_INIT_YES, /* or an error */
};

struct sb_conf {
	char *runtime;	       /* Runtime; NULL: only patterns of the site's */
	char *pattern[SB_OPS]; /* RunTime*; NULL: not set */
	enum sb_mode mode;
	enum sb_init init;
	char *container_path; /* ContainerPath, unexpanded; NULL: default */
	regex_t env_exclude, runtime_env_exclude;
	int has_env_exclude, has_runtime_env_exclude;
};

/* The operation's key: "RunTimeRun"... Static. */
const char *sb_conf_op_key(enum sb_op op);

/*
 * Reads path, and the shipped runtimes/NAME.conf that its Runtime= names, and
 * checks both. Returns 0, or -1 with err set, file and line included: unknown
 * key, bad value, letter or regular expression, a set of RunTime* patterns
 * that is no whole. Release with sb_conf_free, also after an error.
 */
int sb_conf_load(struct sb_conf *c, const char *path, struct sb_err *err);

void sb_conf_free(struct sb_conf *c);

#endif
