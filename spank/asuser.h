/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A child that becomes the user: whatever must be done in a directory that
 * the user controls, root has done by this, and by nothing else.
 */
#ifndef SB_ASUSER_H
#define SB_ASUSER_H

#include <stddef.h>
#include <sys/types.h>

/* At most so much of what the child says is kept. */
#define SB_REPORT_MAX 4096

struct sb_user {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* borrowed */
	int ngroups;
};

/*
 * What the child does. dir is the directory's descriptor (O_PATH), arg the
 * caller's. out takes what is to be told root. Only async-signal-safe calls:
 * the parent has threads. Returns the child's exit status, 0 to 100.
 */
typedef int sb_asuser_fn(int dir, int out, void *arg);

enum {
	SB_CHILD_LOST = 101, /* could not become the user */
};

/*
 * Forks; the child becomes user (groups, gid, uid, all checked; not dumpable;
 * no new privileges), keeps no descriptor but dir, extra (-1: none; it becomes
 * 5) and out, and runs fn; it never executes a program. After ms it is killed,
 * and after SB_ASUSER_LATE_MS more given up.
 *
 * text (SB_REPORT_MAX + 1 bytes) gets what it said, terminated, not escaped.
 * Returns its exit status, or -1 (it could not be made, was killed or was too
 * slow; text says which).
 */
int sb_asuser(const struct sb_user *user, int dir, int extra, sb_asuser_fn *fn,
	      void *arg, int ms, char *text);

/* So long a killed child's end is waited for. */
#define SB_ASUSER_LATE_MS 500

/* The descriptor under which fn finds extra. */
#define SB_ASUSER_EXTRA 5

/* Of a clock that nobody sets. */
long long sb_now_ms(void);

#endif
