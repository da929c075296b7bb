/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON in and out, losslessly: the one place that calls jansson's loader and
 * dumper. A number that jansson's types cannot hold exactly (OCI allows
 * RLIM_INFINITY, 2^64-1; and any fraction) is carried as its own text.
 */
#ifndef SB_JSON_H
#define SB_JSON_H

#include "../spank/err.h"

#include <jansson.h>

/* Bounds on what comes from outside. */
#define SB_JSON_MAX_SIZE (16 << 20)
#define SB_JSON_MAX_DEPTH 64

struct sb_json {
	json_t *root;  /* owned */
	char mark[40]; /* what a carried number's string begins with; "": none
			*/
};

/*
 * Parses text (len bytes). Refused: what is no JSON, more than one document,
 * duplicate keys, NUL in a string, nesting beyond SB_JSON_MAX_DEPTH. Returns
 * 0; or -1 with err set ("LINE:COLUMN: why"). Release with sb_json_free.
 */
int sb_json_parse(struct sb_json *doc, const char *text, size_t len,
		  struct sb_err *err);

/* The document as text, terminated; the caller frees it. NULL with err set
 * when memory runs out. */
char *sb_json_dump(const struct sb_json *doc, size_t *len, struct sb_err *err);

/* The same for people, as "jq ." prints it, with a newline at the end. */
char *sb_json_pretty(const struct sb_json *doc, size_t *len,
		     struct sb_err *err);

/* Whether memory has run out, in this process, for what sb_json_parse or what
 * came after it made: why there is a NULL in place of a value. */
int sb_json_no_memory(void);

/* Whether s is UTF-8, as JSON's strings must be (RFC 8259, 8.1). */
int sb_json_is_text(const char *s);

/* Whether it is, or else -1 with err set; what says in a word or two what s is.
 */
int sb_json_need_text(const char *what, const char *s, struct sb_err *err);

/* A new list of strings (NULL-terminated; NULL: none). NULL when memory runs
 * out or one is no UTF-8. */
json_t *sb_json_list(char **strings);

void sb_json_free(struct sb_json *doc);

#define _cleanup_json_ __attribute__((cleanup(sb_json_free)))

#endif
