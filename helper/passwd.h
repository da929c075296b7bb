/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The container's passwd and group: who the user is, and the container's own
 * files with the user added. Texts in memory, and no NSS: the helper is static,
 * and NSS would load the host's libraries into it.
 */
#ifndef SB_PASSWD_H
#define SB_PASSWD_H

#include "../spank/err.h"
#include "buf.h"

/* The largest passwd or group of a container that is worked on. */
#define SB_PASSWD_MAX (1 << 20)

struct sb_who {
	unsigned int uid, gid;
	char *user, *group, *home, *shell; /* owned */
	int failed;			   /* memory ran out */
};

/*
 * Finds out who uid and gid are. Each name is the first of these that can
 * stand in a passwd file (not empty, no control byte, ':' or '/', none of
 * "+-# " in front):
 *   - the client's word, SLURM_STEPBOX_IDENTITY=UID:USER:GID:GROUP in env,
 *     where that id is the one asked for;
 *   - etc/passwd and etc/group (etc is the host's "/etc");
 *   - SLURM_JOB_USER, SLURM_JOB_GROUP, where SLURM_JOB_UID or SLURM_JOB_GID
 *     beside it is that id or not set (Slurm, src/common/env.c: the group since
 *     23.11); then USER;
 *   - "user<uid>", "group<gid>".
 * home is HOME, else that of the entry in etc/passwd, else "/"; shell is SHELL,
 * else "/bin/sh"; absolute paths without a control byte or ':'.
 *
 * Returns 0; or -1 with err set when memory runs out. Release with sb_who_free,
 * also after an error.
 */
int sb_who_read(struct sb_who *who, const char *etc, char **env,
		unsigned int uid, unsigned int gid, struct sb_err *err);

/* Frees what who owns; nothing happens to one that is {0}. */
void sb_who_free(struct sb_who *who);

/*
 * Adds the user to old (len bytes; NULL: none), the container's own passwd
 * (passwd(5)), unless a line of it has the uid. The entry comes last; it comes
 * first if the user's name is there with another uid, since a lookup by name
 * takes the first. All other lines stay as they are, whatever they hold; a last
 * line without a newline gets one. A line that glibc or musl would pass over
 * (a comment, a field too few, a NUL byte) counts as no entry. A home or shell
 * that cannot stand there becomes "/" or "/bin/sh".
 *
 * out begins empty ({0}) and gets the new text; the caller frees it. Returns 1;
 * 0 if there is nothing to add; or -1 with errno set (EFBIG: old is larger than
 * SB_PASSWD_MAX; EINVAL: the name cannot stand there; ENOMEM). With 0 and -1
 * out stays empty.
 */
int sb_passwd_add(const char *old, size_t len, const struct sb_who *who,
		  struct sb_buf *out);

/* The same for group(5) and who's group. The entry lists no members. */
int sb_group_add(const char *old, size_t len, const struct sb_who *who,
		 struct sb_buf *out);

/*
 * Adds the entry that etc/passwd has for name (a system's user, such as
 * "slurm") to old as its last line, unless a line of old begins with the name
 * and ':'. Its password becomes "x". Returns as sb_passwd_add; 0 also if
 * etc/passwd lacks the name or cannot be read.
 */
int sb_passwd_copy(const char *old, size_t len, const char *etc,
		   const char *name, struct sb_buf *out);

#endif
