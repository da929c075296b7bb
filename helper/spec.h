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

/* A mount that is added to the bundle's own. */
struct sb_spec_mount {
	const char *source;	 /* on the host, absolute; or "tmpfs" */
	const char *destination; /* in the container, absolute */
	const char *type;	 /* "bind", "tmpfs"... */
	const char *options;	 /* comma-separated */
	int file;		 /* its mount point is a file */
};

/* Who applies a seccomp filter, and which. */
enum sb_spec_seccomp {
	SB_SPEC_SECCOMP_KEEP, /* the runtime the bundle's */
	SB_SPEC_SECCOMP_SET,  /* the runtime another */
	SB_SPEC_SECCOMP_OURS, /* our init, last of all: not the runtime */
};

struct sb_spec {
	char **args;		    /* process.args */
	char **env;		    /* process.env */
	int terminal;		    /* process.terminal */
	unsigned int rows, columns; /* process.consoleSize; 0: none */
	const char *cwd;	    /* process.cwd; NULL: the bundle's */
	const char *rootfs;	    /* root.path, absolute */
	int readonly;		    /* root.readonly; -1: the bundle's */
	/* Our init makes the inner user namespace: process.capabilities is
	 * what that takes; the bundle's are the init's business. */
	int identity;
	enum sb_spec_seccomp seccomp;
	json_t *profile; /* for SB_SPEC_SECCOMP_SET; borrowed */
};

/*
 * Adds mounts behind the bundle's own, and removes the bundle's at or below the
 * destinations in umounts (a NULL-terminated list; may be NULL). Returns 0, or
 * -1 with err set.
 */
int sb_spec_mounts(json_t *config, const struct sb_spec_mount *list, size_t n,
		   char **umounts, struct sb_err *err);

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
 * below (/dev before others), and that is not taken: taken(arg, destination)
 * says whether something else is mounted there. NULL where it mounts none.
 * Borrowed.
 */
const char *sb_spec_tmpfs(const json_t *config,
			  int (*taken)(const void *arg, const char *path),
			  const void *arg);

/* personality(2)'s argument for linux.personality (config-linux.md), a number
 * in static storage. NULL where config has none, or one that the runtime-spec
 * does not name: whether that is an error the runtime knows. */
const char *sb_spec_personality(const json_t *config);

/* Whether a mount of config's is at path or above it. */
int sb_spec_covers(const json_t *config, const char *path);

#endif
