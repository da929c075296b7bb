/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The difference of two texts: the shortest list of changes, by E. W. Myers,
 * "An O(ND) Difference Algorithm and Its Variations" (1986), the greedy form.
 */
#include "diff.h"

#include "mem.h"

#include <stdio.h>

#define CONTEXT 3
/* Changes beyond which nobody would read it; bounds memory to 36 MiB. */
#define MAX_CHANGES 3000

struct line {
	const char *s;
	size_t len;
};

struct text {
	struct line *line;
	int n;
};

struct work {
	struct text a, b;
	int head;	    /* lines that both begin with */
	int n, m;	    /* what is left of each, without head and tail */
	char *gone, *added; /* per line of a and b: whether it changed */
};

static int split(struct text *t, const char *s)
{
	int n = 0;

	for (const char *p = s; *p; p++)
		n += *p == '\n';
	t->line = malloc((n + 1) * sizeof(*t->line));
	if (!t->line)
		return -1;
	for (t->n = 0; *s; t->n++) {
		size_t len = strcspn(s, "\n");

		t->line[t->n] = (struct line){s, len};
		s += len + !!s[len];
	}
	return 0;
}

static int same(const struct work *w, int i, int j)
{
	const struct line *a = &w->a.line[i], *b = &w->b.line[j];

	return a->len == b->len && !memcmp(a->s, b->s, a->len);
}

static void trim(struct work *w)
{
	int shorter = w->a.n < w->b.n ? w->a.n : w->b.n, tail = 0;

	while (w->head < shorter && same(w, w->head, w->head))
		w->head++;
	while (tail < shorter - w->head &&
	       same(w, w->a.n - 1 - tail, w->b.n - 1 - tail))
		tail++;
	w->n = w->a.n - w->head - tail;
	w->m = w->b.n - w->head - tail;
}

/* How far one gets on diagonal k with d changes; v has what d - 1 reach. */
static int reach(const struct work *w, const int *v, int d, int k)
{
	int x;

	if (k == -d || (k != d && v[k - 1] < v[k + 1]))
		x = v[k + 1];
	else
		x = v[k - 1] + 1;
	while (x < w->n && x - k < w->m &&
	       same(w, w->head + x, w->head + x - k))
		x++;
	return x;
}

/* From the end back, along what each number of changes had reached. */
static void mark(struct work *w, int **reached, int d)
{
	int x = w->n, y = w->m;

	for (; d > 0; d--) {
		const int *v = reached[d - 1];
		int k = x - y, before;

		if (k == -d || (k != d && v[k - 1] < v[k + 1]))
			before = k + 1;
		else
			before = k - 1;
		x = v[before];
		y = x - before;
		if (before > k)
			w->added[w->head + y] = 1;
		else
			w->gone[w->head + x] = 1;
	}
}

/* Diagonals -d to d, and one more on each side that is read but never reached;
 * the pointer is to diagonal 0. */
static int *new_row(int d)
{
	int *row = calloc(2 * d + 3, sizeof(*row));

	return row ? row + d + 1 : NULL;
}

/* Returns the number of changes, -1 where there are too many, -2 without
 * memory. reached[d] is to be freed by the caller. */
static int search(struct work *w, int **reached)
{
	for (int d = 0; d <= MAX_CHANGES; d++) {
		int *v = reached[d] = new_row(d),
		    *from = d ? reached[d - 1] : v;

		if (!v)
			return -2;
		for (int k = -d; k <= d; k += 2) {
			/* Off the edge of one text nothing can be reached; the
			 * row before is by one narrower on each side. */
			v[k] = d ? reach(w, from, d, k) : reach(w, v, 0, 0);
			if (v[k] >= w->n && v[k] - k >= w->m)
				return d;
		}
	}
	return -1;
}

