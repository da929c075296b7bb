/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a task must know to enter a container that another one had made. */
#define _GNU_SOURCE
#include "recipe.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "fdio.h"
#include "mem.h"

#include <limits.h>
#include <string.h>

#define RECIPE "recipe.json"

static int has_namespace(const json_t *config, const char *type)
{
	const json_t *e;
	size_t i;

	json_array_foreach (
		json_object_get(json_object_get(config, "linux"), "namespaces"),
		i, e) {
		const char *t = json_string_value(json_object_get(e, "type"));

		if (t && !strcmp(t, type))
			return 1;
	}
	return 0;
}

static json_t *describe(const struct sb_plan *p, pid_t pid,
			unsigned long long start, int exec)
{
	const struct sb_inside *in = &p->inside;

	/* s*: left out where it is NULL. */
	return json_pack(
		"{s:i, s:I, s:I, s:b, s:b, s:b, s:s, s:o, s:o, s:o, s:s*, s:b, "
		"s:s*, s:s, s:s*, s:s*, s:s*, s:i}",
		"pid", (int)pid, "start", (json_int_t)start, "task",
		(json_int_t)p->job->task, "exec", exec, "ipc",
		has_namespace(p->bundle.config.root, "ipc"), "identity",
		in->identity, "program", in->program, "words",
		sb_json_list(in->join.v), "bundle_env",
		sb_json_list(p->theirs.v), "site_env", sb_json_list(p->site.v),
		"env_exclude", p->conf->env_exclude_text, "shell_inside",
		p->shell_inside, "path", in->path, "cwd", p->cwd, "terminals",
		in->terminals, "command", in->command, "command_inside",
		in->command_inside, "verbose", p->job->verbose);
}

int sb_recipe_write(const struct sb_plan *p, pid_t pid, int exec,
		    struct sb_err *err)
{
	struct sb_json doc = {.root = NULL};
	_cleanup_free_ char *text = NULL;
	struct sb_proc process;
	size_t len;
	int rc;

	if (sb_proc_read(pid, &process) < 0)
		return sb_fail(err, SB_FAIL,
			       "the container's process (pid %d) has ended",
			       pid);
	doc.root = describe(p, pid, process.start, exec);
	if (!doc.root && sb_json_no_memory())
		return sb_no_memory(err);
	if (!doc.root)
		return sb_fail(err, SB_FAIL,
			       "EnvSet, EnvExclude or a path holds bytes that "
			       "are no UTF-8");
	text = sb_json_dump(&doc, &len, err);
	rc = text ? sb_fdio_write(p->dir->fd, RECIPE, text, len, err) : -1;
	sb_json_free(&doc);
	return rc;
}

static int read_list(const json_t *from, const char *name, struct sb_strv *to)
{
	const json_t *list = json_object_get(from, name), *e;
	size_t i;

	json_array_foreach (list, i, e) {
		if (!json_is_string(e))
			return -1;
		sb_strv_add(to, json_string_value(e));
	}
	return json_is_array(list) && !to->failed ? 0 : -1;
}

static int take(struct sb_recipe *r)
{
	json_int_t start, task;
	int pid;

	/* ? : may be missing. */
	if (json_unpack(r->doc.root,
			"{s:i, s:I, s:I, s:b, s:b, s:b, s:s, s?s, s:b, s?s, "
			"s:s, s?s, s?s, s?s, s:i}",
			"pid", &pid, "start", &start, "task", &task, "exec",
			&r->exec, "ipc", &r->ipc, "identity", &r->identity,
			"program", &r->program, "env_exclude", &r->env_exclude,
			"shell_inside", &r->shell_inside, "path", &r->path,
			"cwd", &r->cwd, "terminals", &r->terminals, "command",
			&r->command, "command_inside", &r->command_inside,
			"verbose", &r->verbose) < 0)
		return -1;
	if (pid <= 1 || start <= 0 || task < 0 || task > UINT_MAX)
		return -1;
	r->pid = pid;
	r->start = start;
	r->task = task;
	if (read_list(r->doc.root, "words", &r->words) < 0 ||
	    read_list(r->doc.root, "bundle_env", &r->bundle_env) < 0)
		return -1;
	return read_list(r->doc.root, "site_env", &r->site_env);
}

int sb_recipe_read(struct sb_recipe *r, int dirfd, struct sb_err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	*r = (struct sb_recipe){.pid = 0};
	text = sb_fdio_read(dirfd, RECIPE, SB_JSON_MAX_SIZE, RECIPE, &len, err);
	if (!text || sb_json_parse(&r->doc, text, len, err) < 0)
		return -1;
	if (take(r) < 0)
		return sb_fail(err, SB_FAIL, RECIPE ": not what was written");
	return 0;
}

void sb_recipe_free(struct sb_recipe *r)
{
	sb_json_free(&r->doc);
	sb_strv_free(&r->words);
	sb_strv_free(&r->bundle_env);
	sb_strv_free(&r->site_env);
	*r = (struct sb_recipe){.pid = 0};
}
