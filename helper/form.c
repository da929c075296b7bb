/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The form of config.json. */
#include "form.h"

#include "../spank/contract.h"
#include "mem.h"
#include "names.h"

#include <stdio.h>
#include <string.h>

enum type {
	OBJECT,
	LIST,
	STRING,
	BOOLEAN,
	NUMBER, /* a whole one; may be larger than an int64 */
};

static const char *const words[] = {
	[OBJECT] = "an object",	     [LIST] = "a list",
	[STRING] = "a string",	     [BOOLEAN] = "true or false",
	[NUMBER] = "a whole number",
};

/* A path: names, "*" for each member, "[]" for each entry of a list. What holds
 * something comes before that. */
struct rule {
	const char *path;
	enum type type;
	int required; /* where its parent is there */
};

static const struct rule rules[] = {
	{"ociVersion", STRING, 0},
	{"root", OBJECT, 0},
	{"root.readonly", BOOLEAN, 0},
	{"process", OBJECT, 0},
	{"process.terminal", BOOLEAN, 0},
	{"process.args", LIST, 0},
	{"process.args[]", STRING, 0},
	{"process.env", LIST, 0},
	{"process.env[]", STRING, 0},
	{"process.cwd", STRING, 0},
	{"process.noNewPrivileges", BOOLEAN, 0},
	{"process.capabilities", OBJECT, 0},
	{"process.capabilities.*", LIST, 0},
	{"process.capabilities.*[]", STRING, 0},
	{"mounts", LIST, 0},
	{"mounts[]", OBJECT, 0},
	{"mounts[].destination", STRING, 1},
	{"mounts[].type", STRING, 0},
	{"mounts[].source", STRING, 0},
	{"mounts[].options", LIST, 0},
	{"mounts[].options[]", STRING, 0},
	{"hooks", OBJECT, 0},
	{"annotations", OBJECT, 0},
	{"annotations.*", STRING, 0},
	{"linux", OBJECT, 0},
	{"linux.namespaces", LIST, 0},
	{"linux.namespaces[]", OBJECT, 0},
	{"linux.namespaces[].type", STRING, 1},
	{"linux.namespaces[].path", STRING, 0},
	{"linux.devices", LIST, 0},
	{"linux.devices[]", OBJECT, 0},
	{"linux.devices[].path", STRING, 1},
	{"linux.devices[].type", STRING, 0},
	{"linux.devices[].major", NUMBER, 0},
	{"linux.devices[].minor", NUMBER, 0},
	{"linux.sysctl", OBJECT, 0},
	{"linux.sysctl.*", STRING, 0},
	{"linux.rootfsPropagation", STRING, 0},
	{"linux.maskedPaths", LIST, 0},
	{"linux.maskedPaths[]", STRING, 0},
	{"linux.readonlyPaths", LIST, 0},
	{"linux.readonlyPaths[]", STRING, 0},
	{"linux.personality", OBJECT, 0},
	{"linux.personality.domain", STRING, 1},
	{"linux.personality.flags", LIST, 0},
	{"linux.personality.flags[]", STRING, 0},
};

const char *const sb_form_hooks[SB_FORM_HOOKS] = {
	"prestart",	  "createRuntime", "createContainer",
	"startContainer", "poststart",	   "poststop",
};

static const struct rule hook_rules[] = {
	{"", LIST, 0},
	{"[]", OBJECT, 0},
	{"[].path", STRING, 1},
	{"[].args", LIST, 0},
	{"[].args[]", STRING, 0},
	{"[].env", LIST, 0},
	{"[].env[]", STRING, 0},
	{"[].timeout", NUMBER, 0},
};

struct walk {
	const struct sb_json *doc;
	struct sb_err *err;
	char path[256]; /* where it is, as far as that fits */
};

/* A number that jansson cannot hold is a marked string (json.h): a whole one
 * has digits alone. */