static int compare(struct work *w)
{
	int **reached = calloc(MAX_CHANGES + 1, sizeof(*reached));
	int d = reached ? search(w, reached) : -2;

	if (d >= 0)
		mark(w, reached, d);
	for (int i = 0; reached && i <= MAX_CHANGES && reached[i]; i++)
		free(reached[i] - i - 1);
	free(reached);
	if (d == -1) {
		memset(w->gone + w->head, 1, w->n);
		memset(w->added + w->head, 1, w->m);
	}
	return d == -2 ? -1 : 0;
}

/* ---- output ---- */

static void put_line(struct sb_buf *out, char sign, const struct line *l)
{
	sb_buf_putc(out, sign);
	sb_buf_add(out, l->s, l->len);
	sb_buf_putc(out, '\n');
}

static int is_change(const struct work *w, int i, int j)
{
	return (i < w->a.n && w->gone[i]) || (j < w->b.n && w->added[j]);
}

/* Where the hunk ends that has a change at (i, j): before more than twice the
 * context without one. */
static void hunk_end(const struct work *w, int *i, int *j)
{
	int quiet = 0;

	while (quiet <= 2 * CONTEXT && (*i < w->a.n || *j < w->b.n)) {
		if (is_change(w, *i, *j)) {
			quiet = 0;
			if (*i < w->a.n && w->gone[*i])
				++*i;
			else
				++*j;
		} else {
			quiet++, ++*i, ++*j;
		}
	}
	if (quiet > CONTEXT) {
		*i -= quiet - CONTEXT;
		*j -= quiet - CONTEXT;
	}
}

/* The line before an empty range, as diff(1) counts. */
static void put_range(struct sb_buf *out, char sign, int from, int n)
{
	char text[48];

	snprintf(text, sizeof(text), n == 1 ? " %c%d" : " %c%d,%d", sign,
		 n ? from + 1 : from, n);
	sb_buf_puts(out, text);
}

static void put_hunk(const struct work *w, struct sb_buf *out, int i, int j,
		     int end_i, int end_j)
{
	sb_buf_puts(out, "@@");
	put_range(out, '-', i, end_i - i);
	put_range(out, '+', j, end_j - j);
	sb_buf_puts(out, " @@\n");
	while (i < end_i || j < end_j) {
		if (i < end_i && w->gone[i]) {
			put_line(out, '-', &w->a.line[i++]);
		} else if (j < end_j && w->added[j]) {
			put_line(out, '+', &w->b.line[j++]);
		} else {
			put_line(out, ' ', &w->a.line[i++]);
			j++;
		}
	}
}

static void put_all(const struct work *w, struct sb_buf *out,
		    const char *a_name, const char *b_name)
{
	int i = 0, j = 0, heading = 0;

	while (i < w->a.n || j < w->b.n) {
		int before, end_i, end_j;

		if (!is_change(w, i, j)) {
			i++, j++;
			continue;
		}
		if (!heading++) {
			sb_buf_puts(out, "--- ");
			sb_buf_puts(out, a_name);
			sb_buf_puts(out, "\n+++ ");
			sb_buf_puts(out, b_name);
			sb_buf_putc(out, '\n');
		}
		before = i < CONTEXT ? i : CONTEXT;
		if (j < before)
			before = j;
		end_i = i;
		end_j = j;
		hunk_end(w, &end_i, &end_j);
		put_hunk(w, out, i - before, j - before, end_i, end_j);
		i = end_i;
		j = end_j;
	}
}

int sb_diff(const char *a, const char *b, const char *a_name,
	    const char *b_name, struct sb_buf *out, struct sb_err *err)
{
	struct work w = {.head = 0};
	int rc = -1;

	if (!split(&w.a, a) && !split(&w.b, b) &&
	    (w.gone = calloc(w.a.n + 1, 1)) &&
	    (w.added = calloc(w.b.n + 1, 1))) {
		trim(&w);
		rc = compare(&w);
	}
	if (!rc)
		put_all(&w, out, a_name, b_name);
	free(w.gone);
	free(w.added);
	free(w.a.line);
	free(w.b.line);
	return rc || out->failed ? sb_no_memory(err) : 0;
}
