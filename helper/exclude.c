/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The regular expressions of EnvExclude and RunTimeEnvExclude. */
#include "exclude.h"

#include "../spank/contract.h"

#include <stdlib.h>
#include <string.h>

/* Limits on what glibc makes of one: characters, with repetitions written out;
 * ways that lead on without a character; groups in groups; repetitions in
 * repetitions. */
#define MAX_SIZE 20000
#define MAX_WAYS 1000
#define MAX_DEPTH 50
#define MAX_AGAIN 4

/* What a part of an expression costs. */
struct cost {
	unsigned long size; /* characters */
	unsigned long ways; /* at least 1 */
	unsigned int again; /* repetitions in repetitions */
	int empty;	    /* it may match nothing */
	int anchored;	    /* it has an assertion */
};

/* A group while it is read: its branches so far, the one at hand, and the piece
 * that would be repeated. */
struct group {
	struct cost branches, branch, piece;
};

static const struct group fresh = {
	.branches = {.ways = 1},
	.branch = {.ways = 1, .empty = 1},
	.piece = {.ways = 1, .empty = 1},
};

/* Far beyond the limits all is the same. */
static unsigned long product(unsigned long a, unsigned long b)
{
	const unsigned long most = 1UL << 24;

	return a && b > most / a ? most : a * b;
}

static unsigned int larger(unsigned int a, unsigned int b)
{
	return a > b ? a : b;
}

static struct cost both(struct cost a, struct cost b)
{
	return (struct cost){
		.size = a.size + b.size,
		.ways = product(a.ways, b.ways),
		.again = larger(a.again, b.again),
		.empty = a.empty && b.empty,
		.anchored = a.anchored || b.anchored,
	};
}

/* Where there must be a character at once there is no way without. */
static struct cost either(struct cost a, struct cost b)
{
	unsigned long ways = (a.empty || a.ways > 1 ? a.ways : 0) +
			     (b.empty || b.ways > 1 ? b.ways : 0);

	return (struct cost){
		.size = a.size + b.size,
		.ways = ways ? ways : 1,
		.again = larger(a.again, b.again),
		.empty = a.empty || b.empty,
		.anchored = a.anchored || b.anchored,
	};
}

/* c so many times, the last of them perhaps not. */
static struct cost repeated(struct cost c, unsigned long least,
			    unsigned long most)
{
	int plain = !c.empty && c.ways == 1;
	struct cost r = {
		.size = product(c.size, most),
		.ways = plain && least < most ? 2 : 1,
		.again = c.again + 1,
		.empty = c.empty || !least,
		.anchored = c.anchored,
	};

	for (unsigned long i = 0; !plain && i < most && r.ways <= MAX_WAYS; i++)
		r.ways = product(r.ways, c.ways + (i >= least));
	return r;
}

/* Applies what stands at p, '*', '?', '+' or "{n,m}" (which need not be whole),
 * and returns its end. */
static const char *repeat(const char *p, struct cost *c)
{
	unsigned long least = *p == '+', most = 1 + least;
	char *end = (char *)p;

	if (*p == '{') {
		least = most = strtoul(p + 1, &end, 10);
		if (*end == ',')
			most = strtoul(end + 1, &end, 10);
		if (most < least || end[-1] == ',')
			most = least + 1;
	}
	/* A circle with an assertion in it: nobody needs one. */
	if (most > MAX_SIZE || (c->anchored && *p != '?'))
		most = MAX_SIZE + 1;
	*c = repeated(*c, least, most);
	return *p == '{' && *end != '}' ? p : end;
}

/* The end of the bracket expression at p, or of an escaped character. */
static const char *skip(const char *p)
{
	if (*p == '\\')
		return p[1] ? p + 1 : p;
	p += 1 + (p[1] == '^');
	for (p += *p == ']'; *p && *p != ']'; p++) {
		/* [:alpha:], [.a.], [=a=] */
		const char close[] = {p[1], ']', '\0'};
		const char *end = *p == '[' && p[1] && strchr(":.=", p[1])
					  ? strstr(p + 2, close)
					  : NULL;

		if (end)
			p = end + 1;
	}
	return *p ? p : p - 1;
}

