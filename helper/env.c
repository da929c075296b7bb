/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Environments. */
#include "env.h"

#include "../spank/contract.h"
#include "exclude.h"
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

/* What programs obey before they begin. TMPDIR, though in glibc's list, is the
 * job's in any program. */
static const char *const steers[] = {
	"LD_*",
	"GCONV_PATH",
	"GETCONF_DIR",
	"GLIBC_TUNABLES",
	"HOSTALIASES",
	"LOCALDOMAIN",
	"LOCPATH",
	"MALLOC_*",
	"NIS_PATH",
	"NLSPATH",
	"RESOLV_HOST_CONF",
	"RES_OPTIONS",
	"TZDIR",
	/* shells, as in RunTimeRun and wrappers */
	"BASH_ENV",
	"BASH_FUNC_*",
	"BASHOPTS",
	"CDPATH",
	"ENV",
	"GLOBIGNORE",
	"IFS",
	"PATH",
	"PS4",
	"SHELLOPTS",
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

/* Whether list, comma-separated, has the name. */
static int is_kept(const char *list, const char *name, size_t len)
{
	for (const char *p = list; p && *p; p += !!*p) {
		size_t n = strcspn(p, ",");

		if (n == len && !memcmp(p, name, len))
			return 1;
		p += n;
	}
	return 0;
}

static int job_value_wins(const struct sb_env_of *of, const char *var,
			  size_t len)
{
	if (is_kept(of->keep, var, len))
		return 1;
	if (len == 5 && !memcmp(var, "SHELL", 5))
		return of->shell_inside;
	return in_table(var, len, job_wins, ARRAY_SIZE(job_wins));
}

/* Whether the job's variable goes into the container at all; -1: memory ran
 * out. */
static int is_passed(const struct sb_env_of *of, const char *var, size_t len)
{
	int out;

	if (!var[len] || !len || ours(var))
		return 0;
	out = sb_exclude_match(of->exclude, var);
	if (out)
		return out < 0 ? -1 : 0;
	return of->shell_inside || !same_name("SHELL", var, 5) ||
	       is_kept(of->keep, "SHELL", 5) || find(of->bundle, var, len);
}

/* The value that a variable of the job's has in the container. */
static const char *choose(const struct sb_env_of *of, const char *var,
			  size_t len)
{
	const char *site = find(of->site, var, len);
	const char *theirs = find(of->bundle, var, len);

	if (site)
		return site;
	return theirs && !job_value_wins(of, var, len) ? theirs : var;
}

/* Adds what of list out has not yet. It goes to a list of its own first:
 * looking a name up must not find what was just added. */
static void add_lacking(struct sb_strv *out, char **list, char **better)
{
	struct sb_strv late = {0};

	for (char **e = list; e && *e; e++) {
		size_t len = strcspn(*e, "=");
		const char *site;

		if (!(*e)[len] || !len || ours(*e) || find(out->v, *e, len))
			continue;
		site = find(better, *e, len);
		sb_strv_add(&late, site ? site : *e);
	}
	for (size_t i = 0; i < late.n; i++)
		sb_strv_add(out, late.v[i]);
	out->failed |= late.failed;
	sb_strv_free(&late);
}

int sb_env_container(const struct sb_env_of *of, struct sb_strv *out,
		     struct sb_err *err)
{
	for (char **e = of->job; e && *e; e++) {
		size_t len = strcspn(*e, "=");
		int passed = is_passed(of, *e, len);

		out->failed |= passed < 0;
		if (passed > 0)
			sb_strv_add(out, choose(of, *e, len));
	}
	add_lacking(out, of->bundle, of->site);
	add_lacking(out, of->site, NULL);
	return out->failed ? sb_no_memory(err) : 0;
}

/* The job has such a variable. */
static const char *why_of_job(const struct sb_env_of *of, const char *var,
			      size_t len)
{
	const char *theirs = find(of->bundle, var, len);

	if (is_passed(of, var, len) <= 0) {
		if (theirs)
			return "the bundle's: EnvExclude keeps the job's out";
		return sb_exclude_match(of->exclude, var)
			       ? "left out: EnvExclude"
			       : "left out: the container lacks this shell";
	}
	if (is_kept(of->keep, var, len))
		return "the job's: --container-env names it";
	if (!theirs)
		return "the job's";
	return job_value_wins(of, var, len)
		       ? "the job's: goes before the bundle's"
		       : "the bundle's: goes before the job's";
}

const char *sb_env_why(const struct sb_env_of *of, const char *entry)
{
	size_t len = strcspn(entry, "=");
	const char *mine;

	if (ours(entry))
		return "left out: stepbox's own";
	if (find(of->site, entry, len))
		return "the site's: EnvSet";
	mine = find(of->job, entry, len);
	if (mine)
		return why_of_job(of, mine, len);
	return find(of->bundle, entry, len) ? "the bundle's" : "not set";
}

int sb_env_path(struct sb_strv *env, const char *dir, struct sb_err *err)
{
	static const char usual[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:"
				    "/usr/bin:/sbin:/bin";
	_cleanup_buf_ struct sb_buf b = {0};
	const char *old = sb_env_get(env->v, "PATH");

	sb_buf_puts(&b, "PATH=");
	sb_buf_puts(&b, dir);
	sb_buf_putc(&b, ':');
	sb_buf_puts(&b, old ? old : usual);
	if (b.failed)
		return sb_no_memory(err);
	if (!old)
		sb_strv_add(env, b.data);
	for (size_t i = 0; old && i < env->n; i++)
		if (!strncmp(env->v[i], "PATH=", 5)) {
			free(env->v[i]);
			env->v[i] = steal_ptr(b.data);
			break;
		}
	return env->failed ? sb_no_memory(err) : 0;
}

int sb_env_runtime(char **job, const regex_t *exclude, struct sb_strv *out,
		   struct sb_err *err)
{
	sb_strv_add(out, "PATH=" SB_RUNTIME_PATH);
	for (char **e = job; e && *e; e++) {
		size_t len = strcspn(*e, "=");
		int excluded;

		if (!(*e)[len] || ours(*e) ||
		    !in_table(*e, len, runtime_gets, ARRAY_SIZE(runtime_gets)))
			continue;
		excluded = sb_exclude_match(exclude, *e);
		out->failed |= excluded < 0;
		if (!excluded)
			sb_strv_add(out, *e);
	}
	return out->failed ? sb_no_memory(err) : 0;
}

int sb_env_direct(char **env, const regex_t *exclude, struct sb_strv *out,
		  struct sb_err *err)
{
	sb_strv_add(out, "PATH=" SB_RUNTIME_PATH);
	for (char **e = env; e && *e; e++) {
		int excluded;

		if (in_table(*e, strcspn(*e, "="), steers, ARRAY_SIZE(steers)))
			continue;
		excluded = sb_exclude_match(exclude, *e);
		out->failed |= excluded < 0;
		if (!excluded)
			sb_strv_add(out, *e);
	}
	return out->failed ? sb_no_memory(err) : 0;
}
