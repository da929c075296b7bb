/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The edits that make a bundle's config.json into the step's copy. */
#include "spec.h"

#include "../spank/contract.h"
#include "caps.h"
#include "mem.h"
#include "path.h"

#include <string.h>

static int wrong(const char *path, const char *what, struct sb_err *err)
{
	return sb_fail(err, SB_FAIL, "config.json: %s: not %s", path, what);
}

/* The object name in parent, made if missing. */
static json_t *need_object(json_t *parent, const char *name, struct sb_err *err)
{
	json_t *o = json_object_get(parent, name);

	if (o && !json_is_object(o)) {
		wrong(name, "an object", err);
		return NULL;
	}
	if (!o) {
		o = json_object();
		if (!o || json_object_set_new(parent, name, o) < 0) {
			sb_no_memory(err);
			return NULL;
		}
	}
	return o;
}

static int set(json_t *object, const char *name, json_t *value,
	       struct sb_err *err)
{
	if (!value || json_object_set_new(object, name, value) < 0)
		return sb_no_memory(err);
	return 0;
}

/* A path of the node's, which may be of any bytes; what names it. */
static int set_path(json_t *object, const char *name, const char *what,
		    const char *path, struct sb_err *err)
{
	if (sb_json_need_text(what, path, err) < 0)
		return -1;
	return set(object, name, json_string(path), err);
}

/* ---- process ---- */

