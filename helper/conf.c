/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stepbox.conf: what the site says. */
#define _GNU_SOURCE
#include "conf.h"

#include "../spank/contract.h"
#include "../spank/keyval.h"
#include "../spank/mountopt.h"
#include "../spank/place.h"
#include "exclude.h"
#include "expand.h"
#include "mem.h"
#include "pattern.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const op_keys[SB_OPS] = {
	[SB_OP_RUN] = "RunTimeRun",	[SB_OP_CREATE] = "RunTimeCreate",
	[SB_OP_START] = "RunTimeStart", [SB_OP_QUERY] = "RunTimeQuery",
	[SB_OP_KILL] = "RunTimeKill",	[SB_OP_DELETE] = "RunTimeDelete",
	[SB_OP_EXEC] = "RunTimeExec",
};

const char *sb_conf_op_key(enum sb_op op)
{
	return op_keys[op];
}

const regex_t *sb_conf_env_exclude(const struct sb_conf *c)
{
	return c->has_env_exclude ? &c->env_exclude : NULL;
}

const regex_t *sb_conf_runtime_env_exclude(const struct sb_conf *c)
{
	return c->has_runtime_env_exclude ? &c->runtime_env_exclude : NULL;
}

/* ---- values ---- */

struct key;
typedef int value_fn(struct sb_conf *c, const struct key *k, const char *value,
		     struct sb_err *err);

struct key {
	const char *name;
	value_fn *fn;
	size_t arg; /* an operation, or a place in struct sb_conf */
};

#define AT(field) offsetof(struct sb_conf, field)

static void *at(struct sb_conf *c, const struct key *k)
{
	return (char *)c + k->arg;
}

static int replace(char **to, const char *value, struct sb_err *err)
{
	char *copy = strdup(value);

	if (!copy)
		return sb_no_memory(err);
	free(*to);
	*to = copy;
	return 0;
}

static int set_pattern(struct sb_conf *c, const struct key *k,
		       const char *value, struct sb_err *err)
{
	if (sb_pattern_check(value, err) < 0)
		return sb_wrap(err, "%s", k->name);
	if (k->arg != SB_OP_EXEC && sb_pattern_uses(value, 'x'))
		return sb_fail(err, SB_FAIL, "%s: %%x is for RunTimeExec alone",
			       k->name);
	return replace(&c->pattern[k->arg], value, err);
}

