/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stepbox.conf: what the site says. */
#define _GNU_SOURCE
#include "conf.h"

#include "../spank/contract.h"
#include "../spank/keyval.h"
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
};

const char *sb_conf_op_key(enum sb_op op)
{
	return op_keys[op];
}

/* ---- values ---- */

struct key;
typedef int value_fn(struct sb_conf *c, const struct key *k, const char *value,
		     struct sb_err *err);

struct key {
	const char *name;
	value_fn *fn;
	int arg;
};

static int replace(char **to, const char *value, struct sb_err *err)
{
	char *copy = strdup(value);

	if (!copy)
		return sb_fail(err, SB_FAIL, "out of memory");
	free(*to);
	*to = copy;
	return 0;
}

static int set_pattern(struct sb_conf *c, const struct key *k,
		       const char *value, struct sb_err *err)
{
	if (sb_pattern_check(value, err) < 0)
		return sb_wrap(err, "%s", k->name);
	return replace(&c->pattern[k->arg], value, err);
}

static int set_runtime(struct sb_conf *c, const struct key *k,
		       const char *value, struct sb_err *err)
{
	/* It becomes a file name. */
	if (value[strspn(value, "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")] ||
	    *value == '.')
		return sb_fail(err, SB_FAIL, "%s=%s: not the name of a runtime",
			       k->name, value);
	return replace(&c->runtime, value, err);
}

static int set_container_path(struct sb_conf *c, const struct key *k,
			      const char *value, struct sb_err *err)
{
	if (*value != '/')
		return sb_fail(err, SB_FAIL, "%s=%s: not absolute", k->name,
			       value);
	return replace(&c->container_path, value, err);
}

static int set_mode(struct sb_conf *c, const struct key *k, const char *value,
		    struct sb_err *err)
{
	if (!strcasecmp(value, "run"))
		c->mode = SB_MODE_RUN;
	else if (!strcasecmp(value, "create"))
		c->mode = SB_MODE_CREATE;
	else
		return sb_fail(err, SB_FAIL, "%s=%s: neither run nor create",
			       k->name, value);
	return 0;
}

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
	char why[128];
	int rc;

	if (*has)
		regfree(re);
	rc = regcomp(re, value, REG_EXTENDED | REG_NOSUB);
	*has = !rc;
	if (!rc)
		return 0;
	regerror(rc, re, why, sizeof(why));
	return sb_fail(err, SB_FAIL, "%s=\"%s\": %s", k->name, value, why);
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
	{"ContainerPath", set_container_path, 0},
	{"EnvExclude", set_regex, 0},
	{"RunTimeEnvExclude", set_regex, 1},
	{"Init", set_init, 0},
	{"AllowRoot", check_bool, 0},
	{"TrustSlurmContainer", check_bool, 0},
};

static int pair(void *arg, const char *key, const char *value,
		const struct sb_kv_pos *pos, struct sb_err *err)
{
	(void)pos;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcasecmp(key, keys[i].name))
			return keys[i].fn(arg, &keys[i], value, err);
	return sb_fail(err, SB_FAIL, "unknown key %s", key);
}

/* In a runtimes/NAME.conf only what describes a runtime makes sense. */
static int runtime_pair(void *arg, const char *key, const char *value,
			const struct sb_kv_pos *pos, struct sb_err *err)
{
	if (strncasecmp(key, "RunTime", 7) || !strcasecmp(key, "Runtime"))
		return sb_fail(err, SB_FAIL,
			       "%s does not belong in the "
			       "description of a runtime",
			       key);
	return pair(arg, key, value, pos, err);
}

/* ---- the whole ---- */

/*
 * The sets that oci.conf(5) allows: Run, Kill and Delete, perhaps Query; or
 * Create, Start, Query, Kill and Delete.
 */
static int check_set(const struct sb_conf *c, struct sb_err *err)
{
	static const enum sb_op run[] = {SB_OP_RUN, SB_OP_KILL, SB_OP_DELETE};
	static const enum sb_op create[] = {SB_OP_CREATE, SB_OP_START,
					    SB_OP_QUERY, SB_OP_KILL,
					    SB_OP_DELETE};
	const enum sb_op *set = c->mode == SB_MODE_RUN ? run : create;
	size_t n =
		c->mode == SB_MODE_RUN ? ARRAY_SIZE(run) : ARRAY_SIZE(create);

	for (size_t i = 0; i < n; i++)
		if (!c->pattern[set[i]])
			return sb_fail(err, SB_FAIL, "%s is missing",
				       op_keys[set[i]]);
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
	if (run && create && by == own)
		return sb_fail(err, SB_FAIL,
			       "RunTimeRun and RunTimeCreate/RunTimeStart "
			       "exclude each other (or set RunTimeMode)");
	c->mode = run ? SB_MODE_RUN : SB_MODE_CREATE;
	return 0;
}

/* Puts the runtime's patterns where the site has none of its own. */
static int add_runtime(struct sb_conf *c, struct sb_err *err)
{
	_cleanup_free_ char *file = NULL;
	struct sb_conf base = {.runtime = NULL};
	int rc;

	if (asprintf(&file, "%s/%s.conf", SB_RUNTIMES_DIR, c->runtime) < 0)
		return sb_fail(err, SB_FAIL, "out of memory");
	rc = sb_kv_read(file, SB_KV_ANY, runtime_pair, &base, err);
	if (rc < 0)
		sb_wrap(err, "Runtime=%s", c->runtime);
	for (int i = 0; i < SB_OPS && !rc; i++)
		if (!c->pattern[i])
			c->pattern[i] = steal_ptr(base.pattern[i]);
	if (c->mode == SB_MODE_UNSET)
		c->mode = base.mode;
	sb_conf_free(&base);
	return rc;
}

int sb_conf_load(struct sb_conf *c, const char *path, struct sb_err *err)
{
	struct sb_conf own;

	*c = (struct sb_conf){.runtime = NULL};
	if (sb_kv_read(path, SB_KV_ANY, pair, c, err) < 0)
		return sb_wrap(err, "configuration");
	own = *c; /* which patterns the site set itself; borrowed */
	if (c->runtime) {
		/* A mode that the site's own patterns imply goes before the
		 * runtime's preference. */
		if (c->mode == SB_MODE_UNSET && own.pattern[SB_OP_RUN])
			c->mode = SB_MODE_RUN;
		else if (c->mode == SB_MODE_UNSET && own.pattern[SB_OP_CREATE])
			c->mode = SB_MODE_CREATE;
		if (add_runtime(c, err) < 0)
			return sb_wrap(err, "configuration %s", path);
	}
	if (choose_mode(c, &own, err) < 0 || check_set(c, err) < 0)
		return sb_wrap(err, "configuration %s", path);
	return 0;
}

void sb_conf_free(struct sb_conf *c)
{
	sb_cleanup_free(&c->runtime);
	for (int i = 0; i < SB_OPS; i++)
		sb_cleanup_free(&c->pattern[i]);
	sb_cleanup_free(&c->container_path);
	if (c->has_env_exclude)
		regfree(&c->env_exclude);
	if (c->has_runtime_env_exclude)
		regfree(&c->runtime_env_exclude);
	*c = (struct sb_conf){.runtime = NULL};
}
