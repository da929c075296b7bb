/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who made a step directory: root's record of the slurmstepd that serves the
 * step. It lies beside the directories, for root's nets and for whoever asks
 * which steps are here; anybody may read it, as anybody may see the names of
 * slurmstepds' sockets (SlurmdSpoolDir, /proc/net/unix) and whose a directory
 * is. Only root writes it.
 */
#ifndef SB_OWNER_H
#define SB_OWNER_H

#include <stddef.h>
#include <sys/types.h>

/* In the node's directory: a file per step directory, of the same name. */
#define SB_OWNER_DIR ".owner"
/* Ends the name of one that is not yet renamed into place. */
#define SB_OWNER_NEW ".tmp"

struct sb_owner {
	uid_t uid; /* the job's user */
	gid_t gid;
	pid_t pid; /* slurmstepd, as are the next two */
	unsigned long long start, pidns;
	char boot[40]; /* on which boot of the machine */
};

/* Writes the line for a step of uid and gid that the calling process serves.
 * Returns its length. */
int sb_owner_line(char *text, size_t size, uid_t uid, gid_t gid);

/* Reads name in the record directory dir. Returns 0, or -1: there is none, or
 * it is none of ours. */
int sb_owner_read(int dir, const char *name, struct sb_owner *o);

/* Whether name in the record directory is there, but is no record, nor one that
 * is being written (SB_OWNER_NEW). */
int sb_owner_torn(int dir, const char *name);

/* Whether the slurmstepd is surely dead: a pid means nothing in another pid
 * namespace, unless the machine was started anew since. */
int sb_owner_dead(const struct sb_owner *o);

/* Opens (O_PATH) the directory name below at that a user owns, but not one that
 * he has mounted: a file system of his own could let root wait for ever.
 * Returns a descriptor, or -1 with errno set. */
int sb_owner_open(int at, const char *name);

#endif