/* It becomes a file name. */
static int is_runtime_name(const char *s)
{
	return *s && *s != '.' &&
	       !s[strspn(s, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")];
}

static int set_runtime(struct sb_conf *c, const struct key *k,
		       const char *value, struct sb_err *err)
{
	if (!is_runtime_name(value))
		return sb_fail(err, SB_FAIL, "%s=%s: not the name of a runtime",
			       k->name, value);
	return replace(&c->runtime, value, err);
}

static int set_path(struct sb_conf *c, const struct key *k, const char *value,
		    struct sb_err *err)
{
	if (*value != '/')
		return sb_fail(err, SB_FAIL, "%s=%s: not absolute", k->name,
			       value);
	return replace(at(c, k), value, err);
}

/* Expanded for each task: $TMPDIR, /scratch/%u. */
static int set_writable_path(struct sb_conf *c, const struct key *k,
			     const char *value, struct sb_err *err)
{
	if (*value == '$')
		return replace(at(c, k), value, err);
	return set_path(c, k, value, err);
}

static int set_profile(struct sb_conf *c, const struct key *k,
		       const char *value, struct sb_err *err)
{
	if (!strcasecmp(value, "default"))
		return replace(at(c, k), SB_SECCOMP_DEFAULT, err);
	if (!strcasecmp(value, "none")) {
		sb_cleanup_free(&c->seccomp_profile);
		return 0;
	}
	return set_path(c, k, value, err);
}

static int add(struct sb_strv *list, const char *value, struct sb_err *err)
{
	sb_strv_add(list, value);
	return list->failed ? sb_no_memory(err) : 0;
}

static int add_bundle_path(struct sb_conf *c, const struct key *k,
			   const char *value, struct sb_err *err)
{
	if (*value != '/')
		return sb_fail(err, SB_FAIL, "%s=%s: not absolute", k->name,
			       value);
	return add(at(c, k), value, err);
}

static int add_mount(struct sb_conf *c, const struct key *k, const char *value,
		     struct sb_err *err)
{
	struct sb_mountopt *m = malloc(sizeof(*m));
	const char *p = value;
	int rc = m ? sb_mountopt_next(&p, m, err) : sb_no_memory(err);

	free(m);
	if (rc < 0)
		return sb_wrap(err, "%s=%s", k->name, value);
	if (!rc || *p)
		return sb_fail(err, SB_FAIL,
			       "%s=%s: one mount to a line: SRC:DST[:FLAGS]",
			       k->name, value);
	return add(at(c, k), value, err);
}

static int add_env(struct sb_conf *c, const struct key *k, const char *value,
		   struct sb_err *err)
{
	size_t len = strspn(value, "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	if (!len || value[len] != '=' || (*value >= '0' && *value <= '9') ||
	    !strncmp(value, SB_ENV_PREFIX, strlen(SB_ENV_PREFIX)))
		return sb_fail(err, SB_FAIL, "%s=%s: not NAME=VALUE", k->name,
			       value);
	return add(at(c, k), value, err);
}

static int add_runtimes(struct sb_conf *c, const struct key *k,
			const char *value, struct sb_err *err)
{
	for (const char *p = value; *p;) {
		size_t len = strcspn(p, ", ");
		_cleanup_free_ char *name = strndup(p, len);

		if (!name)
			return sb_no_memory(err);
		if (!is_runtime_name(name))
			return sb_fail(err, SB_FAIL,
				       "%s=%s: \"%s\" is not the name of a "
				       "runtime",
				       k->name, value, name);
		if (add(at(c, k), name, err) < 0)
			return -1;
		p += len;
		p += strspn(p, ", ");
	}
	return 0;
}

static int set_bool(struct sb_conf *c, const struct key *k, const char *value,
		    struct sb_err *err)
{
	int yes = sb_kv_bool(value);

	if (yes < 0)
		return sb_fail(err, SB_FAIL, "%s=%s: neither yes nor no",
			       k->name, value);
	*(int *)at(c, k) = yes;
	return 0;
}

/* Up to a day; more is no limit, which is 0. */
static int set_seconds(struct sb_conf *c, const struct key *k,
		       const char *value, struct sb_err *err)
{
	unsigned int *to = at(c, k);
	size_t len = strspn(value, "0123456789");

	*to = 0;
	for (const char *p = value; *p && len < 6; p++)
		*to = *to * 10 + (*p - '0');
	if (!len || len > 5 || value[len] || *to > 86400)
		return sb_fail(err, SB_FAIL, "%s=%s: not 0 to 86400 seconds",
			       k->name, value);
	return 0;
}

/* The words of a key whose value is an enum's; NULL where one has no word. */
static const char *const mode_words[] = {
	[SB_MODE_RUN] = "run",
	[SB_MODE_CREATE] = "create",
};
static const char *const per_words[] = {
	[SB_PER_NODE] = "node",
	[SB_PER_TASK] = "task",
};
static const char *const join_words[] = {
	[SB_JOIN_AUTO] = "auto",
	[SB_JOIN_NAMESPACES] = "namespaces",
	[SB_JOIN_EXEC] = "exec",
};

/* Returns the place of value in words (n of them), or -1 with err set. */
static int find_word(const struct key *k, const char *value,
		     const char *const *words, int n, struct sb_err *err)
{
	for (int i = 0; i < n; i++)
		if (words[i] && !strcasecmp(value, words[i]))
			return i;
	return sb_fail(err, SB_FAIL, "%s=%s: neither %s nor %s", k->name, value,
		       words[n - 2], words[n - 1]);
}

#define SET_WORD(field, words)                                                 \
	static int set_##field(struct sb_conf *c, const struct key *k,         \
			       const char *value, struct sb_err *err)          \
	{                                                                      \
		int i = find_word(k, value, words, ARRAY_SIZE(words), err);    \
                                                                               \
		if (i >= 0)                                                    \
			c->field = i;                                          \
		return i < 0 ? -1 : 0;                                         \
	}

SET_WORD(mode, mode_words)
SET_WORD(per, per_words)
SET_WORD(join, join_words)

static int set_init(struct sb_conf *c, const struct key *k, const char *value,
		    struct sb_err *err)
{
	int yes = sb_kv_bool(value);

	if (yes < 0 && strcasecmp(value, "auto"))
		return sb_fail(err, SB_FAIL, "%s=%s: not yes, no or auto",
			       k->name, value);
	c->init = yes < 0 ? SB_INIT_AUTO : yes ? SB_INIT_YES : SB_INIT_NO;
	return 0;
}

static int set_regex(struct sb_conf *c, const struct key *k, const char *value,
		     struct sb_err *err)
{
	regex_t *re = k->arg ? &c->runtime_env_exclude : &c->env_exclude;
	int *has = k->arg ? &c->has_runtime_env_exclude : &c->has_env_exclude;

	if (*has)
		regfree(re);
	*has = !sb_exclude_compile(re, k->name, value, err);
	if (!*has)
		return -1;
	return k->arg ? 0 : replace(&c->env_exclude_text, value, err);
}

/* Slurm's own keys: oci.conf(5). */

static int set_place(struct sb_conf *c, const struct key *k, const char *value,
		     struct sb_err *err)
{
	if (sb_place_check(value, err) < 0)
		return -1;
	return replace(at(c, k), value, err);
}

static int set_env_file(struct sb_conf *c, const struct key *k,
			const char *value, struct sb_err *err)
{
	int how = sb_ocikeys_env_file(value);

	if (how < 0)
		return sb_fail(err, SB_FAIL,
			       "%s=%s: not null, newline or disabled", k->name,
			       value);
	c->env_file = how;
	return 0;
}

static int set_hooks(struct sb_conf *c, const struct key *k, const char *value,
		     struct sb_err *err)
{
	sb_strv_free(&c->disable_hooks);
	if (sb_ocikeys_hooks(value, &c->disable_hooks, err) < 0)
		return sb_wrap(err, "%s", k->name);
	return 0;
}

/* A pattern whose letters become one path. */
static int set_path_pattern(struct sb_conf *c, const struct key *k,
			    const char *value, struct sb_err *err)
{
	if (*value != '/' && *value != '%')
		return sb_fail(err, SB_FAIL, "%s=%s: not absolute", k->name,
			       value);
	if (sb_expand_check(value, err) < 0)
		return sb_wrap(err, "%s=%s", k->name, value);
	return replace(at(c, k), value, err);
}

static int check_level(struct sb_conf *c, const struct key *k,
		       const char *value, struct sb_err *err)
{
	int level = sb_kv_level(value);

	if (level < 0)
		return sb_fail(err, SB_FAIL,
			       "%s=%s: no level of Slurm's logs (quiet to "
			       "debug5, or 0 to 9)",
			       k->name, value);
	if (k->arg)
		*(int *)at(c, k) = level;
	return 0;
}

static int check_flags(struct sb_conf *c, const struct key *k,
		       const char *value, struct sb_err *err)
{
	(void)c;
	return sb_ocikeys_flags(value, err) < 0 ? sb_wrap(err, "%s", k->name)
						: 0;
}

static int check_nothing(struct sb_conf *c, const struct key *k,
			 const char *value, struct sb_err *err)
{
	(void)c, (void)k, (void)value, (void)err;
	return 0;
}

/* The plugin acts on these; here they are only checked. */
static int check_bool(struct sb_conf *c, const struct key *k, const char *value,
		      struct sb_err *err)
{
	(void)c;
	if (sb_kv_bool(value) < 0)
		return sb_fail(err, SB_FAIL, "%s=%s: neither yes nor no",
			       k->name, value);
	return 0;
}

static const struct key keys[] = {
	{"Runtime", set_runtime, 0},
	{"RunTimeMode", set_mode, 0},
	{"RunTimeRun", set_pattern, SB_OP_RUN},
	{"RunTimeCreate", set_pattern, SB_OP_CREATE},
	{"RunTimeStart", set_pattern, SB_OP_START},
	{"RunTimeQuery", set_pattern, SB_OP_QUERY},
	{"RunTimeKill", set_pattern, SB_OP_KILL},
	{"RunTimeDelete", set_pattern, SB_OP_DELETE},
	{"RunTimeExec", set_pattern, SB_OP_EXEC},
	{"IgnoreFileConfigJson", set_bool, AT(ignore_config)},
	{"ContainerPer", set_per, 0},
	{"ContainerJoin", set_join, 0},
	{"ContainerPath", set_place, AT(container_path)},
	{"MountSpoolDir", set_path_pattern, AT(mount_spool_dir)},
	{"DisableCleanup", set_bool, AT(disable_cleanup)},
	{"CreateEnvFile", set_env_file, 0},
	{"EnvExclude", set_regex, 0},
	{"RunTimeEnvExclude", set_regex, 1},
	{"DisableHooks", set_hooks, 0},
	{"StdIODebug", check_level, AT(stdio_debug)},
	{"FileDebug", check_level, 0},
	{"SyslogDebug", check_level, 0},
	{"DebugFlags", check_flags, 0},
	{"SrunPath", check_nothing, 0},
	{"SrunArgs", check_nothing, 0},
	{"Init", set_init, 0},
	{"Mount", add_mount, AT(mounts)},
	{"MountHome", set_bool, AT(mount_home)},
	{"EnvSet", add_env, AT(env_set)},
	{"WritableDefault", set_bool, AT(writable)},
	{"WritablePath", set_writable_path, AT(writable_path)},
	{"BundlePath", add_bundle_path, AT(bundle_paths)},
	{"BundleTimeout", set_seconds, AT(bundle_timeout)},
	{"AllowRuntime", add_runtimes, AT(allow_runtimes)},
	{"PasswdEntry", set_bool, AT(passwd_entry)},
	{"SeccompProfile", set_profile, AT(seccomp_profile)},
	{"SlurmClient", set_bool, AT(slurm_client)},
	{"AllowRoot", set_bool, AT(allow_root)},
	{"TrustSlurmContainer", check_bool, 0},
};

_Static_assert(ARRAY_SIZE(keys) <= 64, "struct sb_conf: seen has 64 bits");

/* Of these each adds one; of others the last counts. */
static const char *const many[] = {
	"Mount", "EnvSet", "BundlePath", "AllowRuntime", "SrunArgs",
};

/* These are only checked. */
static const struct {
	const char *key, *why;
} unused[] = {
	{"DebugFlags",
	 "not used: stepbox's messages have levels alone (StdIODebug)"},
	{"SrunPath", "not used: it is for Slurm's scrun"},
	{"SrunArgs", "not used: it is for Slurm's scrun"},
};

static int adds(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		if (!strcmp(key, many[i]))
			return 1;
	return 0;
}

/* What whoever wrote the line may want to know, or NULL. */
static const char *remark_of(const char *key, int again)
{
	for (size_t i = 0; i < ARRAY_SIZE(unused); i++)
		if (!strcmp(key, unused[i].key))
			return again ? NULL : unused[i].why;
	return again && !adds(key) ? "stands here again: the last one counts"
				   : NULL;
}

static int remark(struct sb_conf *c, const struct key *k,
		  const struct sb_kv_pos *pos, struct sb_err *err)
{
	unsigned long long bit = 1ULL << (k - keys);
	const char *what = remark_of(k->name, !!(c->seen & bit));
	char *text = NULL;

	c->seen |= bit;
	if (!what)
		return 0;
	if (asprintf(&text, "%s:%u: %s: %s", pos->file, pos->line, k->name,
		     what) < 0)
		text = NULL;
	sb_strv_take(&c->remarks, text);
	return c->remarks.failed ? sb_no_memory(err) : 0;
}

static int pair(void *arg, const char *key, const char *value,
		const struct sb_kv_pos *pos, struct sb_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcasecmp(key, keys[i].name))
			return keys[i].fn(arg, &keys[i], value, err) < 0
				       ? -1
				       : remark(arg, &keys[i], pos, err);
	return sb_fail(err, SB_FAIL, "unknown key %s", key);
}