static int is_type(const struct walk *w, const json_t *v, enum type type)
{
	const char *s = json_string_value(v);
	size_t len = strlen(w->doc->mark);
	int carried = s && len && !strncmp(s, w->doc->mark, len);

	switch (type) {
	case OBJECT:
		return json_is_object(v);
	case LIST:
		return json_is_array(v);
	case BOOLEAN:
		return json_is_boolean(v);
	case STRING:
		return s && !carried;
	case NUMBER:
		return json_is_integer(v) ||
		       (carried && !s[len + strspn(s + len, "-0123456789")]);
	}
	return 0;
}

static int check(struct walk *w, const json_t *v, const struct rule *r)
{
	if (!v && !r->required)
		return 0;
	if (!v)
		return sb_fail(w->err, SB_FAIL, "config.json: %s: missing",
			       w->path);
	if (is_type(w, v, r->type))
		return 0;
	return sb_fail(w->err, SB_FAIL, "config.json: %s: not %s", w->path,
		       words[r->type]);
}

static int go(struct walk *w, const json_t *v, const char *rest,
	      const struct rule *r);

/* One step down, to v, which is called name there. */
static int enter(struct walk *w, const json_t *v, const char *name,
		 const char *rest, const struct rule *r)
{
	size_t len = strlen(w->path);
	int rc;

	snprintf(w->path + len, sizeof(w->path) - len, "%s%s",
		 len && *name != '[' ? "." : "", name);
	rc = go(w, v, rest, r);
	w->path[len] = '\0';
	return rc;
}

static int each_entry(struct walk *w, const json_t *list, const char *rest,
		      const struct rule *r)
{
	char name[32];
	size_t i;
	json_t *v;

	json_array_foreach (list, i, v) {
		snprintf(name, sizeof(name), "[%zu]", i);
		if (enter(w, v, name, rest, r) < 0)
			return -1;
	}
	return 0;
}

static int each_member(struct walk *w, json_t *object, const char *rest,
		       const struct rule *r)
{
	const char *key;
	json_t *v;

	json_object_foreach (object, key, v)
		if (enter(w, v, key, rest, r) < 0)
			return -1;
	return 0;
}

/* From v on along rest, what is left of the rule's path. */
static int go(struct walk *w, const json_t *v, const char *rest,
	      const struct rule *r)
{
	char name[64];
	size_t len;

	/* In a list null is an entry like others. */
	if (json_is_null(v) &&
	    (rest - r->path < 2 || strncmp(rest - 2, "[]", 2) != 0))
		v = NULL;
	if (!*rest)
		return check(w, v, r);
	if (!v)
		return 0;
	if (!strncmp(rest, "[]", 2))
		return each_entry(w, v, rest + 2, r);
	rest += *rest == '.';
	len = strcspn(rest, ".[");
	if (*rest == '*')
		return each_member(w, (json_t *)v, rest + len, r);
	snprintf(name, sizeof(name), "%.*s", (int)len, rest);
	return enter(w, json_object_get(v, name), name, rest + len, r);
}

static int check_hooks(struct walk *w)
{
	const json_t *hooks = json_object_get(w->doc->root, "hooks");

	/* Other members of hooks are unknown ones. */
	for (size_t i = 0; i < SB_FORM_HOOKS; i++) {
		const json_t *list = json_object_get(hooks, sb_form_hooks[i]);

		for (size_t k = 0; k < ARRAY_SIZE(hook_rules); k++) {
			snprintf(w->path, sizeof(w->path), "hooks.%s",
				 sb_form_hooks[i]);
			if (go(w, list, hook_rules[k].path, &hook_rules[k]) < 0)
				return -1;
		}
	}
	return 0;
}

int sb_form_check(const struct sb_json *doc, struct sb_err *err)
{
	struct walk w = {.doc = doc, .err = err};

	if (sb_names_check(doc->root, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		w.path[0] = '\0';
		if (go(&w, doc->root, rules[i].path, &rules[i]) < 0)
			return -1;
	}
	return check_hooks(&w);
}