static json_t *list_of(char **strings)
{
	json_t *list = json_array();

	for (; list && strings && *strings; strings++)
		if (json_array_append_new(list, json_string_nocheck(*strings)) <
		    0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static int edit_args(json_t *config, const struct sb_spec *s,
		     struct sb_err *err)
{
	json_t *process = need_object(config, "process", err);

	if (!process)
		return -1;
	for (char **a = s->args; *a; a++)
		if (!sb_json_is_text(*a))
			return sb_fail(err, SB_FAIL,
				       "argument \"%s\": holds bytes that are "
				       "no UTF-8, which config.json cannot "
				       "carry",
				       *a);
	/* runtime-spec: commandLine is Windows'. */
	json_object_del(process, "commandLine");
	return set(process, "args", list_of(s->args), err);
}

static int edit_env(json_t *config, const struct sb_spec *s, struct sb_err *err)
{
	json_t *process = need_object(config, "process", err);

	if (!process)
		return -1;
	for (char **e = s->env; e && *e; e++)
		if (!sb_json_is_text(*e))
			return sb_fail(err, SB_FAIL,
				       "environment variable %.*s: holds bytes "
				       "that are no UTF-8, which config.json "
				       "cannot carry: unset it",
				       (int)strcspn(*e, "="), *e);
	return set(process, "env", list_of(s->env), err);
}

static int edit_terminal(json_t *config, const struct sb_spec *s,
			 struct sb_err *err)
{
	json_t *process = need_object(config, "process", err);

	if (!process)
		return -1;
	/* The size of a terminal is the step's, not one written down once;
	 * crun looks at its own only when that changes. */
	json_object_del(process, "consoleSize");
	if (s->terminal && s->rows && s->columns &&
	    set(process, "consoleSize",
		json_pack("{s:i, s:i}", "height", (int)s->rows, "width",
			  (int)s->columns),
		err) < 0)
		return -1;
	return set(process, "terminal", json_boolean(s->terminal), err);
}

static int edit_cwd(json_t *config, const struct sb_spec *s, struct sb_err *err)
{
	json_t *process = need_object(config, "process", err);
	const json_t *cwd;

	if (!process)
		return -1;
	if (s->cwd)
		return set_path(process, "cwd", "working directory", s->cwd,
				err);
	cwd = json_object_get(process, "cwd");
	if (!cwd || json_is_null(cwd))
		return set(process, "cwd", json_string("/"), err);
	if (!sb_path_is_cwd(json_string_value(cwd)))
		return wrong("process.cwd", "an absolute path outside /proc",
			     err);
	return 0;
}

/* ---- the rest ---- */

static int edit_root(json_t *config, const struct sb_spec *s,
		     struct sb_err *err)
{
	json_t *root = need_object(config, "root", err);

	if (!root)
		return -1;
	if (s->readonly >= 0 &&
	    set(root, "readonly", json_boolean(s->readonly), err) < 0)
		return -1;
	/* The copy lies elsewhere than the bundle. */
	return set_path(root, "path", "root file system", s->rootfs, err);
}

/* Our init maps the container's root, to which the kernel wants CAP_SETFCAP
 * since Linux 5.12: user_namespaces(7). */
static int edit_capabilities(json_t *config, const struct sb_spec *s,
			     struct sb_err *err)
{
	json_t *process = need_object(config, "process", err);

	if (!process)
		return -1;
	if (!s->identity)
		return 0;
	return set(process, "capabilities", sb_caps_only("CAP_SETFCAP"), err);
}

static int edit_seccomp(json_t *config, const struct sb_spec *s,
			struct sb_err *err)
{
	json_t *linux_part = need_object(config, "linux", err);

	if (!linux_part)
		return -1;
	if (s->seccomp == SB_SPEC_SECCOMP_SET)
		return set(linux_part, "seccomp", json_incref(s->profile), err);
	if (s->seccomp == SB_SPEC_SECCOMP_OURS)
		json_object_del(linux_part, "seccomp");
	return 0;
}

/* Runtimes refuse a version newer than they are (crun 1.8: 1.1 and up), though
 * fields that they do not know are no error to them. */
static int edit_version(json_t *config, const struct sb_spec *s,
			struct sb_err *err)
{
	(void)s;
	return set(config, "ociVersion", json_string("1.0.2"), err);
}

typedef int edit_fn(json_t *config, const struct sb_spec *s,
		    struct sb_err *err);

/* In the manual's order: what of config.json changes, and by which function. */
static edit_fn *const edits[] = {
	edit_version, edit_args, edit_env,	    edit_terminal,
	edit_cwd,     edit_root, edit_capabilities, edit_seccomp,
};

int sb_spec_edit(json_t *config, const struct sb_spec *spec, struct sb_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++)
		if (edits[i](config, spec, err) < 0)
			return -1;
	return 0;
}

/* ---- mounts ---- */

static void remove_below(json_t *mounts, const char *top)
{
	for (size_t i = json_array_size(mounts); i-- > 0;) {
		const char *dest = json_string_value(json_object_get(
			json_array_get(mounts, i), "destination"));

		if (dest && sb_path_is_within(dest, top))
			json_array_remove(mounts, i);
	}
}

static json_t *words_of(const char *text)
{
	json_t *list = json_array();

	while (list && *text) {
		size_t len = strcspn(text, ",");

		if (len &&
		    json_array_append_new(list, json_stringn(text, len)) < 0) {
			json_decref(list);
			return NULL;
		}
		text += len + !!text[len];
	}
	return list;
}

static int add_mount(json_t *mounts, const struct sb_spec_mount *m,
		     struct sb_err *err)
{
	json_t *o;

	if (sb_json_need_text("mount of", m->source, err) < 0 ||
	    sb_json_need_text("mount on", m->destination, err) < 0)
		return -1;
	o = json_pack("{s:s, s:s, s:s, s:o}", "destination", m->destination,
		      "type", m->type, "source", m->source, "options",
		      words_of(m->options));
	if (!o || json_array_append_new(mounts, o) < 0)
		return sb_no_memory(err);
	return 0;
}

int sb_spec_mounts(json_t *config, const struct sb_spec_mount *list, size_t n,
		   char **umounts, struct sb_err *err)
{
	json_t *mounts = json_object_get(config, "mounts");

	if (mounts && !json_is_array(mounts))
		return wrong("mounts", "a list", err);
	if (!mounts) {
		mounts = json_array();
		if (set(config, "mounts", mounts, err) < 0)
			return -1;
	}
	for (; umounts && *umounts; umounts++)
		remove_below(mounts, *umounts);
	for (size_t i = 0; i < n; i++)
		if (add_mount(mounts, &list[i], err) < 0)
			return -1;
	return 0;
}

/* ---- questions ---- */

int sb_spec_env(const json_t *config, struct sb_strv *out, struct sb_err *err)
{
	const json_t *process = json_object_get(config, "process");
	const json_t *env = json_object_get(process, "env");
	size_t i;
	json_t *e;

	if (process && !json_is_object(process))
		return wrong("process", "an object", err);
	if (env && !json_is_array(env))
		return wrong("process.env", "a list", err);
	json_array_foreach (env, i, e) {
		if (!json_is_string(e))
			return sb_fail(err, SB_FAIL,
				       "config.json: "
				       "process.env[%zu]: not a "
				       "string",
				       i);
		sb_strv_add(out, json_string_value(e));
	}
	return out->failed ? sb_no_memory(err) : 0;
}

const char *sb_spec_tmpfs(const json_t *config,
			  int (*taken)(const void *arg, const char *path),
			  const void *arg)
{
	const char *best = NULL, *dest, *type;
	size_t i;
	json_t *m;

	json_array_foreach (json_object_get(config, "mounts"), i, m) {
		type = json_string_value(json_object_get(m, "type"));
		dest = json_string_value(json_object_get(m, "destination"));
		if (!type || !dest || strcmp(type, "tmpfs") || *dest != '/' ||
		    !dest[1] || taken(arg, dest))
			continue;
		if (!strcmp(dest, "/dev"))
			return dest;
		if (!best)
			best = dest;
	}
	return best;
}

const char *sb_spec_personality(const json_t *config)
{
	static const struct {
		const char *domain, *number;
	} known[] = {{"LINUX", "0"}, {"LINUX32", "8"}};
	const json_t *personality = json_object_get(
		json_object_get(config, "linux"), "personality");
	const char *domain =
		json_string_value(json_object_get(personality, "domain"));

	for (size_t i = 0; domain && i < ARRAY_SIZE(known); i++)
		if (!strcmp(domain, known[i].domain))
			return known[i].number;
	return NULL;
}

int sb_spec_covers(const json_t *config, const char *path)
{
	const char *dest;
	size_t i;
	json_t *m;

	json_array_foreach (json_object_get(config, "mounts"), i, m) {
		dest = json_string_value(json_object_get(m, "destination"));
		if (dest && sb_path_is_within(path, dest))
			return 1;
	}
	return 0;
}