/* In a runtimes/NAME.conf only what describes a runtime makes sense. */
static int runtime_pair(void *arg, const char *key, const char *value,
			const struct sb_kv_pos *pos, struct sb_err *err)
{
	if ((strncasecmp(key, "RunTime", 7) || !strcasecmp(key, "Runtime")) &&
	    strcasecmp(key, "IgnoreFileConfigJson") &&
	    strcasecmp(key, "CreateEnvFile"))
		return sb_fail(err, SB_FAIL,
			       "%s does not belong in the "
			       "description of a runtime",
			       key);
	return pair(arg, key, value, pos, err);
}

/* ---- the whole ---- */

/*
 * The sets that oci.conf(5) allows: Run, Kill and Delete, perhaps Query; or
 * Create, Start, Query, Kill and Delete. With IgnoreFileConfigJson Slurm
 * (oci_config.c) asks for none, and can but use Run.
 */
static const enum sb_op run_set[] = {SB_OP_RUN, SB_OP_KILL, SB_OP_DELETE};
static const enum sb_op create_set[] = {SB_OP_CREATE, SB_OP_START, SB_OP_QUERY,
					SB_OP_KILL, SB_OP_DELETE};

int sb_conf_has_create(const struct sb_conf *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(create_set); i++)
		if (!c->pattern[create_set[i]])
			return 0;
	return 1;
}

