/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ContainerPath: where step directories are. */
#define _GNU_SOURCE
#include "place.h"

#include "contract.h"

#include <stdio.h>
#include <string.h>

/* ---- the letters ---- */

static const char *why_not(char letter)
{
	if (letter && strchr("brZ@", letter))
		return "the user writes it, and root makes this directory";
	if (letter && strchr("emp", letter))
		return "not known before this directory is made";
	return "no such letter (%% is a percent sign)";
}

int sb_place_check(const char *pattern, struct sb_err *err)
{
	char name[32];

	if (*pattern != '/')
		return sb_fail(err, SB_FAIL, "ContainerPath=%s: not absolute",
			       pattern);
	for (const char *p = strchr(pattern, '%'); p; p = strchr(p + 2, '%')) {
		if (p[1] && strchr("%njsuUt", p[1]))
			continue;
		snprintf(name, sizeof(name), p[1] ? "%%%c" : "%%", p[1]);
		return sb_fail(err, SB_FAIL, "ContainerPath=%s: %s: %s",
			       pattern, name, why_not(p[1]));
	}
	return 0;
}

/* Where the first of these letters stands in pattern, or its end. */
static const char *find(const char *pattern, const char *letters)
{
	const char *p = strchr(pattern, '%');

	while (p && p[1] && !strchr(letters, p[1]))
		p = strchr(p + 2, '%');
	return p && p[1] ? p : pattern + strlen(pattern);
}

/* The length of pattern up to the component in which end is. */
static size_t cut(const char *pattern, const char *end)
{
	if (!*end)
		return end - pattern;
	while (end > pattern && *end != '/')
		end--;
	return end - pattern;
}

/* Where pattern ends before a task's component. */
static const char *end_of(const char *pattern)
{
	return pattern + cut(pattern, find(pattern, "t"));
}

/* Where the first of these letters stands in what is used of pattern; NULL: it
 * has none of them. */
static const char *first(const char *pattern, const char *letters)
{
	const char *p = find(pattern, letters);

	return p < end_of(pattern) ? p : NULL;
}

int sb_place_has(const char *pattern, char letter)
{
	const char text[2] = {letter};

	return !!first(pattern, text);
}

int sb_place_varies(const char *pattern)
{
	return !!first(pattern, "jsuU");
}

static int components(const char *path, size_t len)
{
	int n = 0;

	for (size_t i = 0; i < len; i++)
		n += path[i] == '/' && i + 1 < len && path[i + 1] != '/';
	return n;
}

int sb_place_levels(const char *pattern, const char *place)
{
	const char *end = first(pattern, "jsuU");

	if (!end)
		return 0;
	return components(place, strlen(place)) -
	       components(pattern, cut(pattern, end));
}

/* ---- writing ---- */

struct writer {
	char *dst;
	size_t size, n;
	int glob; /* what a value holds stands for itself */
};

static int put(struct writer *w, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int special = w->glob && strchr("*?[\\", text[i]);

		if (w->n + 2 + special > w->size)
			return -1;
		if (special)
			w->dst[w->n++] = '\\';
		w->dst[w->n++] = text[i];
	}
	w->dst[w->n] = '\0';
	return 0;
}

static int put_any(struct writer *w)
{
	if (w->n + 2 > w->size)
		return -1;
	w->dst[w->n++] = '*';
	w->dst[w->n] = '\0';
	return 0;
}

static int put_number(struct writer *w, uint32_t n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return put(w, text, len);
}

/* A name that root can make a directory of. */
static int is_name(const char *s)
{
	return *s && *s != '.' && !strchr(s, '/');
}

/* Returns 0; or -1 for lack of room. */
static int put_letter(struct writer *w, char letter, const struct sb_place *of)
{
	if (letter == '%')
		return put(w, "%", 1);
	if (letter == 'n')
		return of->node ? put(w, of->node, strlen(of->node))
				: put_any(w);
	if (letter == 'j')
		return of->job ? put_number(w, of->job) : put_any(w);
	if (!of->user)
		return put_any(w);
	if (letter == 'u')
		return put(w, of->user, strlen(of->user));
	return put_number(w, letter == 's' ? of->step : of->uid);
}

static int put_pattern(struct writer *w, const char *pattern,
		       const struct sb_place *of)
{
	const char *end = end_of(pattern);

	for (const char *p = pattern; p < end;) {
		int rc = *p == '%' ? put_letter(w, p[1], of) : put(w, p, 1);

		if (rc < 0)
			return -1;
		p += *p == '%' ? 2 : 1;
	}
	return w->n ? 0 : put(w, "/", 1);
}

int sb_place_expand(char *dst, size_t size, const char *pattern,
		    const struct sb_place *of, struct sb_err *err)
{
	struct writer w = {.dst = dst, .size = size};

	if (sb_place_has(pattern, 'u') && !is_name(of->user))
		return sb_fail(err, SB_FAIL,
			       "ContainerPath: %%u: \"%s\" cannot be a "
			       "directory's name",
			       of->user);
	if (put_pattern(&w, pattern, of) < 0)
		return sb_fail(err, SB_FAIL, "ContainerPath: too long");
	return 0;
}

int sb_place_glob(char *dst, size_t size, const char *pattern,
		  const struct sb_place *of)
{
	struct writer w = {.dst = dst, .size = size, .glob = 1};

	if (put_pattern(&w, pattern, of) < 0 || put(&w, "/", 1) < 0)
		return -1;
	return of->node ? put(&w, of->node, strlen(of->node)) : put_any(&w);
}
