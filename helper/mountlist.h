/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bundle's own mounts: makes config.json's list of them one that a user
 * namespace with a single uid and gid can have. Pure: data in, data out.
 */
#ifndef SB_MOUNTLIST_H
#define SB_MOUNTLIST_H

#include "edit.h"
#include "json.h"

/*
 * What the node has mounted read-only, nosuid, nodev or noexec stays so in a
 * user namespace: a bind that would change it fails (mount_namespaces(7)).
 * Runtimes set a bind's flags anew if it has any, and not all add these (runc
 * 1.1 does not).
 */
#define SB_MOUNTLIST_LOCKED 4
extern const struct sb_mountlist_locked {
	unsigned long flag;	 /* of statvfs(3)'s f_flag */
	const char *name, *undo; /* the options that set it, and take it back */
} sb_mountlist_locked[SB_MOUNTLIST_LOCKED];

/* Facts about the node and the container; all borrowed. */
struct sb_mountlist_facts {
	const char *bundle; /* its directory, absolute */
	int pid, ipc;	    /* has the container such a namespace of its own? */
	int identity;	    /* its process writes to /proc/self */
	/* Whether the job's user can see such a file on the node. */
	int (*exists)(void *arg, const char *path);
	/* statvfs(3)'s f_flag of the mount that path is on. */
	unsigned long (*flags)(void *arg, const char *path);
	void *arg; /* for both */
};

/*
 * Edits config's mounts in place: each is kept, made a bind of what the node
 * has, or dropped; the default file systems that are missing are added. What
 * was done to the bundle's goes to e's notes.
 *
 * Afterwards each has an absolute destination without empty words and dots, not
 * /, and a list of options; each bind is recursive, has an absolute source, and
 * keeps the flags that the node's own mount has.
 *
 * Returns 0; or -1 with e's err set: a mount that a user namespace can never
 * have (a file system of a disk), a source that is not there, or one not of the
 * form that the runtime-spec gives it. Then config may be edited in part.
 */
int sb_mountlist_edit(json_t *config, const struct sb_mountlist_facts *facts,
		      struct sb_edit *e);

#endif