static int check_set(const struct sb_conf *c, struct sb_err *err)
{
	const enum sb_op *set = c->mode == SB_MODE_RUN ? run_set : create_set;
	size_t n = c->mode == SB_MODE_RUN ? ARRAY_SIZE(run_set)
					  : ARRAY_SIZE(create_set);

	if (c->mode == SB_MODE_RUN && c->ignore_config)
		n = 1;
	for (size_t i = 0; i < n; i++)
		if (!c->pattern[set[i]])
			return sb_fail(err, SB_FAIL, "%s is missing",
				       op_keys[set[i]]);
	return 0;
}

/* What only a config.json can bring about is no promise to be broken quietly.
 */
static int check_ignored(const struct sb_conf *c, struct sb_err *err)
{
	const struct {
		const char *key;
		int set;
	} keys_in_vain[] = {
		{"Mount", c->mounts.n > 0},
		{"MountHome", c->mount_home},
		{"Init=yes", c->init == SB_INIT_YES},
		{"SeccompProfile", c->seccomp_profile != NULL},
		{"SlurmClient", c->slurm_client},
		{"WritableDefault", c->writable},
	};

	if (c->mode != SB_MODE_RUN)
		return sb_fail(err, SB_FAIL,
			       "IgnoreFileConfigJson: RunTimeCreate and "
			       "RunTimeStart are for bundles with a "
			       "config.json: set RunTimeRun");
	for (size_t i = 0; i < ARRAY_SIZE(keys_in_vain); i++)
		if (keys_in_vain[i].set)
			return sb_fail(err, SB_FAIL,
				       "IgnoreFileConfigJson: %s is done by "
				       "way of config.json: put what does it "
				       "into RunTimeRun",
				       keys_in_vain[i].key);
	return 0;
}

