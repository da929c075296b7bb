/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stepbox.conf: what the site says. Grammar: spank/keyval.h. */
#ifndef SB_CONF_H
#define SB_CONF_H

#include "../spank/err.h"
#include "buf.h"
#include "ocikeys.h"

#include <regex.h>

/* The runtime's operations, in oci.conf's words. */
enum sb_op {
	SB_OP_RUN,
	SB_OP_CREATE,
	SB_OP_START,
	SB_OP_QUERY,
	SB_OP_KILL,
	SB_OP_DELETE,
	SB_OP_EXEC, /* not oci.conf's: stepbox.conf(5) */
	SB_OPS
};

enum sb_mode {
	SB_MODE_UNSET,
	SB_MODE_RUN,	/* RunTimeRun: the helper becomes the runtime */
	SB_MODE_CREATE, /* RunTimeCreate and RunTimeStart, supervised */
};

enum sb_init {
	SB_INIT_AUTO, /* our init; it can always be had, as with YES */
	SB_INIT_NO,
	SB_INIT_YES,
};

/* What a step with several tasks on a node gets there. */
enum sb_per {
	SB_PER_NODE, /* one container for all of them */
	SB_PER_TASK,
};

/* How a task gets into a container that is there. */
enum sb_join {
	SB_JOIN_AUTO, /* by its namespaces, or if it is none, RunTimeExec */
	SB_JOIN_NAMESPACES,
	SB_JOIN_EXEC,
};

struct sb_conf {
	char *runtime;	       /* Runtime; NULL: only patterns of the site's */
	char *pattern[SB_OPS]; /* RunTime*; NULL: not set */
	enum sb_mode mode;
	/* IgnoreFileConfigJson: the runtime gets what the user named as it is
	 * (image.h); mode is SB_MODE_RUN then. */
	int ignore_config;
	enum sb_init init;
	enum sb_per per;
	enum sb_join join;
	char *container_path; /* ContainerPath, unexpanded; NULL: default */
	regex_t env_exclude, runtime_env_exclude;
	int has_env_exclude, has_runtime_env_exclude;
	char *env_exclude_text;	       /* EnvExclude as it stands */
	struct sb_strv mounts;	       /* Mount, unexpanded, in order */
	struct sb_strv env_set;	       /* EnvSet: "NAME=VALUE" */
	struct sb_strv bundle_paths;   /* BundlePath; none: all are allowed */
	struct sb_strv allow_runtimes; /* AllowRuntime */
	unsigned int bundle_timeout;   /* BundleTimeout, in s; 0: none */
	int writable, mount_home;      /* WritableDefault, MountHome */
	int passwd_entry, slurm_client, allow_root;
	char *writable_path;	   /* WritablePath, unexpanded; NULL: default */
	char *seccomp_profile;	   /* SeccompProfile, a path; NULL: none */
	enum sb_env_file env_file; /* CreateEnvFile */
	struct sb_strv disable_hooks; /* DisableHooks */
	char *mount_spool_dir;	      /* MountSpoolDir, unexpanded; or NULL */
	int disable_cleanup;	      /* DisableCleanup */
	int stdio_debug;	      /* StdIODebug: a level; 0: quiet */
	/* "FILE:LINE: what": of keys that are there twice, or not used. Nothing
	 * is wrong with them, but who wrote them may want to know. */
	struct sb_strv remarks;
	unsigned long long seen; /* which keys, by their place in the table */
};

/* Whether there are patterns for SB_MODE_CREATE, whatever the mode is. */
int sb_conf_has_create(const struct sb_conf *c);

/* The job's variables that a container, and the runtime, do not get; NULL: all
 * do. c's. */
const regex_t *sb_conf_env_exclude(const struct sb_conf *c);
const regex_t *sb_conf_runtime_env_exclude(const struct sb_conf *c);

/* The operation's key: "RunTimeRun"... Static. */
const char *sb_conf_op_key(enum sb_op op);

/*
 * Reads path, and the description NAME.conf of its Runtime= (the site's, in
 * stepbox.runtimes/ beside path, or a shipped one), and checks both. runtime,
 * if not NULL, is what the user wants instead of Runtime=: it must be the same
 * or one that AllowRuntime names, and the RunTime* patterns in path do not
 * apply to it. Returns 0, or -1 with err set, file and line included: unknown
 * key, bad value, letter or regular expression, a set of RunTime* patterns that
 * is no whole. Release with sb_conf_free, also after an error.
 */
int sb_conf_load(struct sb_conf *c, const char *path, const char *runtime,
		 struct sb_err *err);

void sb_conf_free(struct sb_conf *c);

#endif
