/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits of config.json: what all that make one share. */
#define _GNU_SOURCE
#include "edit.h"

#include "../spank/contract.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int sb_edit_fail(struct sb_edit *e, const char *fmt, ...)
{
	char text[2 * PATH_MAX + 256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return sb_fail(e->err, SB_FAIL, "config.json: %s", text);
}

int sb_edit_wrong(struct sb_edit *e, const char *path, const char *what)
{
	return sb_edit_fail(e, "%s: not %s", path, what);
}

int sb_edit_no_memory(struct sb_edit *e)
{
	return sb_fail(e->err, SB_FAIL, "out of memory");
}

void sb_edit_note(struct sb_edit *e, const char *fmt, ...)
{
	char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		line = NULL;
	va_end(ap);
	sb_strv_take(e->notes, line);
}

int sb_edit_set(struct sb_edit *e, json_t *object, const char *name,
		json_t *value)
{
	if (!value || json_object_set_new(object, name, value) < 0)
		return sb_edit_no_memory(e);
	return 0;
}

int sb_edit_part(struct sb_edit *e, json_t *parent, const char *path,
		 json_type type, json_t **out)
{
	const char *dot = strrchr(path, '.');
	json_t *o = json_object_get(parent, dot ? dot + 1 : path);

	*out = NULL;
	if (!o || json_is_null(o))
		return 0;
	if (json_typeof(o) != type)
		return sb_edit_wrong(e, path,
				     type == JSON_OBJECT  ? "an object"
				     : type == JSON_ARRAY ? "a list"
							  : "a string");
	*out = o;
	return 0;
}

int sb_edit_need(struct sb_edit *e, json_t *parent, const char *path,
		 json_type type, json_t **out)
{
	const char *dot = strrchr(path, '.');

	if (sb_edit_part(e, parent, path, type, out) < 0)
		return -1;
	if (*out)
		return 0;
	*out = type == JSON_OBJECT ? json_object() : json_array();
	return sb_edit_set(e, parent, dot ? dot + 1 : path, *out);
}