/* Nothing of the sort exists for such a runtime, whatever was set. */
static void drop_create(struct sb_conf *c)
{
	static const enum sb_op none[] = {SB_OP_CREATE, SB_OP_START,
					  SB_OP_QUERY, SB_OP_EXEC};

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		sb_cleanup_free(&c->pattern[none[i]]);
}

static int check_whole(struct sb_conf *c, struct sb_err *err)
{
	if (c->ignore_config && check_ignored(c, err) < 0)
		return -1;
	if (check_set(c, err) < 0)
		return -1;
	if (c->ignore_config)
		drop_create(c);
	return 0;
}

static int choose_mode(struct sb_conf *c, const struct sb_conf *own,
		       struct sb_err *err)
{
	const struct sb_conf *by = own;
	int run, create;

	if (!own->pattern[SB_OP_RUN] && !own->pattern[SB_OP_CREATE] &&
	    !own->pattern[SB_OP_START])
		by = c;
	run = by->pattern[SB_OP_RUN] != NULL;
	create = by->pattern[SB_OP_CREATE] || by->pattern[SB_OP_START];
	if (c->mode != SB_MODE_UNSET)
		return 0;
	if (!run && !create)
		return sb_fail(err, SB_FAIL,
			       "no runtime: set Runtime=NAME, or RunTimeRun, "
			       "RunTimeKill and RunTimeDelete");
	if (run && create && by == own && !c->ignore_config)
		return sb_fail(err, SB_FAIL,
			       "RunTimeRun and RunTimeCreate/RunTimeStart "
			       "exclude each other (or set RunTimeMode)");
	c->mode = run ? SB_MODE_RUN : SB_MODE_CREATE;
	return 0;
}

/* A site's own description of a runtime goes before a shipped one. */
static char *find_description(const char *conf, const char *name)
{
	const char *slash = strrchr(conf, '/');
	char *file = NULL;

	if (asprintf(&file, "%.*sstepbox.runtimes/%s.conf",
		     slash ? (int)(slash - conf + 1) : 0, conf, name) < 0)
		return NULL;
	if (!access(file, F_OK))
		return file;
	free(file);
	return asprintf(&file, "%s/%s.conf", SB_RUNTIMES_DIR, name) < 0 ? NULL
									: file;
}

/* Of the environment, too, the site's own word goes first. */
static void add_environment(struct sb_conf *c, struct sb_conf *base)
{
	if (c->env_file == SB_ENV_FILE_AUTO)
		c->env_file = base->env_file;
	if (c->has_runtime_env_exclude || !base->has_runtime_env_exclude)
		return;
	c->runtime_env_exclude = base->runtime_env_exclude;
	c->has_runtime_env_exclude = 1;
	base->has_runtime_env_exclude = 0;
}

