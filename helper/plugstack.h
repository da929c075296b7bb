/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slurm's plugstack.conf, as far as it concerns one plugin. Grammar and
 * includes as Slurm has them (src/common/spank.c, plugstack.c before 23.11):
 * words between blanks, no quotes, a # ends the line anywhere, a relative
 * include is relative to its file, one that matches nothing is no error.
 */
#ifndef SB_PLUGSTACK_H
#define SB_PLUGSTACK_H

#include "../spank/err.h"

#include <stddef.h>

/* A line that loads the plugin; owned by struct sb_plugstack. */
struct sb_plugstack_line {
	char *file;
	unsigned int line;
	int required;
	char *plugin;  /* as it is written: perhaps relative */
	char *conf;    /* conf=PATH, or NULL */
	char *strange; /* an argument that the plugin does not know, or NULL */
};

struct sb_plugstack {
	struct sb_plugstack_line *lines;
	size_t n;
	char *broken; /* "FILE:LINE" of one that Slurm ignores, or NULL */
};

/*
 * Finds the lines in path, and what that includes, whose plugin's file name is
 * name. A path that is not there is an empty file. Returns 0; or -1 with err
 * set: a file cannot be read, or includes never end. Release with
 * sb_plugstack_free, also after an error.
 */
int sb_plugstack_read(struct sb_plugstack *p, const char *path,
		      const char *name, struct sb_err *err);

void sb_plugstack_free(struct sb_plugstack *p);

#endif
