/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The edits that make a bundle's config.json into the step's copy of it. Pure:
 * data in, data out. What no edit names stays as it was.
 */
#ifndef SB_SPEC_H
#define SB_SPEC_H

#include "../spank/err.h"
#include "buf.h"
#include "json.h"

/* Where our own files lie in the container: below a tmpfs that the container
 * mounts itself, so that no runtime has to make a mount point in the rootfs. */
#define SB_SPEC_PLACE "stepbox"

/* A bind mount of ours. */
struct sb_spec_mount {
	const char *source;	 /* on the host, absolute */
	const char *destination; /* in the container, absolute */
};

struct sb_spec {
	char **args;		    /* process.args */
	char **env;		    /* process.env */
	int terminal;		    /* process.terminal */
	unsigned int rows, columns; /* process.consoleSize; 0: none */
	const char *cwd;	    /* process.cwd; NULL: the bundle's */
	const char *rootfs;	    /* root.path, absolute */
	const struct sb_spec_mount *mounts; /* added behind the bundle's own */
	size_t n_mounts;
};

/*
 * Applies the edits. Returns 0, or -1 with err set: a part of the document
 * that must be an object or a list is not (named by its JSON path), or a
 * variable or argument holds bytes that JSON cannot carry (it is named).
 */
int sb_spec_edit(json_t *config, const struct sb_spec *spec,
		 struct sb_err *err);

/* The bundle's process.env as a list. Returns 0, or -1 with err set. */
int sb_spec_env(const json_t *config, struct sb_strv *out, struct sb_err *err);

/*
 * The destination of a tmpfs that config mounts and that our files can live
 * below (/dev before others); NULL where it mounts none. Borrowed.
 */
const char *sb_spec_tmpfs(const json_t *config);

/* Whether process.rlimits sets the limit type ("RLIMIT_NOFILE"). */
int sb_spec_has_rlimit(const json_t *config, const char *type);

#endif