/* Puts the runtime's patterns where the site has none of its own. */
static int add_runtime(struct sb_conf *c, const char *path, struct sb_err *err)
{
	_cleanup_free_ char *file = find_description(path, c->runtime);
	struct sb_conf base = {.runtime = NULL};
	int rc, own_run = c->pattern[SB_OP_RUN] != NULL;

	if (!file)
		return sb_no_memory(err);
	rc = sb_kv_read(file, SB_KV_ANY, runtime_pair, &base, err);
	if (!rc && c->ignore_config && !base.ignore_config && !own_run)
		rc = sb_fail(err, SB_FAIL,
			     "IgnoreFileConfigJson: it is an OCI runtime, and "
			     "takes a config.json");
	if (rc < 0)
		sb_wrap(err, "Runtime=%s", c->runtime);
	c->ignore_config |= base.ignore_config;
	for (int i = 0; i < SB_OPS && !rc; i++)
		if (!c->pattern[i])
			c->pattern[i] = steal_ptr(base.pattern[i]);
	if (c->mode == SB_MODE_UNSET)
		c->mode = base.mode;
	add_environment(c, &base);
	sb_conf_free(&base);
	return rc;
}

static int is_allowed(const struct sb_conf *c, const char *name)
{
	for (size_t i = 0; i < c->allow_runtimes.n; i++)
		if (!strcmp(c->allow_runtimes.v[i], name))
			return 1;
	return 0;
}

/* What the user chose; the site's patterns are for the site's runtime. */
static int choose_runtime(struct sb_conf *c, const char *name,
			  struct sb_err *err)
{
	if (!name || (c->runtime && !strcmp(name, c->runtime)))
		return 0;
	if (!is_allowed(c, name))
		return sb_fail(err, SB_FAIL,
			       "--container-runtime=%s: not one of those that "
			       "AllowRuntime in the site's configuration names",
			       name);
	for (int i = 0; i < SB_OPS; i++)
		sb_cleanup_free(&c->pattern[i]);
	c->ignore_config = 0;
	c->env_file = SB_ENV_FILE_AUTO;
	return replace(&c->runtime, name, err);
}

int sb_conf_load(struct sb_conf *c, const char *path, const char *runtime,
		 struct sb_err *err)
{
	struct sb_conf own;

	*c = (struct sb_conf){.passwd_entry = 1, .bundle_timeout = 60};
	if (sb_kv_read(path, SB_KV_ANY, pair, c, err) < 0)
		return sb_wrap(err, "configuration");
	if (choose_runtime(c, runtime, err) < 0)
		return -1;
	own = *c; /* which patterns the site set itself; borrowed */
	if (c->runtime) {
		/* A mode that the site's own patterns imply goes before the
		 * runtime's preference. */
		if (c->mode == SB_MODE_UNSET && own.pattern[SB_OP_RUN])
			c->mode = SB_MODE_RUN;
		else if (c->mode == SB_MODE_UNSET && own.pattern[SB_OP_CREATE])
			c->mode = SB_MODE_CREATE;
		if (add_runtime(c, path, err) < 0)
			return sb_wrap(err, "configuration %s", path);
	}
	if (choose_mode(c, &own, err) < 0 || check_whole(c, err) < 0)
		return sb_wrap(err, "configuration %s", path);
	return 0;
}

void sb_conf_free(struct sb_conf *c)
{
	sb_cleanup_free(&c->runtime);
	for (int i = 0; i < SB_OPS; i++)
		sb_cleanup_free(&c->pattern[i]);
	sb_cleanup_free(&c->container_path);
	sb_cleanup_free(&c->env_exclude_text);
	if (c->has_env_exclude)
		regfree(&c->env_exclude);
	if (c->has_runtime_env_exclude)
		regfree(&c->runtime_env_exclude);
	sb_strv_free(&c->mounts);
	sb_strv_free(&c->env_set);
	sb_strv_free(&c->bundle_paths);
	sb_strv_free(&c->allow_runtimes);
	sb_cleanup_free(&c->writable_path);
	sb_cleanup_free(&c->seccomp_profile);
	sb_strv_free(&c->disable_hooks);
	sb_cleanup_free(&c->mount_spool_dir);
	sb_strv_free(&c->remarks);
	*c = (struct sb_conf){.runtime = NULL};
}
