/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work in a step's directory, done by its owner. */
#define _GNU_SOURCE
#include "asowner.h"

#include "../spank/asuser.h"
#include "../spank/contract.h"
#include "mem.h"

#include <stdio.h>
#include <string.h>

struct work {
	int (*fn)(int dir, int out, void *arg);
	void *arg;
};

static int child(int dir, int out, void *arg)
{
	const struct work *w = arg;

	(void)out;
	return w->fn(dir, SB_ASUSER_EXTRA, w->arg);
}

int sb_asowner(const struct sb_step *s, int (*fn)(int dir, int out, void *arg),
	       void *arg, int seconds, struct sb_err *err)
{
	const struct sb_user user = {.uid = s->owner.uid, .gid = s->owner.gid};
	struct work w = {fn, arg};
	_cleanup_fd_ int dir = sb_step_open(s);
	char text[SB_REPORT_MAX + 1];
	int rc;

	if (dir < 0)
		return sb_fail(err, SB_FAIL, "%s/%s: %s", s->node, s->name,
			       strerror(errno));
	if (geteuid() || !user.uid)
		return fn(dir, STDOUT_FILENO, arg);
	rc = sb_asuser(&user, dir, STDOUT_FILENO, child, &w, seconds * 1000,
		       text);
	if (rc >= 0 && rc != SB_CHILD_LOST)
		return rc;
	return sb_fail(err, SB_FAIL, "%s/%s: as user %u: %s", s->node, s->name,
		       user.uid, *text ? text : "not possible");
}
