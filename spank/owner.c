/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who made a step directory. */
#define _GNU_SOURCE
#include "owner.h"

#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int sb_owner_line(char *text, size_t size, uid_t uid, gid_t gid)
{
	struct sb_proc self = {.start = 0};
	char boot[40];

	sb_proc_read(getpid(), &self);
	sb_proc_boot(boot);
	return snprintf(text, size, "%u %u %d %llu %llu %s\n", uid, gid,
			getpid(), self.start, sb_proc_pidns(), boot);
}

static int parse(const char *text, struct sb_owner *o)
{
	return sscanf(text, "%u %u %d %llu %llu %39s", &o->uid, &o->gid,
		      &o->pid, &o->start, &o->pidns, o->boot) == 6
		       ? 0
		       : -1;
}

int sb_owner_read(int dir, const char *name, struct sb_owner *o)
{
	char text[256];

	if (sb_proc_slurp(dir, name, text, sizeof(text)) <= 0)
		return -1;
	return parse(text, o);
}

int sb_owner_torn(int dir, const char *name)
{
	size_t len = strlen(name), end = strlen(SB_OWNER_NEW);
	struct sb_owner o;
	char text[256];

	if (len > end && !strcmp(name + len - end, SB_OWNER_NEW))
		return 0;
	return sb_proc_slurp(dir, name, text, sizeof(text)) >= 0 &&
	       parse(text, &o) < 0;
}

int sb_owner_dead(const struct sb_owner *o)
{
	struct sb_proc p;
	char boot[40];

	sb_proc_boot(boot);
	if (strcmp(boot, o->boot))
		return 1;
	if (o->pidns != sb_proc_pidns())
		return 0;
	if (!sb_proc_read(o->pid, &p))
		return p.start != o->start || p.state == 'Z' || p.state == 'X';
	/* Nothing to be read is no word of its death: a user does not see
	 * root's processes where /proc is mounted with hidepid (proc(5)). */
	return kill(o->pid, 0) < 0 && errno == ESRCH;
}

int sb_owner_open(int at, const char *name)
{
	return sb_proc_open(at, name, O_PATH | O_DIRECTORY);
}
