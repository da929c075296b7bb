/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A config.json that a runtime can run without the step. */
#define _GNU_SOURCE
#include "standalone.h"

#include "../spank/contract.h"
#include "edit.h"
#include "mem.h"
#include "path.h"

struct work {
	const struct sb_standalone *of;
	struct sb_edit e;
	struct sb_strv dropped; /* destinations */
};

/* ---- the user namespace, which the helper makes in a step ---- */

static int map(struct work *w, json_t *linux_part, const char *name,
	       unsigned int id)
{
	return sb_edit_set(&w->e, linux_part, name,
			   json_pack("[{s:i,s:I,s:i}]", "containerID", 0,
				     "hostID", (json_int_t)id, "size", 1));
}

static int add_namespace(struct work *w, json_t *config)
{
	json_t *linux_part, *list;

	if (!w->of->uid)
		return 0;
	if (sb_edit_need(&w->e, config, "linux", JSON_OBJECT, &linux_part) <
		    0 ||
	    sb_edit_need(&w->e, linux_part, "linux.namespaces", JSON_ARRAY,
			 &list) < 0)
		return -1;
	if (json_array_append_new(list, json_pack("{s:s}", "type", "user")) < 0)
		return sb_edit_no_memory(&w->e);
	sb_edit_note(&w->e, "linux.namespaces: user: a step is in one already");
	return map(w, linux_part, "uidMappings", w->of->uid) < 0
		       ? -1
		       : map(w, linux_part, "gidMappings", w->of->gid);
}

/* ---- the layer, the directory ---- */

static int is_dropped(const struct work *w, const char *path)
{
	for (size_t i = 0; i < w->dropped.n; i++)
		if (sb_path_is_within(path, w->dropped.v[i]))
			return 1;
	return 0;
}

/* Whether a mount that stands before the i-th is above it. */
static int below_another(const json_t *mounts, size_t i, const char *path)
{
	while (i--) {
		const char *top = json_string_value(json_object_get(
			json_array_get(mounts, i), "destination"));

		if (top && strcmp(top, path) && sb_path_is_within(path, top))
			return 1;
	}
	return 0;
}

/* Why the i-th mount cannot be made without the step, or NULL. */
static const char *why_not(const struct work *w, const json_t *mounts, size_t i)
{
	const json_t *m = json_array_get(mounts, i);
	const char *dest = json_string_value(json_object_get(m, "destination"));
	const char *source = json_string_value(json_object_get(m, "source"));

	if (!dest)
		return NULL;
	if (is_dropped(w, dest))
		return "it lies in one that is left out";
	if (w->of->gone && source && sb_path_is_within(source, w->of->gone))
		return "its source goes with the step directory";
	if (w->of->layer && !below_another(mounts, i, dest) &&
	    !w->of->has(w->of->arg, dest))
		return "a step has a layer with this mount point";
	return NULL;
}

static void drop_mounts(struct work *w, json_t *mounts)
{
	for (size_t i = 0; i < json_array_size(mounts);) {
		const char *why = why_not(w, mounts, i), *dest;

		if (!why) {
			i++;
			continue;
		}
		dest = json_string_value(json_object_get(
			json_array_get(mounts, i), "destination"));
		sb_edit_note(&w->e, "mounts: %s: left out: %s", dest, why);
		sb_strv_add(&w->dropped, dest);
		json_array_remove(mounts, i);
	}
}

static int edit_root(struct work *w, json_t *config)
{
	json_t *root;

	if (sb_edit_need(&w->e, config, "root", JSON_OBJECT, &root) < 0)
		return -1;
	if (w->of->layer)
		sb_edit_note(&w->e, "root.path: the bundle's: a step has a "
				    "layer over it");
	if (sb_json_need_text("root file system", w->of->rootfs, w->e.err) < 0)
		return -1;
	return sb_edit_set(&w->e, root, "path", json_string(w->of->rootfs));
}

/* In a user namespace of its own making a runtime has to bind the node's
 * devices; crun 1.8 does not get that far. The conversion left only those that
 * the node has at the same place. */
static int bind_devices(struct work *w, json_t *config, json_t *mounts)
{
	json_t *linux_part = json_object_get(config, "linux"), *e;
	const char *path;
	size_t i;

	if (!w->of->uid)
		return 0;
	json_array_foreach (json_object_get(linux_part, "devices"), i, e) {
		path = json_string_value(json_object_get(e, "path"));
		if (!path || is_dropped(w, path))
			continue;
		sb_edit_note(&w->e, "linux.devices: %s: bound", path);
		if (json_array_append_new(mounts,
					  json_pack("{s:s, s:s, s:s, s:[s]}",
						    "destination", path, "type",
						    "bind", "source", path,
						    "options", "bind")) < 0)
			return sb_edit_no_memory(&w->e);
	}
	json_object_del(linux_part, "devices");
	return 0;
}

/* ---- our init ---- */

/* Its options that name what was left out: each has a value (inside.c). */
static void drop_options(struct work *w, json_t *args)
{
	for (size_t i = 1; i + 1 < json_array_size(args);) {
		const char *o = json_string_value(json_array_get(args, i));
		const char *v = json_string_value(json_array_get(args, i + 1));

		if (!o || !v || !strcmp(o, "--"))
			return;
		if ((strcmp(o, "-p") && strcmp(o, "-r")) || !is_dropped(w, v)) {
			i++;
			continue;
		}
		if (!strcmp(o, "-p"))
			sb_edit_note(&w->e, "seccomp: left out: a step's init "
					    "loads it from there");
		json_array_remove(args, i);
		json_array_remove(args, i);
	}
}

static void edit_args(struct work *w, json_t *config)
{
	json_t *args =
		json_object_get(json_object_get(config, "process"), "args");
	const char *init = json_string_value(json_array_get(args, 0)), *o;

	if (!w->of->init || !init)
		return;
	if (!is_dropped(w, init)) {
		drop_options(w, args);
		return;
	}
	sb_edit_note(&w->e, "process.args: without the init");
	while ((o = json_string_value(json_array_get(args, 0))) &&
	       strcmp(o, "--"))
		json_array_remove(args, 0);
	json_array_remove(args, 0);
}

int sb_standalone_edit(json_t *config, const struct sb_standalone *of,
		       struct sb_strv *notes, struct sb_err *err)
{
	struct work w = {.of = of, .e = {.notes = notes, .err = err}};
	json_t *mounts;
	int rc = sb_edit_need(&w.e, config, "mounts", JSON_ARRAY, &mounts);

	if (!rc) {
		drop_mounts(&w, mounts);
		edit_args(&w, config);
		rc = bind_devices(&w, config, mounts);
	}
	if (!rc)
		rc = edit_root(&w, config);
	if (!rc)
		rc = add_namespace(&w, config);
	if (!rc && (notes->failed || w.dropped.failed))
		rc = sb_edit_no_memory(&w.e);
	sb_strv_free(&w.dropped);
	return rc;
}
