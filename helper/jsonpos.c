/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where in a JSON text a part of the document stands. */
#define _GNU_SOURCE
#include "jsonpos.h"

#include <stdlib.h>
#include <string.h>

/* The text is JSON already: there is nothing to check but its end. */
struct scan {
	const char *p, *end;
};

static void skip_space(struct scan *s)
{
	while (s->p < s->end && strchr(" \t\r\n,:", *s->p))
		s->p++;
}

static void skip_string(struct scan *s)
{
	for (s->p++; s->p < s->end && *s->p != '"'; s->p++)
		if (*s->p == '\\')
			s->p++;
	if (s->p < s->end)
		s->p++;
	else
		s->p = s->end;
}

static void skip_value(struct scan *s)
{
	int depth = 0;

	skip_space(s);
	do {
		if (s->p >= s->end)
			return;
		if (*s->p == '"') {
			skip_string(s);
		} else {
			depth += *s->p == '{' || *s->p == '[';
			depth -= *s->p == '}' || *s->p == ']';
			s->p++;
			/* The rest of a number or a word. */
			while (!depth && s->p < s->end &&
			       !strchr(" \t\r\n,:]}", *s->p) &&
			       s->p[-1] != '}' && s->p[-1] != ']')
				s->p++;
		}
		if (depth)
			skip_space(s);
	} while (depth > 0);
}

/* Goes to the member called name of the object at s, to its key. */
static int find_member(struct scan *s, const char *name, size_t len)
{
	if (*s->p++ != '{')
		return -1;
	for (skip_space(s); s->p < s->end && *s->p == '"'; skip_space(s)) {
		const char *key = s->p;

		skip_string(s);
		if ((size_t)(s->p - key) == len + 2 &&
		    !memcmp(key + 1, name, len)) {
			s->p = key;
			return 0;
		}
		skip_value(s);
	}
	return -1;
}

static int find_element(struct scan *s, unsigned long index)
{
	if (*s->p++ != '[')
		return -1;
	for (skip_space(s); s->p < s->end && *s->p != ']'; skip_space(s)) {
		if (!index--)
			return 0;
		skip_value(s);
	}
	return -1;
}

/* Goes one word of the path further; s is at a value then. found gets where
 * the reader should look: the key, if there is one. */
static int go(struct scan *s, const char **path, const char **found)
{
	size_t len;

	skip_space(s);
	if (s->p >= s->end)
		return -1;
	if (**path == '[') {
		char *rest;
		unsigned long i = strtoul(*path + 1, &rest, 10);

		*path = rest + (*rest == ']');
		if (find_element(s, i) < 0)
			return -1;
		*found = s->p;
		return 0;
	}
	*path += **path == '.';
	len = strcspn(*path, ".[");
	if (!len || find_member(s, *path, len) < 0)
		return -1;
	*found = s->p;
	*path += len;
	skip_string(s);
	skip_space(s);
	return 0;
}

unsigned int sb_jsonpos_line(const char *text, size_t len, const char *path)
{
	struct scan s = {.p = text, .end = text + len};
	const char *found = NULL;
	unsigned int line = 1;

	while (*path && go(&s, &path, &found) == 0)
		;
	if (!found)
		return 0;
	for (const char *p = text; p < found; p++)
		line += *p == '\n';
	return line;
}
