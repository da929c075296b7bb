/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An edit of config.json: how its rules read a part that may be missing or of
 * the wrong form, say what they changed, and fail. Paths are the document's
 * own ("linux.namespaces"), without spaces.
 */
#ifndef SB_EDIT_H
#define SB_EDIT_H

#include "../spank/err.h"
#include "buf.h"
#include "json.h"

/* Both are borrowed. */
struct sb_edit {
	struct sb_strv *notes; /* a line for each change */
	struct sb_err *err;
};

/* All that return an int return 0; or -1 with e's err set. */

/* Sets the error: "config.json: " and the text. Returns -1. */
int sb_edit_fail(struct sb_edit *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The error that what is at path is not what it must be ("a list"). Returns
 * -1. */
int sb_edit_wrong(struct sb_edit *e, const char *path, const char *what);

/* Returns -1. */
int sb_edit_no_memory(struct sb_edit *e);

/* Adds a line to the notes; they are marked as failed when memory runs out. */
void sb_edit_note(struct sb_edit *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Sets object's member to value, which then belongs to object; NULL is for
 * memory that ran out. */
int sb_edit_set(struct sb_edit *e, json_t *object, const char *name,
		json_t *value);

/*
 * The part of parent at path, whose last word is its name there, borrowed; NULL
 * in *out where it is missing. A null is as good as missing: programs in Go
 * write one for an empty list, and read it so. type is JSON_OBJECT, JSON_ARRAY
 * or JSON_STRING: any other is an error.
 */
int sb_edit_part(struct sb_edit *e, json_t *parent, const char *path,
		 json_type type, json_t **out);

/* As sb_edit_part, but makes what is missing: an object or a list. */
int sb_edit_need(struct sb_edit *e, json_t *parent, const char *path,
		 json_type type, json_t **out);

#endif
