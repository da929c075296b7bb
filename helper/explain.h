/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a plan remembers for `stepbox show`: where values come from. */
#ifndef SB_EXPLAIN_H
#define SB_EXPLAIN_H

#include "env.h"

struct sb_explain {
	/* For each variable of the container, in its order, where the value is
	 * from; may lack the last one, a PATH that only stepbox sets. */
	struct sb_strv why;
	/* The job's variables that the container does not get, by name; and why
	 * not. */
	struct sb_strv left, left_why;
};

/* Explains env, which sb_env_container made of of. Returns 0, or -1 with err
 * set when memory runs out. Release with sb_explain_free. */
int sb_explain_env(struct sb_explain *x, const struct sb_env_of *of,
		   const struct sb_strv *env, struct sb_err *err);

void sb_explain_free(struct sb_explain *x);

#endif
