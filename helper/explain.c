/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a plan remembers for `stepbox show`. */
#define _GNU_SOURCE
#include "explain.h"

#include "mem.h"

int sb_explain_env(struct sb_explain *x, const struct sb_env_of *of,
		   const struct sb_strv *env, struct sb_err *err)
{
	for (size_t i = 0; i < env->n; i++)
		sb_strv_add(&x->why, sb_env_why(of, env->v[i]));
	for (char **e = of->job; e && *e; e++) {
		_cleanup_free_ char *name = strndup(*e, strcspn(*e, "="));

		if (name && sb_env_get(env->v, name))
			continue;
		sb_strv_add(&x->left_why, sb_env_why(of, *e));
		sb_strv_take(&x->left, steal_ptr(name));
	}
	return x->why.failed || x->left.failed || x->left_why.failed
		       ? sb_no_memory(err)
		       : 0;
}

void sb_explain_free(struct sb_explain *x)
{
	sb_strv_free(&x->why);
	sb_strv_free(&x->left);
	sb_strv_free(&x->left_why);
}
