/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slurm's plugstack.conf, as far as it concerns one plugin. */
#define _GNU_SOURCE
#include "plugstack.h"

#include "../spank/contract.h"
#include "fdio.h"
#include "mem.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

/* A file that includes itself would make Slurm read for ever. */
#define MAX_DEPTH 8
#define MAX_SIZE (1 << 20)

struct reading {
	struct sb_plugstack *p;
	const char *name;
	int depth;
	struct sb_err *err;
};

static int read_file(struct reading *r, const char *path);

static int copy(char **to, const char *s, struct sb_err *err)
{
	free(*to);
	*to = strdup(s);
	return *to ? 0 : sb_no_memory(err);
}

static int note_broken(struct reading *r, const char *file, unsigned int line)
{
	if (!r->p->broken && asprintf(&r->p->broken, "%s:%u", file, line) < 0) {
		r->p->broken = NULL;
		return sb_no_memory(r->err);
	}
	return 0;
}

static int include(struct reading *r, const char *file, const char *pattern)
{
	_cleanup_free_ char *whole = NULL;
	glob_t found = {.gl_pathc = 0};
	const char *slash = strrchr(file, '/');
	int rc = 0;

	if (*pattern != '/' && slash &&
	    asprintf(&whole, "%.*s/%s", (int)(slash - file), file, pattern) <
		    0) {
		whole = NULL;
		return sb_no_memory(r->err);
	}
	if (++r->depth > MAX_DEPTH)
		return sb_fail(r->err, SB_FAIL, "%s: include %s: too deep",
			       file, pattern);
	if (!glob(whole ? whole : pattern, 0, NULL, &found))
		for (size_t i = 0; !rc && i < found.gl_pathc; i++)
			rc = read_file(r, found.gl_pathv[i]);
	globfree(&found);
	r->depth--;
	return rc;
}

/* The plugin's own words: spank/site.h. */
static int take_words(struct sb_plugstack_line *l, char **rest,
		      struct sb_err *err)
{
	const char *w;

	while ((w = strtok_r(NULL, " \t\n", rest))) {
		if (!strncmp(w, "conf=", 5) ? copy(&l->conf, w + 5, err)
					    : copy(&l->strange, w, err))
			return -1;
	}
	return 0;
}

static int add_line(struct reading *r, const char *file, unsigned int line,
		    int required, const char *plugin, char **rest)
{
	struct sb_plugstack *p = r->p;
	struct sb_plugstack_line *more =
		realloc(p->lines, (p->n + 1) * sizeof(*more));

	if (!more)
		return sb_no_memory(r->err);
	p->lines = more;
	more += p->n++;
	*more = (struct sb_plugstack_line){.line = line, .required = required};
	if (copy(&more->file, file, r->err) < 0 ||
	    copy(&more->plugin, plugin, r->err) < 0)
		return -1;
	return take_words(more, rest, r->err);
}

static int read_line(struct reading *r, const char *file, unsigned int line,
		     char *text)
{
	char *rest = NULL, *type, *path;
	const char *base;

	text[strcspn(text, "#")] = '\0';
	type = strtok_r(text, " \t\n", &rest);
	if (!type)
		return 0;
	path = strtok_r(NULL, " \t\n", &rest);
	if (!path)
		return note_broken(r, file, line);
	if (!strcmp(type, "include"))
		return include(r, file, path);
	if (strcmp(type, "required") && strcmp(type, "optional"))
		return note_broken(r, file, line);
	base = strrchr(path, '/');
	if (strcmp(base ? base + 1 : path, r->name))
		return 0;
	return add_line(r, file, line, !strcmp(type, "required"), path, &rest);
}

static int read_file(struct reading *r, const char *path)
{
	_cleanup_free_ char *text = NULL;
	char *next, *line;
	size_t len;
	int rc = 0;

	errno = 0;
	text = sb_fdio_read(AT_FDCWD, path, MAX_SIZE, path, &len, r->err);
	if (!text)
		return errno == ENOENT ? 0 : -1;
	next = text;
	for (unsigned int n = 1; !rc && (line = strsep(&next, "\n")); n++)
		rc = read_line(r, path, n, line);
	return rc;
}

int sb_plugstack_read(struct sb_plugstack *p, const char *path,
		      const char *name, struct sb_err *err)
{
	struct reading r = {.p = p, .name = name, .err = err};

	*p = (struct sb_plugstack){.lines = NULL};
	return read_file(&r, path);
}

void sb_plugstack_free(struct sb_plugstack *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->lines[i].file);
		free(p->lines[i].plugin);
		free(p->lines[i].conf);
		free(p->lines[i].strange);
	}
	free(p->lines);
	free(p->broken);
	*p = (struct sb_plugstack){.lines = NULL};
}
