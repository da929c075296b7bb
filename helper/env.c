/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Environments. */
#include "env.h"

#include "../spank/contract.h"
#include "mem.h"

#include <string.h>

/* For these the job's value wins over the bundle's. '*' ends a prefix. */
static const char *const job_wins[] = {
	/* Slurm's, and how ranks find each other */
	"SLURM*",
	"PMI*",
	/* the user */
	"TERM",
	"HOME",
	"USER",
	"LOGNAME",
	"TMPDIR",
	/* devices and binding: what Slurm gave this task */
	"CUDA_VISIBLE_DEVICES",
	"GPU_DEVICE_ORDINAL",
	"HIP_VISIBLE_DEVICES",
	"NVIDIA_VISIBLE_DEVICES",
	"ROCR_*",
	"ZE_*",
	"OMP_*",
};

static const char *const runtime_gets[] = {
	"SLURM*", "HOME", "USER", "LOGNAME", "XDG_RUNTIME_DIR",
};

static int in_table(const char *var, size_t len, const char *const *table,
		    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t t = strlen(table[i]);

		if (table[i][t - 1] == '*'
			    ? len >= t - 1 && !memcmp(var, table[i], t - 1)
			    : len == t && !memcmp(var, table[i], t))
			return 1;
	}
	return 0;
}

static int ours(const char *var)
{
	return !strncmp(var, SB_ENV_PREFIX, strlen(SB_ENV_PREFIX));
}

static int same_name(const char *a, const char *b, size_t len)
{
	return !strncmp(a, b, len) && b[len] == '=';
}

const char *sb_env_get(char **env, const char *name)
{
	size_t len = strlen(name);

	for (; env && *env; env++)
		if (same_name(name, *env, len))
			return *env + len + 1;
	return NULL;
}

static const char *find(char **env, const char *var, size_t len)
{
	for (; env && *env; env++)
		if (same_name(var, *env, len))
			return *env;
	return NULL;
}

static int job_value_wins(const char *var, size_t len, int shell_inside)
{
	if (len == 5 && !memcmp(var, "SHELL", 5))
		return shell_inside;
	return in_table(var, len, job_wins, ARRAY_SIZE(job_wins));
}

int sb_env_container(char **job, char **bundle, const regex_t *exclude,
		     int shell_inside, struct sb_strv *out, struct sb_err *err)
{
	struct sb_strv late = {0};

	for (char **e = job; e && *e; e++) {
		size_t len = strcspn(*e, "=");
		const char *theirs;

		if (!(*e)[len] || !len || ours(*e) ||
		    (exclude && !regexec(exclude, *e, 0, NULL, 0)))
			continue;
		theirs = find(bundle, *e, len);
		if (!theirs && !shell_inside && same_name("SHELL", *e, 5))
			continue;
		sb_strv_add(out,
			    theirs && !job_value_wins(*e, len, shell_inside)
				    ? theirs
				    : *e);
	}
	/* What only the bundle has goes to a list of its own first: looking a
	 * name up must not find what was just added. */
	for (char **e = bundle; e && *e; e++) {
		size_t len = strcspn(*e, "=");

		if ((*e)[len] && len && !find(out->v, *e, len))
			sb_strv_add(&late, *e);
	}
	for (size_t i = 0; i < late.n; i++)
		sb_strv_add(out, late.v[i]);
	out->failed |= late.failed;
	sb_strv_free(&late);
	return out->failed ? sb_fail(err, SB_FAIL, "out of memory") : 0;
}

int sb_env_runtime(char **job, const regex_t *exclude, struct sb_strv *out,
		   struct sb_err *err)
{
	sb_strv_add(out, "PATH=" SB_RUNTIME_PATH);
	for (char **e = job; e && *e; e++) {
		size_t len = strcspn(*e, "=");

		if (!(*e)[len] || ours(*e) ||
		    !in_table(*e, len, runtime_gets,
			      ARRAY_SIZE(runtime_gets)) ||
		    (exclude && !regexec(exclude, *e, 0, NULL, 0)))
			continue;
		sb_strv_add(out, *e);
	}
	return out->failed ? sb_fail(err, SB_FAIL, "out of memory") : 0;
}
