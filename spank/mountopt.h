/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The grammar of --container-mounts, and of the site's Mount=:
 *
 *   SRC[:DST[:FLAG[+FLAG...]]]   a bind; SRC alone stands for SRC:SRC
 *   tmpfs:DST[:FLAG[+FLAG...]]
 *   umount:DST                   DST is not to be mounted
 *
 * joined by commas. A backslash takes the next character as it is. Needs
 * neither Slurm nor memory of its own: plugin and helper share it.
 */
#ifndef SB_MOUNTOPT_H
#define SB_MOUNTOPT_H

#include "err.h"

#include <limits.h>

enum sb_mount_kind {
	SB_MOUNT_BIND,
	SB_MOUNT_TMPFS,
	SB_MOUNT_UMOUNT,
};

/* What to make of a destination that the container lacks (x-create=). */
enum sb_mount_create {
	SB_CREATE_AUTO, /* what the source is */
	SB_CREATE_DIR,
	SB_CREATE_FILE,
};

struct sb_mountopt {
	enum sb_mount_kind kind;
	/* Both begin with '/', '$' or '%': they are expanded on the node
	 * ($NAME,
	 * ${NAME}, %j...), and stand here as the user wrote them, but for
	 * backslashes. "\$" and "\%" have become "$$" and "%%", which stand
	 * for the character itself. */
	char source[PATH_MAX]; /* a bind's; else "" */
	char destination[PATH_MAX];
	/* For config.json's mounts[].options: joined by commas, none twice,
	 * with the defaults put in. "" for umount. */
	char options[512];
	int optional; /* to be passed over if the source is missing */
	enum sb_mount_create create;
};

/*
 * Takes the next element off the list *at and moves *at behind it. Returns 1;
 * 0 at the list's end; -1 with err set ("destination b is not absolute"): then
 * *at and m are of no use. What a caller reads from a user should have been
 * searched for control bytes before, or be escaped after.
 *
 * Flags: mount(8)'s names, as far as the runtime specification has them
 * (config.md, "Mounts"): bind rbind, private shared slave and their r forms,
 * ro rw, [no]suid, [no]dev, [no]exec, noatime relatime strictatime,
 * nodiratime; for tmpfs alone size= mode= nr_inodes= (tmpfs(5)); for a bind
 * alone "optional"; and x-create=auto|dir|file. Defaults: "rbind,rprivate";
 * "nosuid,nodev,mode=1777".
 */
int sb_mountopt_next(const char **at, struct sb_mountopt *m,
		     struct sb_err *err);

/*
 * Brings a destination into one form, in place: without "." components,
 * doubled and trailing slashes. Returns 0, or -1 with err set: it has a ".."
 * component, or is nothing but "/". sb_mountopt_next has done this; whoever
 * expands the destination must do it again after that, and see that it begins
 * with '/'.
 */
int sb_mountopt_normalize(char *destination, struct sb_err *err);

#endif