/* An assertion: regex(7), and glibc's own with a backslash. */
static int is_anchor(const char *p)
{
	return *p == '^' || *p == '$' ||
	       (*p == '\\' && p[1] && strchr("bB<>`'", p[1]));
}

static void add_piece(struct group *g, struct cost piece)
{
	g->branch = both(g->branch, g->piece);
	g->piece = piece;
}

static struct cost end_branch(struct group *g)
{
	add_piece(g, fresh.piece);
	g->branches = either(g->branches, g->branch);
	g->branch = fresh.branch;
	return g->branches;
}

/* Ends g, the innermost group; returns the one around it. */
static struct group *end_group(struct group *g)
{
	struct cost whole = end_branch(g--);

	/* One without anything in it costs something too. */
	whole.size++;
	whole.ways += whole.empty && whole.ways == 1;
	add_piece(g, whole);
	return g;
}

/* Takes the character, bracket expression or assertion at p; returns its end.
 */
static const char *add_atom(const char *p, struct group *g)
{
	int anchor = is_anchor(p);
	const struct cost atom = {
		.size = 1,
		.ways = 1 + anchor,
		.empty = anchor,
		.anchored = anchor,
	};

	add_piece(g, atom);
	return *p == '[' || *p == '\\' ? skip(p) : p;
}

static int is_over(const struct cost *c)
{
	return c->size > MAX_SIZE || c->ways > MAX_WAYS || c->again > MAX_AGAIN;
}

static int has_over(const struct group *g)
{
	return is_over(&g->piece) || is_over(&g->branch) ||
	       is_over(&g->branches);
}

/*
 * Whether glibc's regcomp would take long, all the memory there is, or all of
 * the stack. It writes repetitions out, and those of repetitions
 * (posix/regcomp.c, parse_dup_op); it follows each way that leads on without a
 * character, again and again where such ways lead in circles
 * (calc_eclosure_iter, duplicate_node_closure); and it calls itself for groups.
 */
static int is_too_much(const char *text)
{
	struct group groups[MAX_DEPTH + 1] = {fresh}, *g = groups;
	struct cost whole;

	for (const char *p = text; *p; p++) {
		if (*p == '(') {
			if (g == groups + MAX_DEPTH)
				return 1;
			*++g = fresh;
		} else if (*p == ')' && g > groups) {
			g = end_group(g);
		} else if (*p == '|') {
			end_branch(g);
		} else if (strchr("*?+{", *p)) {
			p = repeat(p, &g->piece);
		} else {
			p = add_atom(p, g);
		}
		if (has_over(g))
			return 1;
	}
	while (g > groups) {
		g = end_group(g);
		if (has_over(g))
			return 1;
	}
	whole = end_branch(g);
	return is_over(&whole);
}

int sb_exclude_compile(regex_t *exclude, const char *key, const char *text,
		       struct sb_err *err)
{
	char why[128];
	int rc;

	if (is_too_much(text))
		return sb_fail(err, SB_FAIL,
			       "%s=\"%s\": too much is repeated or nested, or "
			       "over %d characters when that is written out",
			       key, text, MAX_SIZE);
	rc = regcomp(exclude, text, REG_EXTENDED | REG_NOSUB);
	if (!rc)
		return 0;
	regerror(rc, exclude, why, sizeof(why));
	return sb_fail(err, SB_FAIL, "%s=\"%s\": %s", key, text, why);
}

int sb_exclude_match(const regex_t *exclude, const char *var)
{
	int rc = exclude ? regexec(exclude, var, 0, NULL, 0) : REG_NOMATCH;

	return rc == REG_NOMATCH ? 0 : !rc ? 1 : -1;
}
